"""What several people and drivers do to one run in the same moment: the journal stays one that verifies."""

from collections.abc import Callable

import pytest

from babysitter.model import events as ev
from babysitter.model.errors import RunLockedError
from babysitter.service.delivery import Delivery
from babysitter.service.mail import encode_mail
from babysitter.service.runs import RunService
from babysitter.stores.interface import Holder
from babysitter.testing.crashing_store import Crash, CrashingStore
from babysitter.testing.memory_store import MemoryLease, MemoryStore
from tests.unit.service.runs import answer, create, of_type, resume, start, verifies, workspace


def test_an_answer_that_came_with_the_one_that_ends_the_run_leaves_no_line_behind_the_end() -> None:
    place = workspace()
    start(place, "asking", None)
    first, second = (Delivery(place).answer_mail("1-go", "approve") for _ in range(2))
    for mail in (first, second):
        place.store.send_mail("r", f"{mail.request_id}.json", encode_mail(mail))

    assert resume(place).status == "completed"

    assert place.types("r")[-1] == "RUN_COMPLETED"
    assert verifies(place)


def test_a_question_that_a_cancel_withdrew_may_have_been_answered_before_any_driver_came() -> None:
    place = workspace()
    start(place, "asking", None)

    Delivery(place).cancel("r", reason="enough")
    answer(place, "1-go", "reject")
    view = resume(place)

    assert view.status == "cancelled"
    assert verifies(place)


def test_a_signal_that_came_after_a_cancel_and_before_any_driver_is_no_fault_of_the_journal() -> None:
    place = workspace()
    start(place, "listening", 1)

    Delivery(place).cancel("r", reason="enough")
    Delivery(place).signal("r", "news", 1)
    view = resume(place)

    assert view.status == "cancelled"
    assert verifies(place)


class Overtaken(MemoryStore):
    """A store whose driver takes the mail and ends the run before its sender looks again."""

    def __init__(self) -> None:
        super().__init__()
        self.drive: Callable[[], object] = object
        self.is_armed = False

    def lease(self, run_id: str, holder: Holder) -> MemoryLease:
        if self.is_armed:
            raise RunLockedError("somebody drives it.", run_id=run_id, holder=None, asked_by=holder)
        return super().lease(run_id, holder)

    def holder(self, run_id: str) -> Holder | None:
        if self.is_armed:
            self.is_armed = False
            self.drive()
        return super().holder(run_id)


def test_who_sent_the_answer_that_ended_the_run_is_not_told_that_it_came_too_late() -> None:
    store = Overtaken()
    place = workspace(store)
    start(place, "asking", None)
    store.drive = lambda: resume(place)
    store.is_armed = True

    sent = answer(place, "1-go", "approve")

    assert [line.type for line in sent.lines] == ["BREAKPOINT_RESPONDED", "BREAKPOINT_RELEASED"]
    assert of_type(place, ev.RunCompleted)


def test_an_answer_in_a_run_that_waits_for_something_else_too_makes_it_due() -> None:
    """The branch that was answered goes on; the run was left waiting for the other one."""
    place = workspace()
    start(place, "asking_twice", None)
    first, _ = of_type(place, ev.BreakpointRequested)
    answer(place, first.breakpoint_id, "approve")

    assert [view.run_id for view in RunService(place).drive_due()] == ["r"]
    assert len(of_type(place, ev.EffectResolved)) == 1
    assert RunService(place).drive_due() == []


def test_a_cancel_makes_a_waiting_run_due() -> None:
    place = workspace()
    start(place, "asking", None)
    Delivery(place).cancel("r", reason="enough")

    assert [view.status for view in RunService(place).drive_due()] == ["cancelled"]


def test_a_parent_is_due_once_its_child_has_ended_without_it() -> None:
    place = workspace()
    create(place, "parent", {"child": "asking", "inputs": None})
    assert resume(place).status == "waiting"
    [child] = of_type(place, ev.ChildStarted)
    Delivery(place).answer(child.child_run_id, "1-go", "approve")
    RunService(place).drive(child.child_run_id)

    RunService(place).drive_due()

    assert place.types("r")[-1] == "RUN_COMPLETED"


def test_a_parent_is_due_when_a_crash_kept_its_child_from_beginning() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    create(place, "parent", {"child": "doubling", "inputs": 1})
    store.die_at("CHILD_STARTED", "after")
    with pytest.raises(Crash):
        resume(place)

    RunService(place).drive_due()

    assert place.types("r")[-1] == "RUN_COMPLETED"


class Finished(MemoryStore):
    """A store whose next lease, once it is armed, comes when somebody has just driven the run to its end."""

    drive: Callable[[], object] | None = None

    def lease(self, run_id: str, holder: Holder) -> MemoryLease:
        drive, self.drive = self.drive, None
        if drive is not None:
            drive()
        return super().lease(run_id, holder)


def test_a_run_that_somebody_ends_just_before_it_is_driven_is_shown_as_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its vault was closed before anything had been masked with it, and resume --due ended there."""
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    store = Finished()
    place = workspace(store)
    start(place, "asking_with_key", None)
    answer(place, "1-go", "approve")
    store.drive = lambda: resume(place)

    assert resume(place).status == "completed"
