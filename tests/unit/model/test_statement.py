"""The statement that is signed: one form only, and nothing that reads as one is taken in another."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import SignatureError
from babysitter.model.events import CoveredRef
from babysitter.model.statement import (
    PREDICATE_TYPE,
    STATEMENT_BYTES_MAX,
    STATEMENT_TYPE,
    Digest,
    JournalPlace,
    Predicate,
    Statement,
    Subject,
    parse_statement,
    statement_bytes,
)

PLACE = JournalPlace(seq=7, prefix="a" * 64, head="b" * 64)


def statement(comment: str = "looks right", **more: object) -> Statement:
    predicate = Predicate(
        run_id="r1",
        breakpoint_id="1-go",
        approves=(CoveredRef(task_id="deploy", args_sha256="c" * 64, sandbox_sha256="d" * 64),),
        journal=PLACE,
        decision="approve",
        comment=comment,
        approver="alice@example.com",
        rule="production",
        policy_sha256="e" * 64,
        nonce="00",
        issued_at="2026-01-31T10:15:30.000000Z",
        **more,  # type: ignore[arg-type]
    )
    return Statement(subject=(Subject(name="shown.md", digest=Digest(sha256="f" * 64)),), predicate=predicate)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.booleans())
def test_a_statement_comes_back_from_its_bytes_as_it_was(comment: str, broken: bool) -> None:
    made = statement(comment, break_glass=broken, on_behalf_of="bob" if broken else None)

    data = statement_bytes(made)

    assert parse_statement(data) == made


def test_a_statement_is_an_in_toto_statement_that_other_tools_read() -> None:
    read = json.loads(statement_bytes(statement()))

    assert read["_type"] == STATEMENT_TYPE
    assert read["predicateType"] == PREDICATE_TYPE
    assert read["subject"] == [{"digest": {"sha256": "f" * 64}, "name": "shown.md"}]
    assert read["predicate"]["approves"][0]["taskId"] == "deploy"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'":"', b'": "', 1),
        lambda data: data.replace(b"looks right", b"looks\\u0020right"),
        lambda data: data.replace(b'"nonce":"00",', b'"nonce":"00","nonce":"00",'),
        lambda data: data.replace(b'"nonce"', b'"extra":1,"nonce"'),
        lambda data: data.replace(STATEMENT_TYPE.encode(), b"https://in-toto.io/Statement/v0.1"),
        lambda data: data.replace(b"approval/v1", b"approval/v2"),
        lambda data: data[:-1],
        lambda data: b"\xff" + data,
        lambda _: b"",
        lambda _: b"[]",
        lambda data: data.replace(b"looks right", b"x" * STATEMENT_BYTES_MAX),
    ],
)
def test_other_bytes_that_say_the_same_or_nearly_are_refused(change: object) -> None:
    data = change(statement_bytes(statement()))  # type: ignore[operator]

    with pytest.raises(SignatureError) as refusal:
        parse_statement(data)

    assert refusal.value.facts["reason"] == "statement"
