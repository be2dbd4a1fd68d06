"""Child runs: started once, driven beside their parent, ended into its journal."""

from collections.abc import Callable
from dataclasses import dataclass, field

from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import BabysitterError
from babysitter.service.driving import Driving
from babysitter.service.performing import ChildFinished
from babysitter.service.state import RunState

UNWANTED = "the parent run no longer wants it"


@dataclass(slots=True, kw_only=True)
class Children:
    """The child runs of one run.

    drive: creates the child when it isn't there, drives it, returns its status. Safe to call again.
    ended: the child's last event, hydrated, or None while it has not ended.
    send_cancel: leaves the wish with the child's driver; False when there is no child yet that it could
        reach.
    """

    drive: Callable[[cmd.StartChild, str], str]
    ended: Callable[[str], ev.Event | None]
    send_cancel: Callable[[str, str], bool]
    _tried: set[str] = field(default_factory=set)
    _unwanted: list[tuple[ev.ChildStarted, cmd.Command | None]] = field(default_factory=list)
    _cancelled: set[str] = field(default_factory=set)

    def start_missing(self, worker: Driving) -> None:
        """Have every open child driven that is not yet.

        One that came back waiting is not tried again by this driver.
        """
        for call_id, started in worker.state.children.items():
            if call_id in self._tried or worker.floor.is_driving(call_id):
                continue
            command = worker.calls[call_id]
            assert isinstance(command, cmd.StartChild), "children are asked for by StartChild"
            self._tried.add(call_id)
            worker.floor.start_child(call_id, self._driver(command, call_id, started.child_run_id))

    def _driver(
        self, command: cmd.StartChild, call_id: str, child_run_id: str
    ) -> Callable[[], ChildFinished]:
        def drive() -> ChildFinished:
            try:
                status = self.drive(command, child_run_id)
                if call_id in self._cancelled and self.ended(child_run_id) is None:
                    # The cancel may have come before there was a child that could hear it.
                    self.send_cancel(child_run_id, UNWANTED)
                    status = self.drive(command, child_run_id)
            except BabysitterError as error:
                return ChildFinished(
                    call_id=call_id, child_run_id=child_run_id, status="refused", error=error
                )
            return ChildFinished(call_id=call_id, child_run_id=child_run_id, status=status)

        return drive

    def took(self, worker: Driving, arrival: ChildFinished) -> None:
        """Journal the child's end, if it has ended."""
        if arrival.call_id not in worker.state.children:
            return
        if arrival.error is not None:
            raise arrival.error
        end = self.ended(arrival.child_run_id)
        if end is not None:
            worker.calls.pop(arrival.call_id, None)
            worker.note(ended_event(arrival.call_id, arrival.child_run_id, end))

    def cancel(self, state: RunState, call_id: str, command: cmd.Command | None) -> None:
        """Have a cancel passed on to a child that is still open, by ``send_cancels``."""
        started = state.children.get(call_id)
        if started is not None:
            self._unwanted.append((started, command))

    def send_cancels(self, worker: Driving) -> None:
        """Pass cancels on, after a commit; a child that nobody drives is driven, so that it hears of it."""
        unwanted, self._unwanted = self._unwanted, []
        for started, command in unwanted:
            self._cancelled.add(started.call_id)
            sent = self.send_cancel(started.child_run_id, UNWANTED)
            if sent and isinstance(command, cmd.StartChild) and not worker.floor.is_driving(started.call_id):
                driver = self._driver(command, started.call_id, started.child_run_id)
                worker.floor.start_child(started.call_id, driver)


def ended_event(call_id: str, child_run_id: str, end: ev.Event) -> ev.ChildEnded:
    """Return CHILD_ENDED of a child's last event."""
    if isinstance(end, ev.RunCompleted):
        return ev.ChildEnded(
            call_id=call_id, child_run_id=child_run_id, status="completed", output=end.output
        )
    if isinstance(end, ev.RunFailed):
        return ev.ChildEnded(call_id=call_id, child_run_id=child_run_id, status="failed", error=end.error)
    assert isinstance(end, ev.RunCancelled), "a run ends in one of three ways"
    error = ev.ErrorInfo(name="CancelledRunError", message=end.reason or "cancelled")
    return ev.ChildEnded(call_id=call_id, child_run_id=child_run_id, status="cancelled", error=error)
