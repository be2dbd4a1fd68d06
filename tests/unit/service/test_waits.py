"""Waiting: signals, timers, child runs, cancelling and leaving."""

import threading
from datetime import datetime

import pytest

from babysitter.model import events as ev
from babysitter.model.effects import Denial, Outcome
from babysitter.model.errors import RefusedError
from babysitter.model.runner import Attempt
from babysitter.service.delivery import Delivery
from babysitter.service.patience import Patience
from babysitter.service.queries import Queries
from babysitter.service.runs import RunService
from babysitter.testing.clocks import FakeClock
from babysitter.testing.crashing_store import Crash, CrashingStore
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import Driving, FakeWorkspace
from tests.unit.service.runs import answer, create, of_type, resume, start, verifies, workspace


def test_signals_are_taken_in_the_order_in_which_they_came() -> None:
    place = workspace()
    start(place, "listening", 3)

    for number in range(4):
        Delivery(place).signal("r", "news", number)
    Delivery(place).signal("r", "other", 99)
    view = resume(place)

    assert view.output == [0, 1, 2]
    assert verifies(place)


def test_signals_that_come_before_anybody_waits_are_kept() -> None:
    place = workspace()
    create(place, "listening_late", None)
    Delivery(place).signal("r", "news", "early")
    Delivery(place).signal("r", "news", "later")

    assert resume(place).output == ["early", "later"]
    assert verifies(place)


def test_a_near_timer_is_waited_for() -> None:
    place = workspace(clock=FakeClock(step_ns=10_000_000_000))

    assert start(place, "sleeping", 30).output == "woke"
    assert verifies(place)


def test_a_far_timer_lets_the_driver_go_and_a_later_one_finds_it_due() -> None:
    place = workspace()
    assert start(place, "sleeping", 86_400).status == "waiting"
    assert RunService(place).drive_due() == []

    assert isinstance(place.clock, FakeClock)
    place.clock.advance(86_401)
    driven = RunService(place).drive_due()

    assert [view.output for view in driven] == ["woke"]


def test_a_timer_keeps_its_time_however_often_the_run_is_driven() -> None:
    place = workspace()
    start(place, "sleeping", 86_400)
    for _ in range(3):
        resume(place)

    assert len(of_type(place, ev.TimerSet)) == 1


def test_cancelling_lets_the_process_clean_up_with_further_steps() -> None:
    place = workspace()
    start(place, "cleaning_up", "x")

    Delivery(place).cancel("r", reason="enough")
    view = resume(place)

    assert view.status == "cancelled"
    assert [attempt.input for attempt in place.performed] == [{"name": "clean x"}]
    assert view.breakpoints == ()
    assert verifies(place)


def test_cancelling_twice_is_cancelling_once() -> None:
    place = workspace()
    start(place, "cleaning_up", "x")

    Delivery(place).cancel("r", reason="enough")
    Delivery(place).cancel("r", reason="I said enough")

    assert place.types("r").count("RUN_CANCEL_REQUESTED") == 1
    assert resume(place).status == "cancelled"


def blocks_until_stopped(attempt: Attempt, _value: object) -> str:
    stopped = threading.Event()
    attempt.stop.on_set(stopped.set)
    if not stopped.wait(timeout=20):
        raise AssertionError("nobody stopped it")
    return "stopped"


def test_cancelling_stops_what_is_being_performed() -> None:
    from babysitter.service.ports import SystemClock

    place = workspace(clock=SystemClock())
    place.script["build"] = blocks_until_stopped
    create(place, "building", "x")

    with Driving(place, "r") as driver:
        driver.face.wait_for("EFFECT_STARTED")
        Delivery(place).cancel("r", reason="enough")
        view = driver.ended()

    assert view.status == "cancelled"
    assert "EFFECT_CANCELLED" in place.types("r")
    assert verifies(place)


def test_what_a_cancelled_task_was_denied_is_journaled_all_the_same() -> None:
    from babysitter.service.ports import SystemClock

    place = workspace(clock=SystemClock())
    create(place, "giving_one_up", None)
    driving = Driving(place, "r")
    denial = Denial(what="a connection", rule="network.host", where="evil.test:443")

    def build(attempt: Attempt, value: object) -> Outcome:
        if value == {"name": "slow"}:
            blocks_until_stopped(attempt, value)
            return Outcome(denials=(denial,))
        driving.face.wait_for("SANDBOX_DENIED")
        return Outcome(value="after")

    def fail(_attempt: Attempt, _value: object) -> object:
        driving.face.wait_for("EFFECT_STARTED", 2)
        raise ValueError("no")

    place.script = {"build": build, "fetch": fail}

    with driving as driver:
        view = driver.ended()

    types = place.types("r")
    assert view.output == "after"
    assert types.index("EFFECT_CANCELLED") < types.index("SANDBOX_DENIED")
    assert verifies(place)


def test_a_driver_that_is_asked_to_leave_lets_what_is_in_flight_end() -> None:
    place = workspace()
    patience = Patience()

    def act(_attempt: Attempt, value: object) -> object:
        patience.stop()
        return value

    place.script["build"] = act
    view = start(place, "one_after_the_other", ["a", "b"], patience=patience)

    assert view.status == "running"
    assert place.types("r").count("EFFECT_RESOLVED") == 1, "what was in flight has its outcome"
    assert len(place.performed) == 1, "nothing new is begun"
    del place.script["build"]
    assert resume(place).status == "completed"
    assert "EFFECT_UNKNOWN" not in place.types("r")
    assert verifies(place)


def test_a_driver_that_is_asked_twice_leaves_at_once_and_the_outcome_is_unknown() -> None:
    place = workspace()
    patience = Patience()

    def act(attempt: Attempt, value: object) -> object:
        patience.stop()
        patience.stop()
        return blocks_until_stopped(attempt, value)

    place.script["fetch"] = act
    view = start(place, "fetching", "x", patience=patience)

    assert view.status == "running"
    place.script["fetch"] = lambda _attempt, _value: "again"
    assert resume(place).output == "ok again"
    assert [event.action for event in of_type(place, ev.EffectUnknown)] == ["retry"]
    assert verifies(place)


def test_a_child_run_is_a_run_of_its_own_whose_id_follows_from_its_parents() -> None:
    place = workspace()

    view = start(place, "parent", {"child": "doubling", "inputs": 3})

    assert view.output == "ok 8"
    assert place.store.run_ids() == ["r", "r.1"]
    assert of_type(place, ev.RunCreated, "r.1")[0].parent_run_id == "r"
    assert verifies(place) and verifies(place, "r.1")


def test_a_child_that_fails_is_an_error_in_its_parent() -> None:
    place = workspace()

    view = start(place, "parent", {"child": "failing", "inputs": None})

    assert view.output == "ValueError: no more of this"
    assert verifies(place)


def test_a_parent_waits_for_a_child_that_waits_and_goes_on_when_it_has_ended() -> None:
    place = workspace()
    assert start(place, "parent", {"child": "asking", "inputs": None}).status == "waiting"
    assert resume(place).status == "waiting"

    Delivery(place).answer("r.1", "1-go", "approve")
    view = resume(place)

    assert view.output == "ok approved=True by=alice: "
    assert verifies(place) and verifies(place, "r.1")


@pytest.mark.promise("G25")
def test_a_run_that_somebody_put_in_a_childs_place_is_not_taken_for_it() -> None:
    """The id can be known beforehand, and what ended there would count as what the child came to."""
    place = workspace()
    RunService(place).start("processes.py#doubling", 1000, run_id="r.1")

    with pytest.raises(RefusedError, match="is no child of r,"):
        start(place, "parent", {"child": "doubling", "inputs": 3})
    assert of_type(place, ev.ChildEnded) == []


@pytest.mark.promise("G25")
@pytest.mark.parametrize("run_id", ["r.1", "r.1.0.1", "r.9.x"])
def test_nobody_takes_the_id_that_a_child_of_a_run_may_have(run_id: str) -> None:
    place = workspace()
    create(place, "parent", {"child": "doubling", "inputs": 3})

    with pytest.raises(RefusedError, match="child"):
        RunService(place).create("processes.py#doubling", 1000, run_id=run_id)

    assert resume(place).output == "ok 8"


def test_a_driver_that_dies_right_after_a_child_was_started_creates_it_once() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    store.die_at("CHILD_STARTED", "after")
    with pytest.raises(Crash):
        start(place, "parent", {"child": "doubling", "inputs": 3})
    assert store.run_ids() == ["r"]

    assert resume(place).output == "ok 8"
    assert store.run_ids() == ["r", "r.1"]


def test_a_driver_that_dies_before_a_childs_end_is_journaled_finds_it_ended() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    store.die_at("CHILD_ENDED")
    with pytest.raises(Crash):
        start(place, "parent", {"child": "building", "inputs": "x"})

    assert resume(place).output == "ok ok None"
    assert len(place.performed) == 1
    assert verifies(place)


def test_cancelling_a_parent_cancels_a_child_that_is_being_driven() -> None:
    from babysitter.service.ports import SystemClock

    place = workspace(clock=SystemClock())
    began = threading.Event()

    def act(attempt: Attempt, value: object) -> str:
        began.set()
        return blocks_until_stopped(attempt, value)

    place.script["build"] = act
    create(place, "parent", {"child": "building", "inputs": "x"})

    with Driving(place, "r") as driver:
        driver.face.wait_for("CHILD_STARTED")
        assert began.wait(timeout=20)
        Delivery(place).cancel("r", reason="enough")
        view = driver.ended()

    assert view.status == "cancelled"
    assert Queries(place).status("r.1").status == "cancelled"
    assert verifies(place) and verifies(place, "r.1")


def test_cancelling_a_parent_cancels_a_child_that_only_waits() -> None:
    place = workspace()
    start(place, "parent", {"child": "asking", "inputs": None})

    Delivery(place).cancel("r", reason="enough")
    view = resume(place)

    assert view.status == "cancelled"
    assert Queries(place).status("r.1").status == "cancelled"


def test_a_parent_over_its_budget_takes_its_child_with_it() -> None:
    from tests.unit.service.runs import settings

    place = workspace(settings=settings(steps=1), clock=FakeClock(step_ns=10_000_000_000))
    view = start(place, "parent_and_more", None)

    assert view.status == "failed"
    assert Queries(place).status("r.1.0.1").status == "cancelled"


def test_times_are_what_the_clock_of_the_workspace_says() -> None:
    place: FakeWorkspace = workspace()
    start(place, "taking_values", None)
    taken = of_type(place, ev.ValueTaken)[0].value

    assert datetime.fromisoformat(taken).year == 2026
    answer(place, of_type(place, ev.BreakpointRequested)[0].breakpoint_id, "approve")
    output = resume(place).output
    assert isinstance(output, dict) and datetime.fromisoformat(output["now"]) == datetime.fromisoformat(taken)
