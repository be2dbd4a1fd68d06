"""The engine: drives one run of a process. Events in, commands out.

It does nothing else: no clock, no files, no threads. Whoever hosts it journals each
command as one event, in the order given, and gives every event of the journal, those
included, back through ``receive``. So replay is the same thing:

    for event in history:
        machine.receive(event)
    machine.pending()                # what to do next

Invariants, each with a test in tests/unit/engine/:
    - the same events give the same commands, whenever and wherever;
    - a command that the journal has otherwise, or not at all, raises NondeterminismError;
    - nothing is kept of a call that has been answered: memory does not grow with the run;
    - process code that breaks a rule of determinism ends the run, even if it swallows the error.

How calls get their ids, and whose turn it is: engine/branches.py. What is compared: engine/matching.py.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from babysitter.authoring.process import Process
from babysitter.authoring.steps import Value
from babysitter.engine.answers import BreakpointEnd, Signals, child_error, review, task_error
from babysitter.engine.execution import Execution
from babysitter.engine.guard import Guard
from babysitter.engine.matching import PLAIN, Matcher, matches, mismatch
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import NondeterminismError
from babysitter.model.values import Json


def _may_come_any_time(event: ev.Event) -> bool:
    """Tell whether an event may stand before commands that were given earlier.

    What people send is journaled without the process when nobody drives the run. After a crash in
    the middle of a batch it so comes before commands that the next driver journals.
    """
    sent = (ev.BreakpointReleased, ev.BreakpointRejected, ev.SignalReceived, ev.RunCancelRequested)
    return isinstance(event, (*sent, ev.BudgetExceeded)) or getattr(event, "request_id", None) is not None


class Machine:
    """One run of a process, in memory. After NondeterminismError it is of no more use.

    inputs: the run's inputs as JSON. matcher: compares values that may hold secrets.
    guard: watches process code step; None watches nothing.
    """

    def __init__(
        self,
        process: Process[Any, Any],
        run_id: str,
        *,
        inputs: Json = None,
        matcher: Matcher = PLAIN,
        guard: Guard | None = None,
    ) -> None:
        self._execution = Execution(process, inputs, run_id, guard, self._let_go)
        self._matcher = matcher
        self._effects: dict[str, str] = {}
        self._questions: dict[str, str] = {}
        self._signals = Signals()
        self.ended = False

    def receive(self, event: ev.Event) -> tuple[cmd.Command, ...]:
        """Take the journal's next event and return the commands that the process gives for it.

        Raises:
            NondeterminismError: the code did something else than the journal has.
        """
        execution = self._execution
        execution.emitted = []
        take = self._CONFIRMING.get(type(event))
        if take is not None:
            # A question of the host's own is none of the process's.
            if not isinstance(event, ev.BreakpointRequested) or "!" not in event.call_id:
                self._confirm(event, take)
        elif (take := self._ARRIVING.get(type(event))) is not None:
            self._arrive(event, take)
        execution.drain()
        return tuple(execution.emitted)

    def pending(self) -> tuple[cmd.Command, ...]:
        """Return the commands that are not journaled yet, in the order in which they must be."""
        return tuple(self._execution.outbox)

    def next_command(self) -> cmd.Command | None:
        """Return the first command that is not journaled yet. It stays so until its event is received."""
        outbox = self._execution.outbox
        return outbox[0] if outbox else None

    @property
    def waiting(self) -> tuple[cmd.Command, ...]:
        """The commands that are journaled and not answered, oldest first."""
        unsaid = {command.call_id for command in self._execution.outbox}
        found = (branch.waiting for call_id, branch in self._execution.calls.items() if call_id not in unsaid)
        return tuple(command for command in found if isinstance(command, cmd.Command))

    def close(self) -> None:
        """Let go of the process. Python would end its coroutines with warnings, at a time of its own."""
        self._execution.close()

    def _confirm(self, event: Value, take: Callable[..., None]) -> None:
        """Take the event of the command whose turn it is."""
        self._decide_patches(event)
        command = self.next_command()
        if isinstance(event, ev.Patched) and not isinstance(command, cmd.MarkPatch):
            # The question was taken out of the code when no old run was left; the new way stayed.
            self._execution.know_patch(event.patch_id, is_new=True)
            return
        if command is None or not matches(command, event, self._matcher):
            raise self._mismatch(event)
        self._execution.outbox.popleft()
        take(self, event)

    def _arrive(self, event: ev.Event, take: Callable[..., None]) -> None:
        """Take an event from outside."""
        may_come_any_time = _may_come_any_time(event)
        # What people send says nothing about the code that runs, unless it ends what would ask.
        if not may_come_any_time or isinstance(event, ev.RunCancelRequested):
            self._decide_patches(event)
        if self._execution.outbox and not may_come_any_time:
            raise self._mismatch(event)
        take(self, event)

    def _decide_patches(self, event: ev.Event) -> None:
        """Where the journal has something else than the patch asked for, the run is of the old code."""
        while isinstance(asked := self.next_command(), cmd.MarkPatch):
            if isinstance(event, ev.Patched) and event.patch_id == asked.patch_id:
                return
            self._execution.outbox.popleft()
            self._execution.know_patch(asked.patch_id, is_new=False)
            self._execution.drain()

    def _mismatch(self, event: ev.Event) -> NondeterminismError:
        error = mismatch(event, self.next_command(), self.waiting, self._matcher)
        self.close()
        return error

    def _let_go(self, command: cmd.Command) -> None:
        """Forget what the journal calls a call that nobody waits for any more."""
        if isinstance(command, cmd.AwaitSignal):
            self._signals.forget(command.name, command.call_id)
        elif isinstance(command, cmd.RequestEffect):
            self._effects = _without(self._effects, command.call_id)
        elif isinstance(command, cmd.RequestBreakpoint):
            self._questions = _without(self._questions, command.call_id)

    def _on_confirmed(self, event: ev.Event) -> None:
        """Nothing: the call waits for what comes of it."""

    def _on_effect_requested(self, event: ev.EffectRequested) -> None:
        if event.call_id in self._execution.calls:
            self._effects[event.effect_id] = event.call_id

    def _on_breakpoint_requested(self, event: ev.BreakpointRequested) -> None:
        if event.call_id in self._execution.calls:
            self._questions[event.breakpoint_id] = event.call_id

    def _on_signal_awaited(self, event: ev.SignalAwaited) -> None:
        if (
            event.call_id in self._execution.calls
            and (found := self._signals.take(event.name, event.call_id)) is not None
        ):
            self._execution.answer(event.call_id, found[0])

    def _on_value(self, event: ev.ValueTaken) -> None:
        self._execution.answer(event.call_id, event.value)

    def _on_log(self, event: ev.LogWritten) -> None:
        self._execution.answer(event.call_id, None)

    def _on_artifact(self, event: ev.ArtifactWritten) -> None:
        self._execution.answer(event.call_id, event.ref)

    def _on_patched(self, event: ev.Patched) -> None:
        self._execution.know_patch(event.patch_id, is_new=True)

    def _on_end(self, _event: ev.Event) -> None:
        self.ended = True

    def _on_created(self, event: ev.RunCreated) -> None:
        if self._execution.has_started:
            raise self._mismatch(event)
        self._execution.start()

    def _on_effect_resolved(self, event: ev.EffectResolved) -> None:
        call_id = self._effects.pop(event.effect_id, None)
        if call_id is None:
            return
        if event.status == "ok":
            self._execution.answer(call_id, event.result)
        else:
            self._execution.answer_error(call_id, lambda command: task_error(event, command))

    def _on_breakpoint_end(self, event: BreakpointEnd) -> None:
        call_id = self._questions.pop(event.breakpoint_id, None)
        if call_id is not None:
            self._execution.answer(call_id, review(event))

    def _on_timer(self, event: ev.TimerFired) -> None:
        self._execution.answer(event.call_id, None)

    def _on_signal(self, event: ev.SignalReceived) -> None:
        call_id = self._signals.came(event.name, event.payload)
        if call_id is not None:
            self._execution.answer(call_id, event.payload)

    def _on_child_ended(self, event: ev.ChildEnded) -> None:
        if event.status == "completed":
            self._execution.answer(event.call_id, event.output)
        else:
            self._execution.answer_error(event.call_id, lambda command: child_error(event, command))

    def _on_cancel(self, event: ev.RunCancelRequested) -> None:
        self._execution.cancel(event.reason)

    def _on_budget(self, event: ev.BudgetExceeded) -> None:
        if not self._execution.has_finished:
            # What the process wanted next is not journaled any more: there is no budget for it.
            self._execution.abandon_outbox()
            message = f"the run has used {event.used:g} {event.budget}; its budget is {event.limit:g}"
            self._execution.give_up(ev.ErrorInfo(name="BudgetExceededError", message=message))

    _CONFIRMING: ClassVar[dict[type[ev.Event], Callable[..., None]]] = {
        ev.EffectRequested: _on_effect_requested,
        ev.BreakpointRequested: _on_breakpoint_requested,
        ev.SignalAwaited: _on_signal_awaited,
        ev.ValueTaken: _on_value,
        ev.LogWritten: _on_log,
        ev.ArtifactWritten: _on_artifact,
        ev.Patched: _on_patched,
        ev.TimerSet: _on_confirmed,
        ev.ChildStarted: _on_confirmed,
        ev.EffectCancelled: _on_confirmed,
        ev.CallCancelled: _on_confirmed,
        ev.RunCompleted: _on_end,
        ev.RunFailed: _on_end,
        ev.RunCancelled: _on_end,
    }
    """The events that journal a command, and what else each of them means."""

    _ARRIVING: ClassVar[dict[type[ev.Event], Callable[..., None]]] = {
        ev.RunCreated: _on_created,
        ev.EffectResolved: _on_effect_resolved,
        ev.BreakpointReleased: _on_breakpoint_end,
        ev.BreakpointRejected: _on_breakpoint_end,
        ev.BreakpointExpired: _on_breakpoint_end,
        ev.TimerFired: _on_timer,
        ev.SignalReceived: _on_signal,
        ev.ChildEnded: _on_child_ended,
        ev.RunCancelRequested: _on_cancel,
        ev.BudgetExceeded: _on_budget,
    }
    """The events that come from outside. All that stand in neither table are the host's own."""


def _without(names: dict[str, str], call_id: str) -> dict[str, str]:
    return {name: call for name, call in names.items() if call != call_id}
