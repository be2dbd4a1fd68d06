"""The loop: drive one run until it ends or waits. The first file to read.

    the process's commands are journaled, in order        (take)
    what may start is decided, and its start journaled     (start_ready)
    one batch, one sync, and the log told                  (commit)
    only then is anything performed                        (perform)
    what comes back is the next event                      (arrive)

Invariants, each with a test in tests/unit/service/test_worker.py:
    - nothing is performed before its EFFECT_STARTED is durable;
    - an effect of unknown outcome is never repeated silently;
    - every state change is an event: killed anywhere, the next driver goes on from the journal.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from babysitter.engine.machine import Machine
from babysitter.journal.derived import derived_files
from babysitter.journal.writer import JournalWriter
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import Clock, Dice
from babysitter.model.effects import TaskSpec
from babysitter.service.arriving import Inbox
from babysitter.service.children import Children
from babysitter.service.gates import Gates
from babysitter.service.journaling import Journalist
from babysitter.service.ledger import Ledger
from babysitter.service.patience import Face, Patience
from babysitter.service.pending import HARNESS, OpenEffect
from babysitter.service.performing import Floor
from babysitter.service.state import RunState
from babysitter.service.waiting import Waiting

_NOTED = (
    ev.EffectRequested,
    ev.ChildStarted,
    ev.TimerSet,
    ev.BreakpointRequested,
    ev.BreakpointResponded,
)

INLINE_S_MAX = 0.02
"""Results of inline tasks are journaled together, but no result waits longer than this for its sync."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a run. 0: no limit. ``concurrency``: effects in threads at once."""

    concurrency: int = 8
    steps: int = 0
    seconds: float = 0
    inline: bool = True


@dataclass(slots=True, kw_only=True)
class Worker:
    """Drives one run. ``calls``: the commands of open effects and children, by effect id and call id."""

    run_id: str
    machine: Machine
    state: RunState
    writer: JournalWriter
    journalist: Journalist
    floor: Floor
    inbox: Inbox
    children: Children
    waiting: Waiting
    face: Face
    clock: Clock
    dice: Dice
    gates: Gates
    ledger: Ledger
    limits: Limits
    name: str
    user: str
    sandbox_sha256: Callable[[TaskSpec], str]
    calls: dict[str, cmd.Command]
    is_harness: bool = False
    _ready: deque[str] = field(default_factory=deque)
    _begun: deque[tuple[cmd.RequestEffect, str, int]] = field(default_factory=deque)

    def pick_up(self) -> None:
        """Take stock of a replayed run: times to wait for, what may start, what a crash cut off."""
        # What the process asked for before the crash comes first: a cancel, or the end, spares the rest.
        self.take()
        state = self.state
        if state.end is not None:
            return
        for call_id, due_at in state.timers.items():
            self.inbox.schedule("timer", call_id, due_at)
        for breakpoint_id, asked in state.breakpoints.items():
            if asked.requested.expires_at is not None:
                self.inbox.schedule("expiry", breakpoint_id, asked.requested.expires_at)
        for effect_id, effect in list(state.effects.items()):
            self._take_up(effect_id, effect)
        self.inbox.settle(self)

    def _take_up(self, effect_id: str, effect: OpenEffect) -> None:
        """Say what becomes of an effect that was open when the last driver left."""
        if effect.phase == "running" and not (self.is_harness and effect.worker.startswith(HARNESS)):
            command = self.calls[effect_id]
            assert isinstance(command, cmd.RequestEffect), "effects are asked for by RequestEffect"
            action: Literal["retry", "ask"] = "retry" if command.spec.idempotent else "ask"
            self.note(ev.EffectUnknown(effect_id=effect_id, attempt=effect.attempt, action=action))
        if (
            effect.phase == "unknown"
            and not self.state.is_gated(effect)
            and effect_id not in self.state.refused
        ):
            self.inbox.ask_unknown(self, effect)
        if effect.phase == "backoff":
            assert effect.due_at is not None, "a retry has its time"
            self.inbox.schedule("retry", effect_id, effect.due_at)

    def drive(self, patience: Patience) -> str:
        """Drive until the run ends, only waits, or is stopped; return its status or ``stopped``."""
        try:
            while True:
                self.take()
                if not patience.stopping:
                    self.start_ready()
                self.commit()
                self.children.send_cancels(self)
                self.face.journaled()
                if self.state.end is not None:
                    self.floor.stop_all()
                    return self.state.status
                self.perform()
                if not self.arrive(patience):
                    return "stopped" if patience.stopping else "waiting"
        finally:
            self.floor.stop_all()
            self.writer.derived("state/state.json", self.state.summary())

    def hand_out(self) -> None:
        """Go as far as the process goes without performing anything.

        What may start is journaled as started.
        """
        self.take()
        for arrival in self.inbox.collect():
            self.inbox.take_in(self, arrival)
            self.take()
        self.start_ready()
        self.commit()
        self.writer.derived("state/state.json", self.state.summary())

    def commit(self) -> None:
        """Have everything staged on disk; only then tell the log, and forget the mail it came by."""
        self.writer.commit()
        self.ledger.committed(self.writer, self.state)
        self.inbox.forget_delivered()

    def take(self) -> None:
        """Journal every command of the process, in order; its clock and dice answer at once."""
        while (command := self.machine.next_command()) is not None:
            if isinstance(command, cmd.CancelCall):
                self.let_go(command)
            self.note(self.journalist.event_for(command), command)
            self.is_over_budget()

    def note(self, event: ev.Event, command: cmd.Command | None = None) -> None:
        """Put an event in the journal, and let state and process see it as a reader of the journal would."""
        staged = self.writer.stage(event)
        # Lines that tell of masked credentials may stand before it, so the number is the writer's.
        self.state.apply(staged, seq=self.writer.last_seq, recorded_at=self.writer.recorded_at)
        if isinstance(staged, _NOTED):
            self._remember(staged, command)
        self.machine.receive(staged)
        if type(staged) is ev.BreakpointRequested:
            self.inbox.answer_by_rule(self, staged)

    def _remember(self, event: ev.Event, command: cmd.Command | None) -> None:
        """Keep what an event needs later: the command behind it, and when its time comes."""
        if isinstance(event, ev.EffectRequested):
            assert command is not None, "an effect is asked for by a command"
            self.calls[event.effect_id] = command
            self._ready.append(event.effect_id)
        elif isinstance(event, ev.ChildStarted):
            assert command is not None, "a child is asked for by a command"
            self.calls[event.call_id] = command
        elif isinstance(event, ev.TimerSet):
            self.inbox.schedule("timer", event.call_id, event.due_at)
        elif isinstance(event, ev.BreakpointResponded):
            self.ledger.answered(event, self.writer)
        elif isinstance(event, ev.BreakpointRequested) and event.expires_at is not None:
            self.inbox.schedule("expiry", event.breakpoint_id, event.expires_at)

    def make_ready(self, effect_id: str) -> None:
        """Have an effect considered for starting."""
        if effect_id not in self._ready:
            self._ready.append(effect_id)

    def let_go(self, command: cmd.CancelCall) -> None:
        """Forget a call that the process no longer wants, and stop what performs it."""
        if command.effect_id is not None:
            self.floor.stop(command.effect_id)
            self.calls.pop(command.effect_id, None)
        else:
            self.children.cancel(self.state, command.call_id, self.calls.pop(command.call_id, None))

    def is_over_budget(self) -> bool:
        """Tell whether a budget is used up, and journal it when it is."""
        limits, state = self.limits, self.state
        if state.end is not None:
            return False
        if limits.steps and state.steps > limits.steps:
            self.note(ev.BudgetExceeded(budget="steps", limit=limits.steps, used=state.steps))
        elif limits.seconds and state.effect_s > limits.seconds:
            used_s = round(state.effect_s, 6)
            self.note(ev.BudgetExceeded(budget="seconds", limit=limits.seconds, used=used_s))
        else:
            return False
        for effect_id in state.effects:
            self.floor.stop(effect_id)
        for call_id in state.children:
            self.children.cancel(state, call_id, self.calls.get(call_id))
        self._ready.clear()
        self.limits = Limits(concurrency=limits.concurrency, inline=limits.inline)
        return True

    def start_ready(self) -> None:
        """Journal the start of every effect that may start and has room."""
        without_room = 0
        while len(self._ready) > without_room:
            effect = self.state.effects.get(self._ready[0])
            if effect is None or effect.phase != "requested":
                self._ready.popleft()
                continue
            command = self.calls[self._ready[0]]
            assert isinstance(command, cmd.RequestEffect), "effects are asked for by RequestEffect"
            inline = command.spec.kind == "inline"
            if (
                not (inline or self.is_harness)
                and self.floor.busy + self._begun_in_threads() >= self.limits.concurrency
            ):
                # Order is kept among those that wait for room, so nobody starves.
                self._ready.rotate(-1)
                without_room += 1
                continue
            effect_id = self._ready.popleft()
            digest = self.sandbox_sha256(command.spec)
            if self.may_start(effect, command.spec, digest):
                self.begin(effect_id, effect, command, digest)

    def _begun_in_threads(self) -> int:
        return sum(1 for command, _, _ in self._begun if command.spec.kind != "inline")

    def may_start(self, effect: OpenEffect, spec: TaskSpec, sandbox_sha256: str) -> bool:
        """Decide; where the answer is not yes, journal the question or the refusal."""
        if effect.attempt > 0:
            return True
        if self.state.breakpoints and self.state.is_gated(effect):
            # Its own question is open: an approval of the same call elsewhere is not the answer to it.
            return False
        requested = effect.requested
        if spec.kind == "inline" and not self.limits.inline:
            self.refuse(requested, rule="sandbox.inline", reason="the settings forbid inline tasks")
            return False
        rule = self.gates.rule_of_effect(spec)
        if rule is None:
            return True
        release = self.state.release_for(effect, sandbox_sha256)
        if release is not None:
            verdict = self.gates.may_start(rule, spec, release)
            if verdict.allowed:
                effect.release = release.breakpoint_id
                return True
            why = "; ".join(verdict.reasons)
            self.note(ev.BreakpointLapsed(breakpoint_id=release.breakpoint_id, rule=rule.id, reason=why))
        self.inbox.ask_gate(self, effect, rule)
        return False

    def refuse(self, requested: ev.EffectRequested, *, rule: str, reason: str) -> None:
        """Journal that an effect may not happen; the process gets a TaskError."""
        self.note(ev.PolicyDenied(subject=requested.effect_id, rule=rule, reason=reason))
        self.resolve_refused(requested.effect_id, f"{requested.task_id} may not start: {reason}.", rule=rule)

    def resolve_refused(
        self, effect_id: str, message: str, *, rule: str, name: str = "PolicyDeniedError"
    ) -> None:
        """Journal the outcome of an effect that is not performed, and what the process does about it."""
        attempt = self.state.effects[effect_id].attempt
        error = ev.ErrorInfo(name=name, message=message, data={"rule": rule})
        self.calls.pop(effect_id, None)
        self.note(ev.EffectResolved(effect_id=effect_id, attempt=attempt, status="error", error=error))
        self.take()

    def begin(
        self, effect_id: str, effect: OpenEffect, command: cmd.RequestEffect, sandbox_sha256: str
    ) -> None:
        """Journal that an attempt starts. It is performed when that is durable."""
        attempt = effect.attempt + 1
        started = ev.EffectStarted(
            effect_id=effect_id,
            attempt=attempt,
            sandbox_sha256=sandbox_sha256,
            worker=self.name,
            approval=effect.release if attempt == 1 else None,
        )
        self.note(started)
        if attempt == 1 and command.spec.kind != "inline":
            self.show_task(effect.requested)
        self._begun.append((command, effect_id, attempt))

    def show_task(self, event: ev.Event) -> None:
        """Write the files by which a person sees a task; they can be rebuilt, so nothing waits for them."""
        for path, value in derived_files(event):
            self.writer.derived(path, value)

    def perform(self) -> None:
        """Perform what has been begun: in threads, or here when it is inline and trusted."""
        until = self.clock.monotonic_s() + INLINE_S_MAX
        self.children.start_missing(self)
        while self._begun:
            command, effect_id, attempt = self._begun.popleft()
            if effect_id not in self.calls:
                continue
            if command.spec.kind != "inline":
                self.floor.start(command, effect_id, attempt)
                continue
            self.inbox.local.append(self.floor.call_inline(command, effect_id, attempt))
            if self._begun and self.clock.monotonic_s() > until:
                return

    def arrive(self, patience: Patience) -> bool:
        """Journal what has come in, waiting for it when nothing else is to be done.

        False when waiting is no use.
        """
        arrivals = self.inbox.collect()
        if not arrivals and not self._begun:
            if not self.waiting.wait(self, patience):
                return False
            arrivals = self.inbox.collect()
        for arrival in arrivals:
            self.inbox.take_in(self, arrival)
            # The process's next commands follow the event that caused them, whatever else has come in.
            self.take()
        if patience.stopping and not self._begun:
            return self.inbox.wind_down(self, patience)
        return True
