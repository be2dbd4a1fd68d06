"""The process's side of a run: its branches go on, make their calls, and get their answers.

Invariants, each with a test in tests/unit/engine/:
    - commands leave in the order in which branches had their turns, and are never taken back;
    - nothing is kept of a call that has been answered;
    - whoever breaks a rule of process code fails the run, even where it swallowed the error.

The journal's side: engine/machine.py.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from babysitter.authoring.context import Context
from babysitter.authoring.parallel import Fork
from babysitter.authoring.process import Process
from babysitter.authoring.steps import Ledger, Step, Value, shown_place
from babysitter.engine.branches import Branch, Group, Schedule
from babysitter.engine.failures import (
    as_the_author_should_see,
    error_info,
    foreign_await,
    from_the_author,
    unawaited,
)
from babysitter.engine.guard import Guard
from babysitter.model import commands as cmd
from babysitter.model.errors import CancelledRunError
from babysitter.model.events import ErrorInfo
from babysitter.model.ids import effect_id
from babysitter.model.values import Json

_CANCELLABLE: Final = (
    cmd.RequestEffect,
    cmd.RequestBreakpoint,
    cmd.SetTimer,
    cmd.AwaitSignal,
    cmd.StartChild,
)


class Execution:
    """A process being executed.

    outbox: commands that are not journaled yet, in order. emitted: those of the event that is being received.
    calls: the branch that waits for each open call.
    let_go: is called with each call that nobody waits for any more.
    """

    def __init__(
        self,
        process: Process[Any, Any],
        inputs: Json,
        run_id: str,
        guard: Guard | None,
        let_go: Callable[[cmd.Command], None],
    ) -> None:
        self._ledger = Ledger()
        self._guard = guard
        self._let_go = let_go
        self._schedule = Schedule(self._cancel_call)
        self._begin = partial(_whole, process, inputs, Context(run_id, self._ledger))
        self._root: Branch | None = None
        self._patches: dict[str, bool] = {}
        self._undecided: Branch | None = None
        self._cancel_reason: str | None = None
        self.outbox: deque[cmd.Command] = deque()
        self.emitted: list[cmd.Command] = []
        self.calls: dict[str, Branch] = {}
        self.has_finished = False

    @property
    def has_started(self) -> bool:
        """True once the process has got its first turn."""
        return self._root is not None

    def start(self) -> None:
        """Give the process its first turn."""
        self._root = Branch(self._begin())
        self._schedule.resume(self._root, None)

    def answer(self, call_id: str, value: Value) -> None:
        """Give a call its answer. A call that was cancelled meanwhile gets none."""
        branch = self.calls.pop(call_id, None)
        if branch is not None:
            self._schedule.resume(branch, value)

    def answer_error(self, call_id: str, error: Callable[[cmd.Command], BaseException]) -> None:
        """Raise an error, made from its command, where a call is awaited."""
        branch = self.calls.pop(call_id, None)
        if branch is not None:
            assert isinstance(branch.waiting, cmd.Command), "an open call has a branch that waits for it"
            self._schedule.throw(branch, error(branch.waiting))

    def know_patch(self, patch_id: str, *, is_new: bool) -> None:
        """Note which way this run takes, and tell it to the branch that asks."""
        self._patches[patch_id] = is_new
        branch, self._undecided = self._undecided, None
        if branch is not None:
            self._schedule.go_on(branch, is_new)

    def cancel(self, reason: str) -> None:
        """Raise CancelledRunError in every branch. A second time does nothing."""
        if self._cancel_reason is None and self._root is not None and not self.has_finished:
            self._cancel_reason = reason
            self._schedule.cancel(self._root, f"the run is being cancelled: {reason or 'no reason given'}")

    def give_up(self, error: ErrorInfo, cause: BaseException | None = None) -> None:
        """End the run in failure at once, whatever its branches are about."""
        self._finish(cmd.Fail(error=error, cause=cause))

    def abandon_outbox(self) -> None:
        """Forget what is not journaled, and that anybody waits for it."""
        for command in self.outbox:
            self.calls.pop(command.call_id, None)
        self.outbox.clear()
        self._undecided = None

    def close(self) -> None:
        """Let go of the coroutines. What they do about it does not count; the journal has the run."""
        self._schedule.forget()
        self._close(self._root)
        self.calls.clear()

    def drain(self) -> None:
        """Let every branch go on that can. A patch whose answer is not known yet holds up all of them."""
        while self._undecided is None and (branch := self._schedule.next()) is not None:
            self._advance(branch)

    def _advance(self, branch: Branch) -> None:
        """Let a branch go on to its next await, or to its end."""
        driven, error, value = branch.driven, branch.error, branch.value
        branch.error = branch.value = None
        branch.started = True
        self._ledger.upsets += error is not None
        call: Callable[[Any], Any] = driven.send if error is None else driven.throw
        argument = value if error is None else error
        failure: BaseException | None = None
        is_done = True
        try:
            result = call(argument) if self._guard is None else self._guard.watch(call, argument)
            is_done = False
        except StopIteration as stop:
            result = stop.value
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # noqa: BLE001 (author code may raise anything; it is the run's outcome)
            failure, result = from_the_author(raised), None
        broken = self._broken_rule(branch, is_root_done=is_done and failure is None and branch is self._root)
        if broken is not None:
            self.give_up(error_info(broken), broken)
        elif failure is not None:
            self._failed(branch, failure)
        elif is_done:
            self._returned(branch, result)
        else:
            self._awaits(branch, result)

    def _broken_rule(self, branch: Branch, *, is_root_done: bool) -> BaseException | None:
        """Return the error of a rule that the process broke in its last step, swallowed or not."""
        if self._guard is not None and (violation := self._guard.violation()) is not None:
            return violation
        place = self._ledger.first_unawaited() if is_root_done else self._ledger.forgotten
        if place is not None and branch.error is None:
            return unawaited(place)
        return None

    def _awaits(self, branch: Branch, step: Value) -> None:
        """Make the request of the step that a branch awaits."""
        if not isinstance(step, Step):
            foreign = foreign_await(step, branch.driven)
            self.give_up(error_info(foreign), foreign)
            return
        call_id = branch.next_call_id()
        if isinstance(step, Fork):
            branch.calls += 1
            self._schedule.fork(branch, step, call_id)
            return
        assert step.make is not None, "only a fork has nothing to make"
        command = step.make(call_id, shown_place(step.place))
        branch.waiting = command
        if isinstance(command, cmd.MarkPatch):
            self._asks_patch(branch, command)
            return
        branch.calls += 1
        self.calls[call_id] = branch
        self._emit(command)

    def _asks_patch(self, branch: Branch, command: cmd.MarkPatch) -> None:
        """Answer what is known; otherwise hold everything up until the next event says what the journal has.

        A patch takes no number from its branch: the old code, which never asked, must count the same.
        """
        known = self._patches.get(command.patch_id)
        if known is not None:
            self._schedule.go_on(branch, known)
            return
        self._undecided = branch
        asked = cmd.MarkPatch(
            call_id=f"{command.call_id}~patch", line=command.line, patch_id=command.patch_id
        )
        branch.waiting = asked
        self._emit(asked)

    def _returned(self, branch: Branch, result: Value) -> None:
        if branch.group is not None:
            self._schedule.returned(branch, branch.group, result)
        else:
            self._finish(cmd.Complete(output=result))

    def _failed(self, branch: Branch, failure: BaseException) -> None:
        # What the failing code had made and not awaited is no mistake: the failure kept it from it.
        self._ledger.upsets += 1
        if branch.group is not None:
            self._schedule.failed(branch, branch.group, failure)
        elif isinstance(failure, CancelledRunError) and self._cancel_reason is not None:
            self._finish(cmd.EndCancelled(reason=self._cancel_reason))
        else:
            shown = as_the_author_should_see(failure)
            self._finish(cmd.Fail(error=error_info(shown), cause=shown))

    def _finish(self, end: cmd.Command) -> None:
        self._schedule.forget()
        for branch in list(self.calls.values()):
            if isinstance(branch.waiting, cmd.Command):
                self._cancel_call(branch.waiting)
        self._close(self._root)
        self.has_finished = True
        self._emit(end)

    def _close(self, branch: Branch | None) -> None:
        if branch is None:
            return
        if isinstance(branch.waiting, Group):
            for inner in list(branch.waiting.live.values()):
                self._close(inner)
        try:
            branch.driven.close()
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S110 (the run has ended; its clean-up counts no more)
            pass

    def _emit(self, command: cmd.Command) -> None:
        self.outbox.append(command)
        self.emitted.append(command)

    def _cancel_call(self, command: cmd.Command) -> None:
        """Note that nobody waits for a call any more; what is under way for it is to be stopped."""
        self.calls.pop(command.call_id, None)
        self._let_go(command)
        if isinstance(command, _CANCELLABLE):
            effect = None
            if isinstance(command, cmd.RequestEffect):
                effect = effect_id(command.call_id, command.spec.task_id)
            self._emit(cmd.CancelCall(call_id=command.call_id, line=command.line, effect_id=effect))


async def _whole(process: Process[Any, Any], inputs: Json, ctx: Context) -> Json:
    """Run the process from inputs to output as JSON: what is wrong with either is the run's failure."""
    return process.output_to(await process.begin(inputs, ctx))
