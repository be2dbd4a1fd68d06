"""What happened in a run, as bars on a line: a fold over its events; no clock, no disk, no process code.

One row for each attempt of an effect, each question, timer, signal and child, in the order of their calls;
the calls of a parallel block stand below a row of its own. What is open ends at the moment asked about.

Invariants, each with a test in tests/unit/service/hosting/test_timeline.py:
    - the bars of one effect never overlap, and none ends before it begins;
    - each attempt that the journal has is exactly one row.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from babysitter.model import events as ev
from babysitter.model.clock import format_time, parse_time
from babysitter.service.hosting.time_axis import NS, Interval, axis_of, spent
from babysitter.service.hosting.timeline_rows import (
    Gap,
    Line,
    Stretch,
    TimelineView,
    Told,
    row_of,
    with_blocks,
)

LOGS_MAX = 50


_DECIDED: dict[type[ev.Event], str] = {
    ev.BreakpointReleased: "released",
    ev.BreakpointRejected: "rejected",
    ev.BreakpointExpired: "expired",
    ev.BreakpointLapsed: "lapsed",
}


@dataclass(slots=True)
class Timeline:
    """See the module. ``apply`` takes the lines of a journal in order."""

    _lines: list[Line] = field(default_factory=list)
    _effects: dict[str, Line] = field(default_factory=dict)
    _waits: dict[str, Line] = field(default_factory=dict)
    _questions: dict[str, Line] = field(default_factory=dict)
    _signals: Counter[str] = field(default_factory=Counter)
    _usage: Counter[str] = field(default_factory=Counter)
    _logs: list[Told] = field(default_factory=list)
    _begin_ns: int = -1
    _end_ns: int | None = None
    _now_ns: int = 0
    _seq: int = 0

    def apply(self, event: ev.Event, *, seq: int, recorded_at: str) -> None:
        """Take the next line."""
        # A machine's clock may be set back; a line was still written after the one before it.
        self._now_ns, self._seq = max(self._now_ns, parse_time(recorded_at)), seq
        if self._begin_ns < 0:
            self._begin_ns = self._now_ns
        step = self.APPLY.get(type(event))
        if step is not None:
            step(self, event)

    def view(self, now_ns: int) -> TimelineView:
        """Return how it looks at that moment."""
        begin_ns = max(0, self._begin_ns)
        end_ns = self._end_ns if self._end_ns is not None else max(now_ns, self._now_ns)
        kinds = self._intervals(end_ns)
        axis = axis_of(begin_ns, end_ns, kinds["work"])
        place = axis.place
        parts = {name: ns / NS for name, ns in spent(begin_ns, end_ns, kinds).items()}
        attempts = sum(1 for line in self._lines if line.kind == "task" and line.attempt)
        return TimelineView(
            rows=tuple(with_blocks([row_of(line, place, end_ns) for line in self._lines], place)),
            gaps=tuple(
                Gap(left=place(begin), width=place(end) - place(begin), seconds=(end - begin) / NS)
                for begin, end in axis.gaps
            ),
            began_at=format_time(begin_ns),
            ended_at=format_time(self._end_ns) if self._end_ns is not None else None,
            elapsed=(end_ns - begin_ns) / NS,
            working=parts["work"],
            people=parts["people"],
            timers=parts["timers"],
            children=parts["child"],
            other=parts["other"],
            attempts=attempts,
            retries=sum(1 for line in self._lines if line.kind == "task" and line.attempt > 1),
            usage=dict(self._usage),
            logs=tuple(self._logs),
        )

    def _intervals(self, end_ns: int) -> dict[str, list[Interval]]:
        found: dict[str, list[Interval]] = {"work": [], "people": [], "timers": [], "child": []}
        names = {"timer": "timers", "signal": "timers", "backoff": "timers"}
        for line in self._lines:
            for each in line.stretches:
                name = names.get(each.kind, each.kind)
                if name in found:
                    found[name].append((each.begin_ns, each.end_ns if each.end_ns is not None else end_ns))
        return found

    def _add(self, line: Line, kind: str) -> Line:
        line.stretches.append(Stretch(kind, self._now_ns))
        self._lines.append(line)
        return line

    def _effect_requested(self, event: ev.EffectRequested) -> None:
        line = Line(
            call_id=event.call_id,
            kind="task",
            ref=event.effect_id,
            label=event.label or event.task_id,
            state="requested",
            requested=event,
        )
        self._effects[event.effect_id] = self._add(line, "queue")

    def _effect_started(self, event: ev.EffectStarted) -> None:
        line = self._effects.get(event.effect_id)
        if line is None:
            return
        for stretch in line.stretches:
            stretch.close(self._now_ns)
        if line.attempt:
            line = self._next_attempt(line, event.attempt)
        line.attempt, line.state = event.attempt, "running"
        line.stretches.append(Stretch("work", self._now_ns))

    def _next_attempt(self, before: Line, attempt: int) -> Line:
        """Return a row for another attempt; what was waited for before it stands in it."""
        line = Line(
            call_id=before.call_id,
            kind="task",
            ref=before.ref,
            label=before.label,
            state="running",
            attempt=attempt,
            requested=before.requested,
        )
        if before.state == "backoff":
            before.state = "error"
            line.stretches = [each for each in before.stretches if each.kind == "backoff"]
            before.stretches = [each for each in before.stretches if each.kind != "backoff"]
        self._effects[before.ref] = line
        self._lines.append(line)
        return line

    def _effect_retry(self, event: ev.EffectRetryScheduled) -> None:
        line = self._effects.get(event.effect_id)
        if line is not None:
            line.close(self._now_ns, "backoff")
            line.stretches.append(Stretch("backoff", self._now_ns))

    def _effect_unknown(self, event: ev.EffectUnknown) -> None:
        line = self._effects.get(event.effect_id)
        if line is not None:
            line.close(self._now_ns, "unknown")

    def _effect_resolved(self, event: ev.EffectResolved) -> None:
        line = self._effects.pop(event.effect_id, None)
        if line is None:
            return
        if not line.attempt:
            # Posted by a harness, which performed it unseen: only its end is a moment that we know.
            line.attempt = event.attempt
        line.close(self._now_ns, event.status)
        self._usage.update(event.usage or {})

    def _effect_cancelled(self, event: ev.EffectCancelled) -> None:
        line = self._effects.pop(event.effect_id, None)
        if line is not None:
            line.close(self._now_ns, "cancelled")
        for question in self._questions.values():
            if question.call_id.startswith(event.call_id + "!") and question.is_open:
                question.close(self._now_ns, "cancelled")

    def _sandbox_denied(self, event: ev.SandboxDenied) -> None:
        if event.effect_id in self._effects:
            self._effects[event.effect_id].denials += 1

    def _asked(self, event: ev.BreakpointRequested) -> None:
        label = event.title or event.question
        line = Line(
            call_id=event.call_id, kind="question", ref=event.breakpoint_id, label=label, state="open"
        )
        self._questions[event.breakpoint_id] = self._waits[event.call_id] = self._add(line, "people")

    def _decided(self, event: Any) -> None:  # noqa: ANN401 (one of four events)
        line = self._questions.get(event.breakpoint_id)
        if line is not None:
            line.close(self._now_ns, _DECIDED[type(event)])

    def _timer_set(self, event: ev.TimerSet) -> None:
        line = Line(call_id=event.call_id, kind="timer", ref=event.due_at, label="Timer", state="waiting")
        self._waits[event.call_id] = self._add(line, "timer")

    def _signal_awaited(self, event: ev.SignalAwaited) -> None:
        line = Line(call_id=event.call_id, kind="signal", ref=event.name, label=event.name, state="waiting")
        self._waits[event.call_id] = self._add(line, "signal")
        if self._signals[event.name] > 0:
            self._signals[event.name] -= 1
            line.close(self._now_ns, "received")

    def _signal_received(self, event: ev.SignalReceived) -> None:
        for line in self._waits.values():
            if line.kind == "signal" and line.ref == event.name and line.is_open:
                line.close(self._now_ns, "received")
                return
        self._signals[event.name] += 1

    def _child_started(self, event: ev.ChildStarted) -> None:
        line = Line(
            call_id=event.call_id,
            kind="child",
            ref=event.child_run_id,
            label=event.process_id,
            state="running",
        )
        self._waits[event.call_id] = self._add(line, "child")

    def _call_ended(self, event: Any) -> None:  # noqa: ANN401 (one of three events)
        line = self._waits.get(event.call_id)
        if line is not None and line.is_open:
            states = {ev.TimerFired: "fired", ev.CallCancelled: "cancelled"}
            line.close(self._now_ns, states.get(type(event)) or event.status)

    def _log(self, event: ev.LogWritten) -> None:
        told = Told(seq=self._seq, at=format_time(self._now_ns), level=event.level, message=event.message)
        self._logs = [*self._logs[1 - LOGS_MAX :], told]

    def _ended(self, event: ev.Event) -> None:
        del event
        self._end_ns = self._now_ns
        for line in self._lines:
            if line.is_open:
                line.close(self._now_ns, "left")

    APPLY: ClassVar[dict[type[ev.Event], Callable[..., None]]] = {
        ev.EffectRequested: _effect_requested,
        ev.EffectStarted: _effect_started,
        ev.EffectRetryScheduled: _effect_retry,
        ev.EffectUnknown: _effect_unknown,
        ev.EffectResolved: _effect_resolved,
        ev.EffectCancelled: _effect_cancelled,
        ev.SandboxDenied: _sandbox_denied,
        ev.BreakpointRequested: _asked,
        **dict.fromkeys(_DECIDED, _decided),
        ev.TimerSet: _timer_set,
        ev.SignalAwaited: _signal_awaited,
        ev.SignalReceived: _signal_received,
        ev.ChildStarted: _child_started,
        **dict.fromkeys((ev.TimerFired, ev.CallCancelled, ev.ChildEnded), _call_ended),
        ev.LogWritten: _log,
        **dict.fromkeys((ev.RunCompleted, ev.RunFailed, ev.RunCancelled), _ended),
    }
