"""What stands in the log: one Struct a kind of leaf, as ``data`` of its line. Times stand on the lines.

Nothing in a leaf is an author's or a program's text: ids, names of people, digests, signatures.
Reference: docs/reference/log.md.
"""

from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from babysitter.model.lines import Record


class Leaf(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """One fact that outsiders may witness. Subclasses say what."""

    type: ClassVar[str] = ""


class SignedBy(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A person's signature over a change, kept beside what it is over."""

    approver: str
    signature_sha256: str


class RunOpened(Leaf, frozen=True, kw_only=True):
    """A run began. ``run_key``: base64 of the public key that signs its progress and its seal."""

    type = "run.opened"
    run_id: str
    process_id: str
    process_digest: str
    requested_by: str
    authors: tuple[str, ...] = ()
    policy_sha256: str
    parent_run_id: str | None = None
    first_line_sha256: str
    run_key: str


class RunProgress(Leaf, frozen=True, kw_only=True):
    """The first ``seq`` lines of a run's journal have the SHA-256 ``prefix``."""

    type = "run.progress"
    run_id: str
    seq: int
    prefix: str
    signature: str


class Approval(Leaf, frozen=True, kw_only=True):
    """An answer stands in line ``seq``. ``line_sha256``: of that line alone; ``prefix``: of all up to it."""

    type = "approval"
    run_id: str
    breakpoint_id: str
    seq: int
    prefix: str
    line_sha256: str
    approver: str
    decision: str
    method: str
    statement_sha256: str | None = None
    signature_sha256: str | None = None
    key_fingerprint: str | None = None
    on_behalf_of: str | None = None
    break_glass: bool = False

    @property
    def is_emergency(self) -> bool:
        """True when somebody broke the glass with it, which wants a review."""
        return self.break_glass and self.decision == "approve"


class RunSealed(Leaf, frozen=True, kw_only=True):
    """A run ended; its whole journal, of ``seq`` lines, has the SHA-256 ``prefix``."""

    type = "run.sealed"
    run_id: str
    seq: int
    prefix: str
    status: str
    signature: str


class RunHeld(Leaf, frozen=True, kw_only=True):
    """A run may not be removed."""

    type = "run.held"
    run_id: str
    by: str
    reason_sha256: str


class RunReleased(Leaf, frozen=True, kw_only=True):
    """A hold has ended."""

    type = "run.released"
    run_id: str
    by: str
    reason_sha256: str


class RunPurged(Leaf, frozen=True, kw_only=True):
    """A run was removed; ``prefix``: what its journal was."""

    type = "run.purged"
    run_id: str
    by: str
    seq: int
    prefix: str
    rule: str


class PolicyChanged(Leaf, frozen=True, kw_only=True):
    """From here on these rules are in force; their text is ``policies/<digest>.json``."""

    type = "policy.changed"
    policy_sha256: str
    previous_sha256: str | None = None
    by: str


class SignersChanged(Leaf, frozen=True, kw_only=True):
    """From here on these files say who may sign; their texts are ``signers/<digest>``."""

    type = "signers.changed"
    signers_sha256: str
    revoked_sha256: str | None = None
    previous_sha256: str | None = None
    by: str
    signed_by: tuple[SignedBy, ...] = ()


class BreakGlassReviewed(Leaf, frozen=True, kw_only=True):
    """A reviewer has looked at an emergency; the statement is in ``reviews/<digest>.json``."""

    type = "breakglass.reviewed"
    run_id: str
    breakpoint_id: str
    reviewer: str
    statement_sha256: str
    signature_sha256: str


class LogRecovered(Leaf, frozen=True, kw_only=True):
    """A torn tail was cut off and kept at ``torn/<digest>``."""

    type = "log.recovered"
    dropped_bytes: int
    dropped_sha256: str


LEAF_TYPES: dict[str, type[Leaf]] = {cls.type: cls for cls in Leaf.__subclasses__()}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(cls) for name, cls in LEAF_TYPES.items()
}


def leaf_of(record: Record) -> Leaf:
    """Return the leaf of a line.

    Raises:
        KeyError: no such type.
        msgspec.ValidationError: the data are not of that type.
    """
    leaf: Leaf = _DECODERS[record.type].decode(record.data)
    return leaf
