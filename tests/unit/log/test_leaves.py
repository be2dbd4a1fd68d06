"""Leaves are read strictly: each type comes back as it was written, anything else is refused."""

import msgspec
import pytest

from babysitter.log.leaves import (
    LEAF_TYPES,
    Approval,
    BreakGlassReviewed,
    Leaf,
    LogRecovered,
    PolicyChanged,
    RunHeld,
    RunOpened,
    RunProgress,
    RunPurged,
    RunReleased,
    RunSealed,
    SignedBy,
    SignersChanged,
    leaf_of,
)
from babysitter.model.lines import Chain, Record

DIGEST = "ab" * 32
LEAVES: list[Leaf] = [
    RunOpened(
        run_id="r",
        process_id="release",
        process_digest=DIGEST,
        requested_by="alice",
        authors=("bob",),
        policy_sha256=DIGEST,
        parent_run_id="p",
        first_line_sha256=DIGEST,
        run_key="QQ==",
    ),
    RunProgress(run_id="r", seq=9, prefix=DIGEST, signature="QQ=="),
    Approval(
        run_id="r",
        breakpoint_id="4-go",
        seq=7,
        prefix=DIGEST,
        line_sha256=DIGEST,
        approver="bob@example.com",
        decision="approve",
        method="ssh",
        statement_sha256=DIGEST,
        signature_sha256=DIGEST,
        key_fingerprint="SHA256:abc",
        on_behalf_of="alice@example.com",
        break_glass=True,
    ),
    RunSealed(run_id="r", seq=9, prefix=DIGEST, status="completed", signature="QQ=="),
    RunHeld(run_id="r", by="alice", reason_sha256=DIGEST),
    RunReleased(run_id="r", by="alice", reason_sha256=DIGEST),
    RunPurged(run_id="r", by="alice", seq=9, prefix=DIGEST, rule="old"),
    PolicyChanged(policy_sha256=DIGEST, previous_sha256=DIGEST, by="alice"),
    SignersChanged(
        signers_sha256=DIGEST,
        revoked_sha256=DIGEST,
        previous_sha256=DIGEST,
        by="alice",
        signed_by=(SignedBy(approver="bob@example.com", signature_sha256=DIGEST),),
    ),
    BreakGlassReviewed(
        run_id="r", breakpoint_id="4-go", reviewer="bob", statement_sha256=DIGEST, signature_sha256=DIGEST
    ),
    LogRecovered(dropped_bytes=3, dropped_sha256=DIGEST),
]


def record_of(kind: str, data: bytes) -> Record:
    return Record(1, "0" * 64, kind, "2026-01-31T10:15:30.123456Z", data)


def test_every_type_of_leaf_is_tried_here() -> None:
    assert {leaf.type for leaf in LEAVES} == set(LEAF_TYPES)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type)
def test_a_leaf_comes_back_from_its_line_as_it_was(leaf: Leaf) -> None:
    line = Chain().line(leaf.type, "2026-01-31T10:15:30.123456Z", msgspec.json.encode(leaf))

    (record,) = Chain().read(line)

    assert leaf_of(record) == leaf


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type)
def test_a_leaf_with_an_unknown_field_is_refused(leaf: Leaf) -> None:
    data = msgspec.json.encode({**msgspec.to_builtins(leaf), "unheard": 1})

    with pytest.raises(msgspec.ValidationError):
        leaf_of(record_of(leaf.type, data))


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type)
def test_a_leaf_that_lacks_what_it_must_say_is_refused(leaf: Leaf) -> None:
    required = next(field for field in msgspec.structs.fields(leaf) if field.required)
    data = msgspec.to_builtins(leaf)
    del data[required.encode_name]

    with pytest.raises(msgspec.ValidationError):
        leaf_of(record_of(leaf.type, msgspec.json.encode(data)))


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type)
def test_what_is_at_its_default_takes_no_room(leaf: Leaf) -> None:
    data = msgspec.to_builtins(leaf)
    fields = msgspec.structs.fields(leaf)
    least = {field.encode_name: data[field.encode_name] for field in fields if field.required}

    made = leaf_of(record_of(leaf.type, msgspec.json.encode(least)))

    assert msgspec.to_builtins(made) == least


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError):
        leaf_of(record_of("run.forgotten", b"{}"))
