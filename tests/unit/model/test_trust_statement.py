"""Statements of trust: what is signed reads back as the same, and nothing else reads as one."""

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from babysitter.model.errors import SignatureError
from babysitter.model.statement import Digest, Subject
from babysitter.model.trust_statement import (
    AcceptedFinding,
    CheckedBy,
    CoveredFile,
    TrustPredicate,
    TrustStatement,
    parse_trust,
    trust_bytes,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
STATEMENTS = st.builds(
    TrustStatement,
    subject=st.lists(st.builds(Subject, name=TEXT, digest=st.builds(Digest, sha256=SHA256)), max_size=3).map(
        tuple
    ),
    predicate=st.builds(
        TrustPredicate,
        entry=TEXT,
        process_digest=SHA256,
        settings_sha256=SHA256,
        reviewer=TEXT,
        issued_at=TEXT,
        covers=st.lists(st.builds(CoveredFile, file=TEXT, digest=SHA256), max_size=2).map(tuple),
        accepted=st.lists(
            st.builds(AcceptedFinding, tool=TEXT, rule=TEXT, path=TEXT, fingerprint=TEXT, reason=TEXT),
            max_size=2,
        ).map(tuple),
        checked=st.lists(st.builds(CheckedBy, tool=TEXT, state=TEXT, version=TEXT), max_size=2).map(tuple),
        workspace=TEXT,
    ),
)


@given(STATEMENTS)
def test_a_statement_reads_back_as_it_was_signed(statement: TrustStatement) -> None:
    assert parse_trust(trust_bytes(statement)) == statement


@given(STATEMENTS, SHA256)
def test_a_statement_is_about_its_own_digests_alone(statement: TrustStatement, other: str) -> None:
    own = {statement.predicate.process_digest, *(part.digest for part in statement.predicate.covers)}

    assert all(statement.covers(digest) for digest in own)
    assert statement.covers(other) == (other in own)


@given(STATEMENTS, st.integers(0, 2000), st.integers(0, 255))
def test_bytes_that_are_not_exactly_a_statement_are_none(
    statement: TrustStatement, at: int, byte: int
) -> None:
    data = trust_bytes(statement)
    changed = bytearray(data)
    changed[at % len(data)] = byte

    try:
        read = parse_trust(bytes(changed))
    except SignatureError:
        return
    # It reads as another statement, whose bytes no signature over the first one covers.
    assert (bytes(changed) == data) == (read == statement)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(predicateType="urn:babysitter:approval/v1"),
        lambda said: said.update(_type="other"),
        lambda said: said.update(more=1),
        lambda said: said["predicate"].update(more=1),
        lambda said: said["predicate"].pop("processDigest"),
    ],
)
def test_what_says_something_else_is_no_statement(change: object) -> None:
    predicate = TrustPredicate(
        entry="flow.py", process_digest="0" * 64, settings_sha256="0" * 64, reviewer="a", issued_at="now"
    )
    said = msgspec.json.decode(trust_bytes(TrustStatement(subject=(), predicate=predicate)))
    change(said)  # type: ignore[operator]

    with pytest.raises(SignatureError):
        parse_trust(msgspec.json.encode(said, order="sorted"))
