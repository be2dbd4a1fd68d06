"""The loop: what is durable before what, how much at once, again, and how much in all."""

import threading

import pytest

from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.effects import Outcome, RetryPolicy
from babysitter.model.errors import MissingToolError
from babysitter.model.events import ErrorInfo
from babysitter.model.runner import Attempt
from babysitter.service.retries import retry_delay_s
from babysitter.testing.clocks import FakeClock
from babysitter.testing.crashing_store import Crash, CrashingStore
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import of_type, resume, settings, start, verifies, workspace


def fails(times: int) -> object:
    """Return an act that fails that often and then gives ``done``."""
    left = iter([True] * times + [False] * 99)

    def act(attempt: Attempt, value: object) -> str:
        if next(left):
            raise ConnectionError(f"attempt {attempt.number} of {value}")
        return "done"

    return act


def patient_with_retries() -> FakeWorkspace:
    """A workspace whose clock jumps, so that a pause of a retry is over at the next look."""
    return workspace(clock=FakeClock(step_ns=10_000_000_000))


def test_nothing_is_performed_before_its_start_is_durable() -> None:
    place = workspace()
    durable_at_start: list[list[str]] = []

    def act(attempt: Attempt, value: object) -> object:
        started = [
            record.event().effect_id  # type: ignore[attr-defined]
            for record in read_records(place.store, "r")
            if record.type == "EFFECT_STARTED"
        ]
        durable_at_start.append(started)
        assert attempt.effect_id in started
        return value

    place.script["build"] = act
    view = start(place, "side_by_side", ["a", "b", "c"])

    assert view.status == "completed"
    assert len(durable_at_start) == 3
    assert verifies(place)


def test_a_driver_that_dies_at_the_commit_of_a_start_has_performed_nothing() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    store.die_at("EFFECT_STARTED")

    with pytest.raises(Crash):
        start(place, "building", "a")

    assert place.performed == []
    assert resume(place).status == "completed"
    assert len(place.performed) == 1
    assert "EFFECT_UNKNOWN" not in place.types("r")


def test_a_step_costs_one_commit() -> None:
    """Promise 5: the outcome of one step and the start of the next are one batch, one sync."""
    store = CrashingStore(MemoryStore())

    start(workspace(store), "one_after_the_other", ["a", "b", "c", "d", "e"])

    assert len(store.appends) == 6
    assert store.appends[1].count(b"\n") == 3, "resolved, requested, started"


def test_an_inline_step_costs_one_commit_too() -> None:
    store = CrashingStore(MemoryStore())

    view = start(workspace(store), "doubling", 10)

    assert view.output == 1024
    assert len(store.appends) == 11


def test_as_many_effects_run_at_once_as_the_settings_allow_and_no_more() -> None:
    place = workspace(settings=settings(concurrency=3))
    together, lock, busy, most = threading.Barrier(3), threading.Lock(), set[str](), [0]

    def act(attempt: Attempt, value: object) -> object:
        with lock:
            busy.add(attempt.effect_id)
            most[0] = max(most[0], len(busy))
        together.wait(timeout=20)
        with lock:
            busy.discard(attempt.effect_id)
        return value["name"]  # type: ignore[index]

    place.script["build"] = act
    view = start(place, "side_by_side", [str(number) for number in range(9)])

    assert view.output == [str(number) for number in range(9)]
    assert most == [3]
    under_way = 0
    for event in place.events("r"):
        under_way += isinstance(event, ev.EffectStarted) - isinstance(event, ev.EffectResolved)
        assert under_way <= 3, "what is journaled as started has room"


def test_a_failed_attempt_is_tried_again_after_a_pause_that_the_journal_has() -> None:
    place = patient_with_retries()
    place.script["flaky"] = fails(2)  # type: ignore[assignment]

    view = start(place, "retrying", "x")

    assert view.output == "ok done"
    retries = of_type(place, ev.EffectRetryScheduled)
    assert [(retry.attempt, retry.error.name) for retry in retries] == [
        (1, "ConnectionError"),
        (2, "ConnectionError"),
    ]
    ceilings = (8.0, 16.0)
    assert all(
        retry.delay_s == retry.dice * ceiling for retry, ceiling in zip(retries, ceilings, strict=True)
    )
    assert verifies(place)


def test_after_the_last_attempt_the_process_gets_the_error() -> None:
    place = patient_with_retries()
    place.script["flaky"] = fails(9)  # type: ignore[assignment]

    view = start(place, "retrying", "x")

    assert view.output == "ConnectionError: attempt 3 of {'name': 'x'}"
    assert len(place.performed) == 3


def test_a_retry_survives_a_crash_during_its_pause() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store, clock=FakeClock())
    place.script["flaky"] = fails(1)  # type: ignore[assignment]
    store.die_at("EFFECT_RETRY_SCHEDULED", "after")
    with pytest.raises(Crash):
        start(place, "retrying", "x")

    assert isinstance(place.clock, FakeClock)
    place.clock.advance(3600)
    view = resume(place)

    assert view.output == "ok done"
    assert [attempt.number for attempt in place.performed] == [1, 2]
    assert "EFFECT_UNKNOWN" not in place.types("r")
    assert verifies(place)


def test_a_refusal_to_try_is_an_outcome_that_the_process_may_catch() -> None:
    place = workspace()

    def act(_attempt: Attempt, _value: object) -> object:
        raise MissingToolError("there is no make.", hint="Install it.")

    place.script["build"] = act

    assert start(place, "building", "x").output == "MissingToolError: there is no make. Install it."


def test_a_timeout_is_an_error_like_any_other() -> None:
    place = workspace()
    place.script["build"] = lambda _attempt, _value: Outcome(
        error=ErrorInfo(name="TimeoutError", message="build did not end within 2 s.")
    )

    assert start(place, "building", "x").output == "TimeoutError: build did not end within 2 s."


def test_a_result_that_is_no_json_is_an_error_and_not_a_crash() -> None:
    place = workspace()
    place.script["build"] = lambda _attempt, _value: {"a": float("nan")}

    output = start(place, "building", "x").output

    assert str(output).startswith("ResultError: ")
    assert verifies(place)


def test_a_process_that_raises_fails_its_run_by_name() -> None:
    place = workspace()

    view = start(place, "failing", None)

    assert view.status == "failed"
    assert view.error is not None
    assert (view.error["name"], view.error["message"]) == ("ValueError", "no more of this")
    assert verifies(place)


def test_a_budget_of_steps_ends_the_run() -> None:
    place = workspace(settings=settings(steps=3))

    view = start(place, "one_after_the_other", ["a", "b", "c", "d", "e"])

    assert view.status == "failed"
    assert len(place.performed) == 3
    assert view.error is not None and view.error["name"] == "BudgetExceededError"
    assert [(event.budget, event.limit) for event in of_type(place, ev.BudgetExceeded)] == [("steps", 3)]
    assert verifies(place)


def test_a_budget_that_is_used_up_by_the_first_batch_ends_the_run() -> None:
    place = workspace(settings=settings(steps=2))

    view = start(place, "side_by_side", ["a", "b", "c", "d", "e"])

    assert view.status == "failed"
    assert place.performed == []
    assert verifies(place)


def test_a_budget_of_seconds_counts_the_time_that_effects_ran() -> None:
    """Each look at the clock takes ten seconds here, and an effect looks twice."""
    place = workspace(settings=settings(seconds=25), clock=FakeClock(step_ns=10_000_000_000))

    view = start(place, "one_after_the_other", ["a", "b", "c", "d", "e"])

    assert view.status == "failed"
    assert [event.budget for event in of_type(place, ev.BudgetExceeded)] == ["seconds"]
    assert 0 < len(place.performed) < 5
    assert verifies(place)


def test_a_budget_that_is_used_up_exactly_is_not_exceeded() -> None:
    place = workspace(settings=settings(steps=3))

    assert start(place, "one_after_the_other", ["a", "b", "c"]).status == "completed"


def test_settings_that_forbid_inline_tasks_are_obeyed_with_an_error_in_the_process() -> None:
    place = workspace(settings=settings(inline="deny"))

    view = start(place, "doubling", 2)

    assert view.status == "failed"
    assert view.error is not None and "PolicyDeniedError" in str(view.error)
    assert [event.rule for event in of_type(place, ev.PolicyDenied)] == ["sandbox.inline"]
    assert verifies(place)


def test_two_refusals_at_once_reach_two_branches() -> None:
    place = workspace(settings=settings(inline="deny"))

    view = start(place, "doubling_side_by_side", [1, 2])

    assert view.output == ["PolicyDeniedError", "PolicyDeniedError"]
    assert verifies(place)


def test_a_large_result_is_a_file_that_the_line_names_and_replay_reads_it() -> None:
    place = workspace()
    place.script["build"] = lambda _attempt, value: str(value["name"]) * 2

    view = start(place, "large", 100_000)

    assert view.output == 200_000
    resolved = of_type(place, ev.EffectResolved)[0]
    assert resolved.result_ref is not None and resolved.result_ref.bytes == 200_002
    assert verifies(place)


def test_the_values_that_a_process_takes_are_the_same_after_a_restart() -> None:
    from tests.unit.service.runs import answer

    place = workspace()
    start(place, "taking_values", None)
    taken = [event.value for event in of_type(place, ev.ValueTaken)]
    answer(place, of_type(place, ev.BreakpointRequested)[0].breakpoint_id, "approve")

    view = resume(place)

    assert isinstance(view.output, dict)
    assert [view.output["random"], view.output["uuid"]] == taken[1:]
    assert view.output["ref"] == "artifacts/notes/plan.md"
    shown = (
        place.store.read_file("r", place.store.paths("r")[1])
        if False
        else b"".join(
            place.store.read_file("r", path) for path in place.store.paths("r") if path.endswith("shown.md")
        )
    )
    assert b"the plan" in shown and b"missing: there is no file missing.md" in shown
    assert verifies(place)


@pytest.mark.parametrize(
    ("attempt", "dice", "delay_s"),
    [
        (1, 0.0, 0.0),
        (1, 0.5, 2.0),
        (2, 0.5, 4.0),
        (3, 0.5, 5.0),
        (4, 0.999, 9.99),
        (5, 0.5, None),
        (9, 0.1, None),
    ],
)
def test_a_pause_is_the_dice_times_a_ceiling_that_doubles(
    attempt: int, dice: float, delay_s: float | None
) -> None:
    policy = RetryPolicy(attempts=5, delay_s=4.0, factor=2.0, delay_s_max=10.0)

    assert retry_delay_s(policy, attempt, dice) == delay_s


def test_the_thousandth_pause_overflows_nothing() -> None:
    policy = RetryPolicy(attempts=5000, delay_s=1.0, factor=10.0, delay_s_max=60.0)

    assert retry_delay_s(policy, 4999, 0.5) == 30.0
