"""Where a run stands: a fold over its events, with or without the process's code.

``RunState.apply`` takes events in journal order, live and on reading alike, so
the worker, ``run status`` and ``state.json`` can't disagree. Its size doesn't grow with the run.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import CorruptJournalError
from babysitter.service.news import has_news_after
from babysitter.service.pending import OpenBreakpoint, OpenEffect, Release


@dataclass(slots=True)
class RunState:
    """See the module.

    ``releases``: what was approved and has not been used up, by breakpoint, oldest first.
    ``has_news``: something may have been sent of which no driver has told the process (service/news.py).
    ``reviewed``: what a release that lapsed had shown of the workspace, by task and arguments.
    """

    created: ev.RunCreated | None = None
    end: ev.Event | None = None
    seq: int = 0
    updated_at: str = ""
    created_at: str = ""
    steps: int = 0
    done: int = 0
    failed: int = 0
    effect_s: float = 0.0
    effects: dict[str, OpenEffect] = field(default_factory=dict)
    breakpoints: dict[str, OpenBreakpoint] = field(default_factory=dict)
    timers: dict[str, str] = field(default_factory=dict)
    signals: dict[str, str] = field(default_factory=dict)
    queued_signals: Counter[str] = field(default_factory=Counter)
    artifacts: dict[str, ev.BlobRef] = field(default_factory=dict)
    children: dict[str, ev.ChildStarted] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    reviewed: dict[tuple[str, str], ev.ShownChanges] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    request_ids: set[str] = field(default_factory=set)
    cancel: ev.RunCancelRequested | None = None
    digest: str = ""
    has_news: bool = False
    trust: tuple[str, tuple[str, ...]] = ("unchecked", ())

    APPLY: ClassVar[dict[type[ev.Event], Callable[..., None]]]

    @property
    def status(self) -> str:
        """``completed``, ``failed``, ``cancelled``, ``running``, or ``waiting`` when nothing can run."""
        if self.end is not None:
            return _END_STATUS[type(self.end)]
        if any(
            effect.phase in ("requested", "running") and not self.is_gated(effect)
            for effect in self.effects.values()
        ):
            return "running"
        return "waiting" if self.has_waits() else "running"

    def has_waits(self) -> bool:
        """Tell whether anything is open."""
        return bool(self.breakpoints or self.timers or self.signals or self.effects or self.children)

    def summary(self) -> dict[str, object]:
        """Return what state.json holds: derived, and rebuilt when it is lost."""
        return {
            "status": self.status,
            "seq": self.seq,
            "steps": self.steps,
            "done": self.done,
            "failed": self.failed,
            "tasks": sorted(self.effects),
            "breakpoints": sorted(self.breakpoints),
            "timers": dict(self.timers),
            "processDigest": self.digest,
        }

    def is_gated(self, effect: OpenEffect) -> bool:
        """Tell whether a breakpoint that the worker raised stands before the effect."""
        call = effect.requested.call_id
        return any(bp.requested.call_id.startswith(call + "!") for bp in self.breakpoints.values())

    def apply(self, event: ev.Event, *, seq: int = 0, recorded_at: str = "") -> None:
        """Take the next event of the journal."""
        self.seq = seq or self.seq + 1
        if recorded_at:
            self.updated_at = recorded_at
        request_id = getattr(event, "request_id", None)
        if request_id is not None:
            self.request_ids.add(request_id)
        self.has_news = has_news_after(event, self.has_news)
        step = self.APPLY.get(type(event))
        if step is not None:
            step(self, event)

    def _effect(self, effect_id: str) -> OpenEffect:
        effect = self.effects.get(effect_id)
        if effect is None:
            raise CorruptJournalError(
                f"line {self.seq} speaks of effect {effect_id}, which is not open.",
                hint="Check the run with: babysitter journal verify RUN",
                line=self.seq,
            )
        return effect

    def _run_created(self, event: ev.RunCreated) -> None:
        self.created = event
        self.created_at = self.updated_at
        self.digest = event.process_digest
        self.trust = (event.trust, event.trust_statements)

    def _effect_requested(self, event: ev.EffectRequested) -> None:
        self.steps += 1
        self.effects[event.effect_id] = OpenEffect(event)

    def _effect_started(self, event: ev.EffectStarted) -> None:
        effect = self._effect(event.effect_id)
        if event.attempt == 1:
            # An approval lets one effect through; its retries are the same effect.
            self._use_release(effect, event.approval)
        effect.phase, effect.attempt, effect.due_at, effect.worker = (
            "running",
            event.attempt,
            None,
            event.worker,
        )

    def _effect_retry(self, event: ev.EffectRetryScheduled) -> None:
        effect = self._effect(event.effect_id)
        effect.phase, effect.due_at = "backoff", event.due_at
        self._count_time(event.started_at, event.finished_at)

    def _effect_unknown(self, event: ev.EffectUnknown) -> None:
        effect = self._effect(event.effect_id)
        effect.phase = "requested" if event.action == "retry" else "unknown"

    def _effect_resolved(self, event: ev.EffectResolved) -> None:
        self._effect(event.effect_id)
        del self.effects[event.effect_id]
        if event.status == "ok":
            self.done += 1
        else:
            self.failed += 1
        self._count_time(event.started_at, event.finished_at)

    def _count_time(self, started_at: str | None, finished_at: str | None) -> None:
        # Same second, which is usual: two slices are cheaper than two parses.
        if started_at is None or finished_at is None:
            return
        try:
            if started_at[:19] == finished_at[:19]:
                self.effect_s += (int(finished_at[20:26]) - int(started_at[20:26])) / 1e6
            else:
                self.effect_s += (parse_time(finished_at) - parse_time(started_at)) / 1e9
        except ValueError:
            what, hint = f"line {self.seq} has a time that is none.", "See: babysitter journal verify RUN"
            raise CorruptJournalError(what, hint=hint, line=self.seq) from None

    def _effect_cancelled(self, event: ev.EffectCancelled) -> None:
        self.effects.pop(event.effect_id, None)
        self._forget_questions(event.call_id + "!")

    def _call_cancelled(self, event: ev.CallCancelled) -> None:
        self.timers.pop(event.call_id, None)
        self.signals.pop(event.call_id, None)
        self.children.pop(event.call_id, None)
        for breakpoint_id, bp in list(self.breakpoints.items()):
            if bp.requested.call_id == event.call_id:
                del self.breakpoints[breakpoint_id]

    def _forget_questions(self, prefix: str) -> None:
        for breakpoint_id, bp in list(self.breakpoints.items()):
            if bp.requested.call_id.startswith(prefix):
                del self.breakpoints[breakpoint_id]

    def release_for(self, effect: OpenEffect, sandbox_sha256: str) -> Release | None:
        """Return the release that lets the effect start in that sandbox: its own gate's, else the oldest."""
        if effect.release is not None:
            return self.releases.get(effect.release)
        key = (effect.requested.task_id, effect.requested.args_sha256)
        for release in self.releases.values():
            if release.effect_id is None and release.covers[key] > 0:
                refs = release.asked.requested.approves
                agreed = {ref.sandbox_sha256 for ref in refs if (ref.task_id, ref.args_sha256) == key}
                if agreed & {None, sandbox_sha256}:
                    return release
        return None

    def _use_release(self, effect: OpenEffect, approval: str | None) -> None:
        if approval is None:
            # Lines from before they named the approval: the one that a driver of then would have taken.
            guarded = effect.requested.critical or effect.requested.environment == "production"
            release = self.release_for(effect, "") if guarded else None
        else:
            release = self.releases.get(approval)
        if release is None:
            return
        release.covers[(effect.requested.task_id, effect.requested.args_sha256)] -= 1
        if release.effect_id is not None or not any(count > 0 for count in release.covers.values()):
            del self.releases[release.breakpoint_id]

    def _breakpoint_requested(self, event: ev.BreakpointRequested) -> None:
        asked = OpenBreakpoint(event, self.updated_at, self.seq)
        self.breakpoints[event.breakpoint_id] = asked
        if "!gate" in event.call_id and (effect := self._asked_about(asked)) is not None:
            effect.gates += 1

    def _breakpoint_responded(self, event: ev.BreakpointResponded) -> None:
        if event.breakpoint_id in self.breakpoints:
            self.breakpoints[event.breakpoint_id].answers.append(event)
            self.breakpoints[event.breakpoint_id].answered_at.append(self.updated_at)

    def _breakpoint_reassigned(self, event: ev.BreakpointReassigned) -> None:
        if event.breakpoint_id in self.breakpoints:
            self.breakpoints[event.breakpoint_id].to = event.to

    def _breakpoint_lapsed(self, event: ev.BreakpointLapsed) -> None:
        release = self.releases.pop(event.breakpoint_id, None)
        effect = self.effects.get(release.effect_id or "") if release is not None else None
        if effect is not None:
            effect.release = None
        if release is not None and release.asked.requested.changes is not None:
            self.reviewed.update(dict.fromkeys(release.covers, release.asked.requested.changes))

    def _breakpoint_released(self, event: ev.BreakpointReleased) -> None:
        bp = self.breakpoints.pop(event.breakpoint_id, None)
        if bp is None:
            return
        effect = self._asked_about(bp)
        if effect is not None and effect.phase == "unknown":
            effect.phase = "requested"
        elif effect is not None:
            # A gate's approval is for the call behind it: a twin with the same arguments has its own.
            effect.release = event.breakpoint_id
            self._release(bp, effect.requested.effect_id)
        elif bp.requested.approves:
            self._release(bp)

    def _release(self, bp: OpenBreakpoint, effect_id: str | None = None) -> None:
        covers = Counter((ref.task_id, ref.args_sha256) for ref in bp.requested.approves)
        self.releases[bp.requested.breakpoint_id] = Release(bp, self.updated_at, covers, effect_id)

    def _breakpoint_refused(self, event: ev.BreakpointRejected | ev.BreakpointExpired) -> None:
        bp = self.breakpoints.pop(event.breakpoint_id, None)
        effect = self._asked_about(bp) if bp is not None else None
        if effect is not None:
            feedback = (
                event.feedback if isinstance(event, ev.BreakpointRejected) else "nobody answered in time"
            )
            self.refused[effect.requested.effect_id] = feedback

    def _asked_about(self, bp: OpenBreakpoint) -> OpenEffect | None:
        call, mark, _ = bp.requested.call_id.partition("!")
        if not mark:
            return None
        return next((effect for effect in self.effects.values() if effect.requested.call_id == call), None)

    def _timer_set(self, event: ev.TimerSet) -> None:
        self.timers[event.call_id] = event.due_at

    def _timer_fired(self, event: ev.TimerFired) -> None:
        self.timers.pop(event.call_id, None)

    def _signal_awaited(self, event: ev.SignalAwaited) -> None:
        if self.queued_signals[event.name] > 0:
            self.queued_signals[event.name] -= 1
        else:
            self.signals[event.call_id] = event.name

    def _signal_received(self, event: ev.SignalReceived) -> None:
        for call_id, name in self.signals.items():
            if name == event.name:
                del self.signals[call_id]
                return
        self.queued_signals[event.name] += 1

    def _artifact_written(self, event: ev.ArtifactWritten) -> None:
        name = event.ref.path.removeprefix("artifacts/").removeprefix(f"{event.call_id}/")
        self.artifacts[name] = event.ref

    def _child_started(self, event: ev.ChildStarted) -> None:
        self.children[event.call_id] = event

    def _child_ended(self, event: ev.ChildEnded) -> None:
        self.children.pop(event.call_id, None)

    def _denied(self, event: ev.PolicyDenied) -> None:
        # The line that refuses a message is that message's line.
        subject, _, request_id = event.subject.partition(":")
        if subject == "mail":
            self.request_ids.add(request_id)

    def _cancel_requested(self, event: ev.RunCancelRequested) -> None:
        self.cancel = event

    def _process_changed(self, event: ev.ProcessChanged) -> None:
        self.digest = event.to_digest

    def _admitted(self, event: ev.ProcessAdmitted) -> None:
        self.trust = (event.trust, event.trust_statements)

    def _ended(self, event: ev.Event) -> None:
        self.end = event


_END_STATUS: dict[type[ev.Event], str] = {
    ev.RunCompleted: "completed",
    ev.RunFailed: "failed",
    ev.RunCancelled: "cancelled",
}

_APPLY: dict[type[ev.Event], Callable[[RunState, Any], None]] = {
    ev.RunCreated: RunState._run_created,
    ev.EffectRequested: RunState._effect_requested,
    ev.EffectStarted: RunState._effect_started,
    ev.EffectRetryScheduled: RunState._effect_retry,
    ev.EffectUnknown: RunState._effect_unknown,
    ev.EffectResolved: RunState._effect_resolved,
    ev.EffectCancelled: RunState._effect_cancelled,
    ev.CallCancelled: RunState._call_cancelled,
    ev.BreakpointRequested: RunState._breakpoint_requested,
    ev.BreakpointResponded: RunState._breakpoint_responded,
    ev.BreakpointReleased: RunState._breakpoint_released,
    ev.BreakpointRejected: RunState._breakpoint_refused,
    ev.BreakpointExpired: RunState._breakpoint_refused,
    ev.BreakpointLapsed: RunState._breakpoint_lapsed,
    ev.BreakpointReassigned: RunState._breakpoint_reassigned,
    ev.TimerSet: RunState._timer_set,
    ev.TimerFired: RunState._timer_fired,
    ev.SignalAwaited: RunState._signal_awaited,
    ev.SignalReceived: RunState._signal_received,
    ev.ArtifactWritten: RunState._artifact_written,
    ev.ChildStarted: RunState._child_started,
    ev.ChildEnded: RunState._child_ended,
    ev.PolicyDenied: RunState._denied,
    ev.RunCancelRequested: RunState._cancel_requested,
    ev.ProcessChanged: RunState._process_changed,
    ev.ProcessAdmitted: RunState._admitted,
    ev.RunCompleted: RunState._ended,
    ev.RunFailed: RunState._ended,
    ev.RunCancelled: RunState._ended,
}
RunState.APPLY = _APPLY
