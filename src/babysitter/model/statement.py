"""What a person signs when answering a breakpoint: an in-toto Statement v1 in RFC 8785 form.

The subjects are the bytes that the person was shown; the predicate says what was
decided, over which calls, at which place of which journal, under which policy. The
bytes that are signed are the bytes that are kept, and a statement that would not
come out as the very same bytes again is refused.

Reference: docs/reference/approval-statement.md.
Source: in-toto attestation framework, Statement v1, https://in-toto.io/Statement/v1.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from babysitter.model.errors import SignatureError
from babysitter.model.events import CoveredRef
from babysitter.model.values import canonical_json

APPROVAL_NAMESPACE = "babysitter-approval"
"""The SSHSIG namespace of answers; a signature made for anything else never counts as one."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:babysitter:approval/v1"
STATEMENT_BYTES_MAX = 64 * 1024
SHOWN = "shown.md"


class Digest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Digests of a subject."""

    sha256: str


class Subject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that was shown; ``name`` is its path in the run, or ``shown.md``."""

    name: str
    digest: Digest


class JournalPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the question stands: line ``seq``; ``prefix``: SHA-256 of all before it; ``head``: with it."""

    seq: int
    prefix: str
    head: str


class Predicate(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """What was decided. ``approves`` is what BREAKPOINT_REQUESTED names; times are RFC 3339, UTC.

    issued_at: the signer's own word, which proves nothing about time.
    expires_at: after this the answer comes too late; as BREAKPOINT_REQUESTED has it.
    on_behalf_of: the person whose place the approver takes. break_glass: an emergency.
    """

    run_id: str
    breakpoint_id: str
    approves: tuple[CoveredRef, ...] = ()
    journal: JournalPlace
    decision: str
    comment: str
    approver: str
    rule: str
    policy_sha256: str
    nonce: str
    issued_at: str
    expires_at: str | None = None
    on_behalf_of: str | None = None
    break_glass: bool = False


class Statement(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The whole document."""

    type_: str = msgspec.field(name="_type", default=STATEMENT_TYPE)
    subject: tuple[Subject, ...]
    predicate_type: str = PREDICATE_TYPE
    predicate: Predicate


_DECODER: msgspec.json.Decoder[Statement] = msgspec.json.Decoder(Statement)


def statement_bytes(statement: Statement) -> bytes:
    """Return the RFC 8785 bytes of a statement: what is signed and kept."""
    return canonical_json(msgspec.to_builtins(statement))


def parse_statement(data: bytes) -> Statement:
    """Return the statement that the bytes are.

    Raises:
        SignatureError: they are no approval statement in canonical form (``reason`` "statement").
    """
    return read_canonical(
        data, _DECODER, predicate_type=PREDICATE_TYPE, bytes_max=STATEMENT_BYTES_MAX, refusal=_refusal
    )


class _Signed(Protocol):
    """A document that people sign, of whatever predicate."""

    @property
    def type_(self) -> str: ...
    @property
    def predicate_type(self) -> str: ...


_Document = TypeVar("_Document", bound=_Signed)


def read_canonical(
    data: bytes,
    decoder: "msgspec.json.Decoder[_Document]",
    *,
    predicate_type: str,
    bytes_max: int,
    refusal: Callable[[str], SignatureError],
) -> _Document:
    """Return the statement that the bytes are: of that predicate, and in canonical form to the byte.

    Raises:
        SignatureError: what ``refusal`` makes of the reason.
    """
    if len(data) > bytes_max:
        raise refusal(f"it has {len(data)} bytes, more than {bytes_max}")
    try:
        statement = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusal(f"it does not read as one: {error}") from None
    if statement.type_ != STATEMENT_TYPE or statement.predicate_type != predicate_type:
        raise refusal(f"its types are {statement.type_} and {statement.predicate_type}")
    if canonical_json(msgspec.to_builtins(statement)) != data:
        raise refusal("its bytes are not the canonical form of what it says")
    return statement


def _refusal(why: str) -> SignatureError:
    return SignatureError(
        f"this is no approval statement: {why}.",
        hint="Answer again with: babysitter approve BP --key PATH",
        reason="statement",
    )
