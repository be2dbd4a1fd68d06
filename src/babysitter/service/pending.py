"""What is open in a run: effects without an outcome, questions without a decision, releases not used up."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from babysitter.model import events as ev
from babysitter.policy.decide import Covered

HARNESS = "harness:"
"""How the name of a worker begins that is not ours: it performs what ``run iterate`` hands out."""

EffectPhase = Literal["requested", "running", "backoff", "unknown"]


@dataclass(slots=True)
class OpenEffect:
    """An effect without an outcome.

    attempt: the last one started, by ``worker``.
    due_at: of the next try.
    release: the breakpoint of its own gate, once that was approved.
    gates: how often a gate was raised before it.
    """

    requested: ev.EffectRequested
    phase: EffectPhase = "requested"
    attempt: int = 0
    due_at: str | None = None
    worker: str = ""
    release: str | None = None
    gates: int = 0


@dataclass(slots=True)
class OpenBreakpoint:
    """A question without a decision, and the answers so far with their times.

    ``seq``: its line; ``to``: whom it was passed on to.
    """

    requested: ev.BreakpointRequested
    asked_at: str
    seq: int = 0
    answers: list[ev.BreakpointResponded] = field(default_factory=list)
    answered_at: list[str] = field(default_factory=list)
    to: tuple[str, ...] = ()


@dataclass(slots=True)
class Release:
    """A release that has not let everything through yet that it covers.

    ``effect_id``: the one effect it is for, when it is a gate's.
    """

    asked: OpenBreakpoint
    released_at: str
    covers: Counter[Covered]
    effect_id: str | None = None

    @property
    def breakpoint_id(self) -> str:
        """The breakpoint that was released."""
        return self.asked.requested.breakpoint_id
