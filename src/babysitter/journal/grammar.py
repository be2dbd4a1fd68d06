"""What may follow what in a run: one table, and the few rules a table cannot say.

Each event moves one subject (the run, an effect, a breakpoint, a wait) from one
state to another. A pair that the table does not list is refused: no result
without a request, no second outcome, nothing after the end.

Reference: docs/reference/events.md.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NoReturn

from babysitter.model.errors import CorruptJournalError
from babysitter.model.events import (
    EVENT_TYPES,
    BreakpointReleased,
    BreakpointRequested,
    BreakpointResponded,
    ChildEnded,
    ChildStarted,
    EffectResolved,
    EffectStarted,
    Event,
    SignalAwaited,
    SignalReceived,
)

NEW: Final = "new"
_OPEN_EFFECT: Final = ("requested", "started", "retrying", "unknown")
_DECIDED: Final = ("released", "rejected", "received")
"""Where people may have brought a wait that the process had let go of, while nobody drove the run."""
_WAITS: Final = ("breakpoint", "timer", "signal", "child")


@dataclass(frozen=True, slots=True)
class Step:
    """An event's row: whose state it moves, from which states, to which."""

    subject: str
    before: tuple[str, ...]
    after: str


TABLE: Final[dict[str, Step]] = {
    "RUN_CREATED": Step("run", (NEW,), "open"),
    "RUN_COMPLETED": Step("run", ("open",), "ended"),
    "RUN_FAILED": Step("run", ("open",), "ended"),
    "RUN_CANCELLED": Step("run", ("open",), "ended"),
    "RUN_CANCEL_REQUESTED": Step("run", ("open",), "open"),
    "PROCESS_CHANGED": Step("run", ("open",), "open"),
    "PROCESS_ADMITTED": Step("run", ("open",), "open"),
    "JOURNAL_RECOVERED": Step("run", ("open",), "open"),
    "POLICY_DENIED": Step("run", ("open",), "open"),
    "SECRET_DETECTED": Step("run", ("open",), "open"),
    "BUDGET_EXCEEDED": Step("run", ("open",), "open"),
    "SIGNAL_RECEIVED": Step("run", ("open",), "open"),
    "EFFECT_REQUESTED": Step("effect", (NEW,), "requested"),
    "EFFECT_STARTED": Step("effect", ("requested", "retrying", "unknown"), "started"),
    "EFFECT_RETRY_SCHEDULED": Step("effect", ("started",), "retrying"),
    "EFFECT_UNKNOWN": Step("effect", ("started",), "unknown"),
    "EFFECT_RESOLVED": Step("effect", _OPEN_EFFECT, "resolved"),
    "EFFECT_CANCELLED": Step("effect", (*_OPEN_EFFECT, "resolved"), "cancelled"),
    "SANDBOX_DENIED": Step("effect", (*_OPEN_EFFECT, "resolved", "cancelled"), ""),
    "BREAKPOINT_REQUESTED": Step("breakpoint", (NEW,), "open"),
    "BREAKPOINT_RESPONDED": Step("breakpoint", ("open",), "open"),
    "BREAKPOINT_RELEASED": Step("breakpoint", ("open",), "released"),
    "BREAKPOINT_REJECTED": Step("breakpoint", ("open",), "rejected"),
    "BREAKPOINT_EXPIRED": Step("breakpoint", ("open",), "expired"),
    "BREAKPOINT_LAPSED": Step("breakpoint", ("released",), "lapsed"),
    "BREAKPOINT_REASSIGNED": Step("breakpoint", ("open",), "open"),
    "BREAKPOINT_INFO_REQUESTED": Step("breakpoint", ("open",), "open"),
    "BREAKPOINT_INFO_GIVEN": Step("breakpoint", ("open",), "open"),
    "TIMER_SET": Step("timer", (NEW,), "open"),
    "TIMER_FIRED": Step("timer", ("open",), "fired"),
    "SIGNAL_AWAITED": Step("signal", (NEW,), "open"),
    "CHILD_STARTED": Step("child", (NEW,), "open"),
    "CHILD_ENDED": Step("child", ("open",), "ended"),
    "CALL_CANCELLED": Step("wait", ("open", *_DECIDED), "cancelled"),
    "LOG": Step("moment", (NEW,), "done"),
    "VALUE": Step("moment", (NEW,), "done"),
    "PATCHED": Step("moment", (NEW,), "done"),
    "ARTIFACT_WRITTEN": Step("moment", (NEW,), "done"),
}
"""Subjects: run, effect, breakpoint, and by their call: timer, signal, child; ``wait`` is any of the last
four by call id; a ``moment`` is over when it is journaled. An ``after`` of "" leaves the state as it is."""

_ID_FIELD: Final = {"effect": "effect_id", "breakpoint": "breakpoint_id"}
_NAME_OF: Final[dict[str, Callable[[Event], str]]] = {
    kind: attrgetter(_ID_FIELD.get(step.subject, "call_id"))
    for kind, step in TABLE.items()
    if step.subject not in {"run", "wait"}
}
"""By event type, what names its subject."""
_WITH_REQUEST_ID: Final = frozenset(
    kind for kind, cls in EVENT_TYPES.items() if "request_id" in cls.__struct_fields__
)


class Grammar:
    """Follows one run. After an error it says nothing more of use."""

    def __init__(self) -> None:
        self.line = 0
        self._run = NEW
        self._states: dict[tuple[str, str], str] = {}
        self._calls: dict[str, tuple[str, str]] = {}
        self._attempts: dict[str, int] = {}
        self._quorums: dict[str, int] = {}
        self._answers: dict[str, dict[str, BreakpointResponded]] = {}
        self._children: dict[str, str] = {}
        self._queued: dict[str, int] = {}
        self._awaiting: dict[str, deque[str]] = {}
        self._request_ids: set[str] = set()
        self._rules: dict[str, Callable[[Event], None]] = {
            "EFFECT_STARTED": self._attempt_begins,
            "EFFECT_RETRY_SCHEDULED": self._attempt_is_current,
            "EFFECT_UNKNOWN": self._attempt_is_current,
            "EFFECT_RESOLVED": self._attempt_is_current_or_next,
            "SANDBOX_DENIED": self._attempt_is_current_or_next,
            "BREAKPOINT_REQUESTED": self._breakpoint_opens,
            "BREAKPOINT_RESPONDED": self._answer_counts,
            "BREAKPOINT_RELEASED": self._release_adds_up,
            "CHILD_STARTED": self._child_starts,
            "CHILD_ENDED": self._child_ends,
            "SIGNAL_AWAITED": self._signal_awaited,
            "SIGNAL_RECEIVED": self._signal_received,
        }

    @property
    def ended(self) -> bool:
        """True when the run's last event was accepted."""
        return self._run == "ended"

    def accept(self, event: Event) -> None:
        """Take the next event.

        Raises:
            CorruptJournalError: it may not come here; ``facts['line']`` counts the events given so far.
        """
        self.line += 1
        kind = event.type
        step = TABLE[kind]
        if step.subject == "run":
            if self._run not in step.before:
                self._refuse(event, f"the run is {self._run}")
            self._run = step.after
        elif self._run != "open":
            self._refuse(event, f"the run is {self._run}")
        else:
            self._move(event, step)
        rule = self._rules.get(kind)
        if rule is not None:
            rule(event)
        if kind in _WITH_REQUEST_ID:
            self._take_request(event)

    def knows(self, subject: str, name: str) -> bool:
        """Return whether an event made it: an ``effect`` or ``breakpoint`` by id, a ``child`` by call id."""
        return (subject, name) in self._states

    def _move(self, event: Event, step: Step) -> None:
        name_of = _NAME_OF.get(event.type)
        key = self._waiting(event) if name_of is None else (step.subject, name_of(event))
        state = self._states.get(key, NEW)
        if state not in step.before:
            self._refuse(event, f"{key[0]} {key[1]} is {state}")
        if state == NEW:
            self._take_call(event, key)
        if step.after:
            self._states[key] = step.after

    def _waiting(self, event: Event) -> tuple[str, str]:
        call_id = str(getattr(event, "call_id"))  # noqa: B009 (the row says that the event has one)
        key = self._calls.get(call_id)
        if key is None or key[0] not in _WAITS:
            self._refuse(event, f"nothing waits at call {call_id}")
        return key

    def _take_request(self, event: Event) -> None:
        request_id = getattr(event, "request_id")  # noqa: B009 (asked of types that have one)
        if request_id is None:
            return
        if request_id in self._request_ids:
            self._refuse(event, f"the request {request_id} was answered before")
        self._request_ids.add(request_id)

    def _take_call(self, event: Event, key: tuple[str, str]) -> None:
        call_id = getattr(event, "call_id")  # noqa: B009 (whatever begins has one)
        if call_id in self._calls:
            self._refuse(event, f"call {call_id} was made before")
        self._calls[call_id] = key

    def _attempt_begins(self, event: Event) -> None:
        assert isinstance(event, EffectStarted)
        expected = self._attempts.get(event.effect_id, 0) + 1
        if event.attempt != expected:
            self._refuse(event, f"attempt {event.attempt} begins where {expected} belongs")
        self._attempts[event.effect_id] = expected
        if event.approval is not None and self._states.get(("breakpoint", event.approval)) != "released":
            self._refuse(
                event, f"the approval {event.approval} that it names was not released, or has lapsed"
            )

    def _attempt_is_current(self, event: Event) -> None:
        effect_id, attempt = getattr(event, "effect_id"), getattr(event, "attempt")  # noqa: B009 (three types have both)
        if attempt != self._attempts.get(effect_id, 0):
            self._refuse(event, f"attempt {attempt} of {effect_id} is not the one under way")

    def _attempt_is_current_or_next(self, event: Event) -> None:
        # A posted result, or a refusal before the start, ends an attempt that never began.
        effect_id, attempt = getattr(event, "effect_id"), getattr(event, "attempt")  # noqa: B009 (two types have both)
        current = self._attempts.get(effect_id, 0)
        if not current <= attempt <= current + 1:
            self._refuse(event, f"attempt {attempt} of {effect_id} is not the one under way")
        if isinstance(event, EffectResolved) and (event.status == "error") != (event.error is not None):
            self._refuse(event, f"status {event.status} and error do not agree")

    def _breakpoint_opens(self, event: Event) -> None:
        assert isinstance(event, BreakpointRequested)
        self._quorums[event.breakpoint_id] = event.quorum
        self._answers[event.breakpoint_id] = {}

    def _answer_counts(self, event: Event) -> None:
        assert isinstance(event, BreakpointResponded)
        self._answers[event.breakpoint_id][event.approver] = event

    def _release_adds_up(self, event: Event) -> None:
        assert isinstance(event, BreakpointReleased)
        answers = self._answers[event.breakpoint_id]
        approvers = set(event.responded_by)
        if not event.approved:
            self._refuse(event, "a release says that it is not approved")
        given = [answers[name] for name in approvers if name in answers]
        if len(given) < len(approvers) or any(answer.decision != "approve" for answer in given):
            self._refuse(event, "somebody is named who did not approve")
        if event.break_glass != any(answer.break_glass for answer in given):
            self._refuse(event, "release and answers do not agree whether the glass was broken")
        if not event.break_glass and len(approvers) < self._quorums[event.breakpoint_id]:
            self._refuse(event, f"{len(approvers)} approvals are fewer than the quorum")

    def _child_starts(self, event: Event) -> None:
        assert isinstance(event, ChildStarted)
        self._children[event.call_id] = event.child_run_id

    def _child_ends(self, event: Event) -> None:
        assert isinstance(event, ChildEnded)
        if self._children[event.call_id] != event.child_run_id:
            self._refuse(event, f"call {event.call_id} started another run")

    def _signal_awaited(self, event: Event) -> None:
        assert isinstance(event, SignalAwaited)
        if self._queued.get(event.name):
            self._queued[event.name] -= 1
            self._states["signal", event.call_id] = "received"
        else:
            self._awaiting.setdefault(event.name, deque()).append(event.call_id)

    def _signal_received(self, event: Event) -> None:
        assert isinstance(event, SignalReceived)
        waiting = self._awaiting.get(event.name, deque())
        while waiting:
            call_id = waiting.popleft()
            if self._states["signal", call_id] == "open":
                self._states["signal", call_id] = "received"
                return
        self._queued[event.name] = self._queued.get(event.name, 0) + 1

    def _refuse(self, event: Event, why: str) -> NoReturn:
        raise CorruptJournalError(
            f"line {self.line}: {event.type} cannot come here: {why}.",
            hint="The lines chain, so whoever wrote them wrote this. Look at the lines before it.",
            line=self.line,
            problem=f"{event.type} cannot come here: {why}",
        )
