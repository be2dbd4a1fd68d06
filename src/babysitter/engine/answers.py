"""From an event that came in to what the process gets for it: a value, or an error that is raised."""

from collections import deque

from babysitter.authoring.context import Review
from babysitter.authoring.steps import Value
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import TaskError

BreakpointEnd = ev.BreakpointReleased | ev.BreakpointRejected | ev.BreakpointExpired


def review(event: BreakpointEnd) -> Review:
    """Return what a breakpoint came to."""
    if isinstance(event, ev.BreakpointExpired):
        return Review(approved=False, feedback=f"expired: nobody answered before {event.expired_at}")
    approved = isinstance(event, ev.BreakpointReleased) and event.approved
    return Review(approved=approved, feedback=event.feedback, responded_by=event.responded_by)


def task_error(event: ev.EffectResolved, command: cmd.Command) -> TaskError:
    """Return the error of a task as the process gets it."""
    task_id = command.spec.task_id if isinstance(command, cmd.RequestEffect) else ""
    return _error(event.error, task_id, command)


def child_error(event: ev.ChildEnded, command: cmd.Command) -> TaskError:
    """Return the error of a child run that did not complete."""
    process_id = command.process_id if isinstance(command, cmd.StartChild) else ""
    message = f"the child run {event.child_run_id} was cancelled"
    cancelled = ev.ErrorInfo(name="CancelledRunError", message=message)
    return _error(event.error or cancelled, process_id, command)


def _error(info: ev.ErrorInfo | None, task_id: str, command: cmd.Command) -> TaskError:
    found = info or ev.ErrorInfo(name="UnknownError", message="the journal names no error")
    return TaskError(found.name, found.message, data=found.data, task_id=task_id, call_id=command.call_id)


class Signals:
    """Signals that nobody has waited for, and waits that no signal has come for: by name, oldest first."""

    def __init__(self) -> None:
        self._queued: dict[str, deque[Value]] = {}
        self._waiting: dict[str, deque[str]] = {}

    def take(self, name: str, call_id: str) -> tuple[Value] | None:
        """Return the oldest signal of the name, in a tuple, or None after noting that the call waits."""
        found = _pop(self._queued, name)
        if found is None:
            self._waiting.setdefault(name, deque()).append(call_id)
        return found

    def came(self, name: str, payload: Value) -> str | None:
        """Return the call that gets the signal, or None after keeping it for a later one."""
        call = _pop(self._waiting, name)
        if call is None:
            self._queued.setdefault(name, deque()).append(payload)
            return None
        return str(call[0])

    def forget(self, name: str, call_id: str) -> None:
        """Note that the call no longer waits."""
        calls = self._waiting.get(name)
        if calls and call_id in calls:
            calls.remove(call_id)
            if not calls:
                del self._waiting[name]


def _pop(queues: dict[str, deque[Value]], name: str) -> tuple[Value] | None:
    queue = queues.get(name)
    if queue is None:
        return None
    found = (queue.popleft(),)
    # A name that is used once must not stay for ever.
    if not queue:
        del queues[name]
    return found
