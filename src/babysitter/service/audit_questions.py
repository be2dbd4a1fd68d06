"""A question of a journal as an audit sees it: where it stands, its answers, and what its release covers."""

from collections import Counter
from dataclasses import dataclass, field

from babysitter.model import events as ev
from babysitter.model.statement import JournalPlace
from babysitter.policy.decide import Covered
from babysitter.policy.gate import Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer. ``at_ns``: by its line; ``log_index``: of its leaf; None when the log has none."""

    event: ev.BreakpointResponded
    at_ns: int
    log_index: int | None

    def vote(self, at_ns: int | None = None) -> Vote:
        """Return the answer as the rules see it, given when its line says, or at another time."""
        event = self.event
        return Vote(
            person=event.approver,
            method=event.method,
            user_verified=event.user_verified,
            comment=event.comment,
            on_behalf_of=event.on_behalf_of,
            break_glass=event.break_glass,
            decision=event.decision,
            at_ns=self.at_ns if at_ns is None else at_ns,
        )


@dataclass(slots=True, kw_only=True)
class Asked:
    """A question. ``at_ns``, ``released_at_ns``: by the lines; ``covers``: what its release still lets start.

    effect: the one that the worker asks about, where the question is its own.
    answers: those before its release; a later one changes nothing.
    """

    created: ev.RunCreated
    event: ev.BreakpointRequested
    place: JournalPlace
    at_ns: int
    effect: ev.EffectRequested | None = None
    answers: list[Answered] = field(default_factory=list)
    released_at_ns: int | None = None
    covers: Counter[Covered] = field(default_factory=Counter)

    @property
    def where(self) -> str:
        """What findings name it by."""
        return f"{self.created.run_id}/{self.event.breakpoint_id}"

    @property
    def authors(self) -> frozenset[str]:
        """Who counts as an author of the run."""
        return frozenset({self.created.requested_by, *self.created.authors})
