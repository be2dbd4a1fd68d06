"""The sieve: what it holds back holds no form, nor anything behind which one may be hidden."""

import random

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from babysitter.secrets.search import FormIndex
from babysitter.secrets.sieve import HEAD_BYTES_MAX, Sieve, make_sieve
from babysitter.secrets.squeeze import is_plain, skeleton
from tests.unit.secrets.fakes import secret_values, text
from tests.unit.secrets.test_squeeze import GAPS

moderate = settings(max_examples=100, deadline=None)

BONES = [b"q8ZkT3mW0x", b"-----BEGI-", b"\"';:,.", b"$.[]()*+?^|{}", b"aaaaaaaaa", b"u00u00u00"]
piece = st.one_of(
    st.sampled_from([bone[:length] for bone in BONES for length in (3, 7, 30)]),
    st.sampled_from([gap.encode() for gap in GAPS]),
    st.sampled_from([b"n", b"rt", b"\x00", b"\xff", b"u00", b"\\", b"\\x", b"\\e", b"[", b"a", b"-"]),
    st.binary(max_size=3),
)


def sieve_of(skeletons: list[bytes]) -> Sieve:
    sieve = make_sieve(skeletons)
    assert sieve is not None
    return sieve


MADE = sieve_of(BONES)


@settings(max_examples=500, deadline=None)
@given(st.lists(piece, max_size=16).map(b"".join))
@example(b"\\x1b")
@example(b"q8\\nZk\nT3=\r\nmW")
@example(b"\\\\u001b")
def test_a_text_is_let_through_when_a_skeleton_stands_in_its_own_or_it_is_not_plain(data: bytes) -> None:
    bones = skeleton(data)

    expected = any(each[:HEAD_BYTES_MAX] in bones for each in BONES) or not is_plain(data)

    assert bool(MADE(data)) == expected


@moderate
@given(st.data())
def test_what_is_held_back_is_what_the_closer_look_finds_nothing_in(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    index = FormIndex({f"env:{name}": value for name, value in secrets.items()})
    form = data.draw(st.sampled_from(index.patterns)).decode()
    for gap in data.draw(st.lists(st.sampled_from(GAPS), max_size=3)):
        at = data.draw(st.integers(0, len(form)))
        form = form[:at] + gap + form[at:]
    written = f"{data.draw(text)}{form}{data.draw(text)}".encode()
    for _ in range(data.draw(st.integers(0, 3))):
        written = orjson.dumps(written.decode())
    sieve = make_sieve(index._bones)

    assert sieve is not None
    if index._bare is None and index._may_stand_closely(written):
        assert sieve(written)


def test_ordinary_text_is_held_back() -> None:
    line = rb'{"stdout":"building dist/a.py: \"done\"\nwent on with 42 in C:\\temp"}'

    assert not MADE(line * 100)


@pytest.mark.parametrize("memory_bytes", [1, 1000])
def test_an_engine_without_room_makes_no_sieve(memory_bytes: int) -> None:
    assert make_sieve(BONES, memory_bytes=memory_bytes) is None


def test_of_more_forms_than_are_quick_no_sieve_is_made() -> None:
    many = [f"{number:09}".encode() for number in range(0, 10_001 * 100, 100)]

    assert make_sieve(many) is None


def test_the_least_memory_that_makes_a_sieve_is_enough_for_any_text() -> None:
    """The engine throws its table away when it is full; what it says must not change with that."""
    dice = random.Random(7)
    bones = [bytes(dice.choices(b"acdeACE0123", k=9)) for _ in range(300)]
    need = next(size for size in range(2_000, 10_000_000, 2_000) if make_sieve(bones, memory_bytes=size))
    sieve = make_sieve(bones, memory_bytes=need)
    assert sieve is not None

    for number in range(300):
        noise = bytes(dice.choices(b"acdeACE0123 \n", k=3000))
        heads = {bone[:HEAD_BYTES_MAX] for bone in bones}
        assert bool(sieve(noise)) == any(head in skeleton(noise) for head in heads)
        assert sieve(noise + b" ".join([bones[number][:3], bones[number][3:]]))


def test_a_sieve_is_made_once_much_was_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("babysitter.secrets.search._SIEVE_AFTER_BYTES", 100)
    index = FormIndex({"env:A": "abcdefgh12345678"})
    assert not index.may_stand_in(b"x" * 100)
    assert index._sieve is None

    assert not index.may_stand_in(b"x")

    assert index._sieve is not None
    assert index.may_stand_in(b"abcdefgh12345678")
    assert not index.may_stand_in(b"abcdefgh1234567")


def test_without_a_sieve_all_is_looked_at_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("babysitter.secrets.search._SIEVE_AFTER_BYTES", 0)
    monkeypatch.setattr("babysitter.secrets.sieve.make_sieve", lambda _: None)
    index = FormIndex({"env:A": "abcdefgh12345678"})

    for _ in range(2):
        assert index.may_stand_in(b"x abcdefgh\n12345678")
        assert not index.may_stand_in(b"nothing to see here")
