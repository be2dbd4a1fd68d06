"""The Merkle tree agrees with the definition, and its proofs show what they say and nothing else."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.log.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

LEAVES = [leaf_hash(b"line %d\n" % number) for number in range(70)]
OTHER = hashlib.sha256(b"another").digest()
sizes = st.integers(min_value=1, max_value=len(LEAVES))
# The inputs and the root of the test data that RFC 6962's reference implementation is tested with.
RFC_INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
RFC_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """The root as RFC 6962 defines it, by recursion."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=80))
def test_the_root_is_the_one_of_the_definition(leaves: list[bytes]) -> None:
    assert root_of(leaves) == by_definition(leaves)


def test_the_root_is_the_one_that_others_compute() -> None:
    assert root_of([leaf_hash(data) for data in RFC_INPUTS]).hex() == RFC_ROOT


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_a_leaf_is_never_the_hash_of_an_inner_node() -> None:
    """Else two leaves could be passed off as one."""
    left, right = LEAVES[:2]

    assert leaf_hash(left + right) != root_of([left, right])


def test_a_copy_of_a_growing_tree_grows_on_its_own() -> None:
    tree = Frontier()
    for leaf in LEAVES[:5]:
        tree.append(leaf)

    other = tree.copy()
    other.append(LEAVES[5])

    assert tree.root() == root_of(LEAVES[:5])
    assert other.root() == root_of(LEAVES[:6])


def test_a_growing_tree_remembers_one_hash_a_bit_of_its_size() -> None:
    tree = Frontier()
    for number in range(1000):
        tree.append(LEAVES[number % len(LEAVES)])

    assert len(tree._peaks) == (1000).bit_count()


@given(sizes, st.data())
def test_every_leaf_is_shown_to_be_in_every_tree_over_it(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))

    proof = inclusion_proof(LEAVES, index, size)

    assert is_included(LEAVES[index], index, size, proof, root_of(LEAVES[:size]))
    assert len(proof) <= max(1, (size - 1).bit_length())


@given(sizes, st.data())
def test_a_proof_of_inclusion_shows_nothing_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    proof, root = inclusion_proof(LEAVES, index, size), root_of(LEAVES[:size])
    elsewhere = data.draw(st.integers(min_value=-1, max_value=size + 1))

    assert not is_included(OTHER, index, size, proof, root)
    assert not is_included(LEAVES[index], index, size, proof, OTHER)
    assert not is_included(LEAVES[index], index, size, [*proof, OTHER], root)
    assert not is_included(LEAVES[index], index, size, [OTHER, *proof], root)
    assert elsewhere == index or not is_included(LEAVES[index], elsewhere, size, proof, root)
    for cut in range(len(proof)):
        assert not is_included(LEAVES[index], index, size, proof[:cut], root)
        changed = [OTHER if number == cut else each for number, each in enumerate(proof)]
        assert not is_included(LEAVES[index], index, size, changed, root)


@given(sizes, st.data())
def test_every_tree_is_shown_to_begin_with_every_smaller_one(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(min_value=0, max_value=size))

    proof = consistency_proof(LEAVES, old, size)

    assert is_consistent(old, size, root_of(LEAVES[:old]), root_of(LEAVES[:size]), proof)


@given(sizes, st.data())
def test_a_proof_of_consistency_shows_nothing_else(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(min_value=0, max_value=size))
    proof = consistency_proof(LEAVES, old, size)
    old_root, root = root_of(LEAVES[:old]), root_of(LEAVES[:size])

    assert not is_consistent(old, size, OTHER, root, proof)
    assert old == 0 or not is_consistent(old, size, old_root, OTHER, proof)
    assert not is_consistent(old, size, old_root, root, [*proof, OTHER])
    assert not is_consistent(size + 1, size, old_root, root, proof)
    assert not is_consistent(-1, size, old_root, root, proof)
    for cut in range(len(proof)):
        assert not is_consistent(old, size, old_root, root, proof[:cut])
        changed = [OTHER if number == cut else each for number, each in enumerate(proof)]
        assert not is_consistent(old, size, old_root, root, changed)


@given(sizes, st.data())
def test_a_forked_tree_has_no_proof(size: int, data: st.DataObject) -> None:
    """The other branch's own proof does not show that it begins with ours."""
    changed = data.draw(st.integers(min_value=0, max_value=size - 1))
    old = data.draw(st.integers(min_value=changed + 1, max_value=size))
    forked = [*LEAVES[:changed], OTHER, *LEAVES[changed + 1 :]]

    proof = consistency_proof(forked, old, size)

    assert not is_consistent(old, size, root_of(LEAVES[:old]), root_of(forked[:size]), proof)


@pytest.mark.parametrize("size", [0, 1])
def test_what_is_in_no_tree_is_not_included(size: int) -> None:
    assert not is_included(LEAVES[0], size, size, [], root_of(LEAVES[:size]))


def test_a_proof_for_a_tree_is_too_short_for_one_of_twice_its_size() -> None:
    """Else a leaf could be shown in a tree that nobody has signed."""
    proof, root = inclusion_proof(LEAVES, 0, 2), root_of(LEAVES[:2])

    assert is_included(LEAVES[0], 0, 2, proof, root)
    assert not is_included(LEAVES[0], 0, 3, proof, root)
    assert not is_included(LEAVES[0], 0, 4, proof, root)
