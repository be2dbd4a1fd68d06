"""Waiting for what comes: how long a driver has patience, and who may be asked meanwhile."""

from queue import Empty

from babysitter.model.errors import Defect
from babysitter.service.arriving import Delivered, Inbox
from babysitter.service.driving import Driving
from babysitter.service.patience import Patience

POLL_S = 0.05
"""How soon mail is seen by a driver that waits."""


class Waiting:
    """Waits for the next arrival of a run, into its inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def wait(self, worker: Driving, patience: Patience) -> bool:
        """Return True when something may have come in; False when waiting any longer is no use here."""
        in_flight = worker.floor.busy or worker.floor.has_children
        if patience.stopping and (not in_flight or patience.is_over(worker.clock.monotonic_s())):
            return False
        due_s = self._inbox.next_due_s()
        timeout_s = POLL_S if due_s is None else min(POLL_S, due_s)
        if in_flight:
            self._for_the_floor(worker, timeout_s)
            return True
        state = worker.state
        if state.breakpoints and worker.face.can_answer() and self._for_a_person(worker, timeout_s):
            return True
        if due_s is not None and (patience.wait or due_s <= patience.far_timer_s):
            self._for_the_floor(worker, timeout_s)
            return True
        if not state.has_waits():
            raise Defect(
                f"run {worker.run_id} waits for nothing.",
                hint="Please report this with the run's journal (babysitter journal export RUN).",
            )
        if patience.wait:
            self._for_the_floor(worker, timeout_s)
        return patience.wait

    def _for_the_floor(self, worker: Driving, timeout_s: float) -> None:
        try:
            self._inbox.local.append(worker.floor.arrivals.get(timeout=timeout_s))
        except Empty:
            return

    def _for_a_person(self, worker: Driving, timeout_s: float) -> bool:
        """Ask who sits here; False when no question is theirs to answer without signing."""
        questions = [
            asked
            for asked in worker.state.breakpoints.values()
            if worker.gates.takes_local(asked, worker.user)
        ]
        if not questions:
            return False
        answer = worker.face.ask(worker.run_id, questions, timeout_s)
        if answer is not None:
            self._inbox.local.append(Delivered(message=answer))
        return True
