"""What is decided about, and what is known: facts without behaviour, the words of every decision."""

from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from babysitter.model.values import Json

Method = Literal["ssh", "passkey", "token", "rule", "local"]
SIGNED_METHODS = ("ssh", "passkey")
"""Those in which the person's own key made the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What somebody's yes is needed for: an effect, or a question of the process."""

    kind: Literal["effect", "question"]
    process_id: str
    task_id: str | None = None
    environment: str | None = None
    critical: bool = False
    tags: tuple[str, ...] = ()
    breakpoint_id: str | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One answer, and how we know who gave it. ``at_ns``: when it was given."""

    person: str
    method: Method
    user_verified: bool = False
    comment: str = ""
    on_behalf_of: str | None = None
    break_glass: bool = False
    decision: str
    at_ns: int

    @property
    def signed(self) -> bool:
        """True when the person's own key made it."""
        return self.method in SIGNED_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a decision takes into account beside gate and votes.

    authors: of the run, by any name.
    requested_at_ns: when it was asked; None where nobody has asked yet.
    released_at_ns: when the answers added up to yes; None before that.
    """

    now_ns: int
    authors: frozenset[str]
    findings: Json = None
    requested_at_ns: int | None = None
    released_at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision with its reasons in sentences; ``policies``: the ids that made it."""

    allowed: bool
    reasons: tuple[str, ...]
    policies: tuple[str, ...] = ()


class Explanation(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which rule decides, who may answer, what has been answered, and what is missing, for a person."""

    rule: str
    conditions: tuple[str, ...]
    eligible: tuple[str, ...]
    quorum: int
    counted: tuple[str, ...]
    allowed: bool
    missing: tuple[str, ...]
    notes: tuple[str, ...]
