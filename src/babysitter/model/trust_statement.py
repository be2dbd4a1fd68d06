"""What a person signs when trusting a process: an in-toto Statement v1 in RFC 8785 form.

The subjects are the files of the process's import closure; the predicate says which digest they add up to,
under which settings of the sandbox, what was accepted and what looked at it. A word that counts on one
machine alone (method ``local``) is the same document without a signature, and names the workspace that it is
about.

Reference: docs/reference/process-trust.md.
"""

import msgspec
from msgspec import Struct

from babysitter.model.errors import SignatureError
from babysitter.model.statement import STATEMENT_TYPE, Subject, read_canonical
from babysitter.model.values import canonical_json

PROCESS_NAMESPACE = "babysitter-process"
"""The SSHSIG namespace of trust; a signature made for anything else never counts as it."""
TRUST_PREDICATE_TYPE = "urn:babysitter:process-trust/v1"
TRUST_BYTES_MAX = 4 * 1024 * 1024


class _Part(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Part of the predicate."""


class CoveredFile(_Part, frozen=True, kw_only=True):
    """A file of the closure that may be an entry of its own, as a child run's, and its digest as that."""

    file: str
    digest: str


class AcceptedFinding(_Part, frozen=True, kw_only=True):
    """A finding that the reviewer took, and why."""

    tool: str
    rule: str
    path: str
    fingerprint: str
    reason: str


class CheckedBy(_Part, frozen=True, kw_only=True):
    """How a tool of the review fared: ``passed``, ``missing``, ``offline``, ``failed``, or ``left out``."""

    tool: str
    state: str
    version: str = ""


class TrustPredicate(_Part, frozen=True, kw_only=True):
    """What is trusted, by whom, on which grounds. Times are RFC 3339, UTC, and the reviewer's own word.

    entry: as the reviewer named it; trust is of the digest, whatever names it.
    settings_sha256: of what ``babysitter.toml`` says about the sandbox.
    workspace: the folder that an unsigned word is about.
    """

    entry: str
    process_digest: str
    settings_sha256: str
    reviewer: str
    issued_at: str
    covers: tuple[CoveredFile, ...] = ()
    accepted: tuple[AcceptedFinding, ...] = ()
    checked: tuple[CheckedBy, ...] = ()
    workspace: str = ""


class TrustStatement(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The whole document."""

    type_: str = msgspec.field(name="_type", default=STATEMENT_TYPE)
    subject: tuple[Subject, ...]
    predicate_type: str = TRUST_PREDICATE_TYPE
    predicate: TrustPredicate

    def covers(self, digest: str) -> bool:
        """Tell whether it is about a closure of this digest: the whole, or a part that may run on its own."""
        predicate = self.predicate
        return digest == predicate.process_digest or any(part.digest == digest for part in predicate.covers)


_DECODER: msgspec.json.Decoder[TrustStatement] = msgspec.json.Decoder(TrustStatement)


def trust_bytes(statement: TrustStatement) -> bytes:
    """Return the RFC 8785 bytes of a statement: what is signed and kept."""
    return canonical_json(msgspec.to_builtins(statement))


def parse_trust(data: bytes) -> TrustStatement:
    """Return the statement that the bytes are.

    Raises:
        SignatureError: they are no statement of trust in canonical form (``reason`` "statement").
    """
    return read_canonical(
        data, _DECODER, predicate_type=TRUST_PREDICATE_TYPE, bytes_max=TRUST_BYTES_MAX, refusal=_refusal
    )


def _refusal(why: str) -> SignatureError:
    return SignatureError(
        f"this is no statement of trust: {why}.",
        hint="Trust the process again with: babysitter process trust ENTRY",
        reason="statement",
    )
