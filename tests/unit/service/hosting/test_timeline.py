"""The timeline: what is drawn is what the journal has, whatever happened in the run."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.service.hosting.time_axis import NS
from babysitter.service.hosting.timeline import Timeline
from babysitter.service.hosting.timeline_rows import Row, TimelineView
from babysitter.stores.interface import Store
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.sample_run import RUN_ID, write_sample_run
from tests.unit.service.runs import answer, resume, start, workspace

SHA = "0" * 64


def drawn(store: Store, run_id: str, now_ns: int = 0) -> TimelineView:
    """Return a run's timeline, from its journal."""
    timeline = Timeline()
    for record in read_records(store, run_id):
        timeline.apply(record.event(), seq=record.seq, recorded_at=record.recorded_at)
    return timeline.view(now_ns)


def fold(*events: tuple[float, ev.Event], now_s: float = 0) -> TimelineView:
    """Return the timeline of events at seconds."""
    timeline = Timeline()
    for seq, (at_s, event) in enumerate(events, 1):
        timeline.apply(event, seq=seq, recorded_at=format_time(int(at_s * NS)))
    return timeline.view(int(now_s * NS))


def wanted(call: str = "0", effect: str = "0-build") -> ev.EffectRequested:
    return ev.EffectRequested(
        effect_id=effect,
        call_id=call,
        task_id="build",
        kind="shell",
        label=f"build {call}",
        args_sha256="",
        task_def_ref="",
    )


def began(effect: str = "0-build", attempt: int = 1) -> ev.EffectStarted:
    return ev.EffectStarted(effect_id=effect, attempt=attempt, sandbox_sha256=SHA, worker="a@b")


def again(effect: str = "0-build", attempt: int = 1) -> ev.EffectRetryScheduled:
    error = ev.ErrorInfo(name="E", message="m")
    return ev.EffectRetryScheduled(
        effect_id=effect, attempt=attempt, error=error, delay_s=5, dice=0, due_at=format_time(0)
    )


def ended(effect: str = "0-build", attempt: int = 1, **more: object) -> ev.EffectResolved:
    return ev.EffectResolved(effect_id=effect, attempt=attempt, status="ok", **more)  # type: ignore[arg-type]


def asked(call: str = "1", name: str = "1-go") -> ev.BreakpointRequested:
    return ev.BreakpointRequested(
        breakpoint_id=name, call_id=call, question="Go?", rule="default", policy_sha256=SHA, shown_sha256=SHA
    )


def test_the_sample_run_has_a_row_for_each_attempt_and_wait() -> None:
    store = MemoryStore()
    write_sample_run(store, FakeClock())

    view = drawn(store, RUN_ID)

    assert [(row.call_id, row.kind, row.attempt, row.state) for row in view.rows] == [
        ("1", "task", 1, "error"),
        ("1", "task", 2, "ok"),
        ("2", "question", 0, "released"),
        ("3", "timer", 0, "fired"),
        ("4", "signal", 0, "received"),
        ("5", "child", 0, "completed"),
        ("7", "task", 1, "ok"),
    ]
    assert (view.attempts, view.retries, view.usage) == (3, 1, {"tokens": 10.5})
    assert view.rows[0].denials == 1
    assert [told.message for told in view.logs] == ["waiting"]
    assert view.ended_at is not None


def test_waiting_for_people_is_told_apart_from_working_and_from_timers() -> None:
    view = fold(
        (0, wanted()),
        (1, began()),
        (4, ended()),
        (4, asked()),
        (104, ev.BreakpointReleased(breakpoint_id="1-go", approved=True, responded_by=("a",), rule="r")),
        (104, ev.TimerSet(call_id="2", due_at=format_time(0))),
        (114, ev.TimerFired(call_id="2")),
        (115, ev.RunCompleted(output=None, output_sha256="")),
    )

    parts = (view.elapsed, view.working, view.people, view.timers, view.children, view.other)
    assert parts == (115, 3, 100, 10, 0, 2)


def test_what_is_open_goes_on_until_now() -> None:
    view = fold((0, wanted()), (2, began()), now_s=10)

    (row,) = view.rows
    assert [(bar.kind, bar.open, bar.begin_ns, bar.end_ns) for bar in row.bars] == [
        ("queue", False, 0, 2 * NS),
        ("work", True, 2 * NS, 10 * NS),
    ]
    assert (row.state, row.seconds, view.ended_at) == ("running", 8, None)


def test_the_pause_before_another_attempt_stands_in_its_row() -> None:
    waiting = fold((0, wanted()), (1, began()), (2, again()), now_s=6)
    going = fold((0, wanted()), (1, began()), (2, again()), (7, began(attempt=2)), now_s=9)

    assert [[bar.kind for bar in row.bars] for row in waiting.rows] == [["queue", "work", "backoff"]]
    assert waiting.rows[0].state == "backoff"
    assert [[bar.kind for bar in row.bars] for row in going.rows] == [["queue", "work"], ["backoff", "work"]]
    assert [row.state for row in going.rows] == ["error", "running"]


def test_an_attempt_whose_outcome_nobody_knows_does_not_go_on_for_ever() -> None:
    view = fold(
        (0, wanted()),
        (1, began()),
        (60, ev.EffectUnknown(effect_id="0-build", attempt=1, action="retry")),
        (61, began(attempt=2)),
        (62, ended(attempt=2)),
        now_s=100,
    )

    assert [(row.attempt, row.state) for row in view.rows] == [(1, "unknown"), (2, "ok")]
    assert not any(bar.open for row in view.rows for bar in row.bars)


def test_what_a_harness_posts_counts_as_one_attempt() -> None:
    view = fold((0, wanted()), (9, ended(usage={"tokens": 3.0, "usd": 0.5})))

    assert [(row.attempt, row.state) for row in view.rows] == [(1, "ok")]
    assert (view.attempts, view.usage) == (1, {"tokens": 3.0, "usd": 0.5})


def test_branches_stand_below_their_block_in_the_order_of_calls() -> None:
    view = fold(
        (0, wanted("0", "0-a")),
        (0, wanted("4.0.0", "4.0.0-a")),
        (0, wanted("4.10.0", "4.10.0-a")),
        (0, wanted("4.2.0", "4.2.0-a")),
        (0, wanted("4.2.1.0.0", "deep")),
        (0, wanted("10", "10-a")),
        (0, wanted("5", "5-a")),
        (0, asked("5!gate", "5-gate")),
    )

    assert [(row.call_id, row.kind, row.depth) for row in view.rows] == [
        ("0", "task", 0),
        ("4", "parallel", 0),
        ("4.0.0", "task", 1),
        ("4.2.0", "task", 1),
        ("4.2.1", "parallel", 1),
        ("4.2.1.0.0", "task", 2),
        ("4.10.0", "task", 1),
        ("5", "task", 0),
        ("5!gate", "question", 1),
        ("10", "task", 0),
    ]
    assert view.rows[1].label == "3 branches"


def test_a_signal_that_came_before_it_was_awaited_is_not_waited_for() -> None:
    view = fold(
        (0, ev.SignalReceived(name="go", sender="a")),
        (5, ev.SignalAwaited(call_id="0", name="go")),
        (6, ev.SignalAwaited(call_id="1", name="go")),
        now_s=9,
    )

    assert [(row.state, row.bars[0].open) for row in view.rows] == [("received", False), ("waiting", True)]


@pytest.mark.parametrize("process", ["retrying", "side_by_side", "sleeping", "asking"])
def test_the_timeline_of_a_real_run_says_what_its_state_says(process: str) -> None:
    place = workspace()
    inputs = {"retrying": "x", "side_by_side": ["a", "b", "c"], "sleeping": 86_400, "asking": None}[process]
    run = start(place, process, inputs)

    view = drawn(place.store, "r", place.clock.now_ns())

    tasks = [row for row in view.rows if row.kind == "task"]
    assert len({row.ref for row in tasks}) == run.steps
    assert len([row for row in view.rows if row.kind == "question" and row.state == "open"]) == len(
        run.breakpoints
    )


def test_a_decision_ends_the_wait_for_people() -> None:
    place = workspace()
    run = start(place, "asking", None)
    answer(place, run.breakpoints[0].breakpoint_id, "approve")
    resume(place)

    assert all(row.state != "open" for row in drawn(place.store, "r").rows)


def happened(effect: str, what: str, attempt: int) -> ev.Event:
    call = effect.partition("-")[0]
    kinds = {
        "want": wanted(call, effect),
        "start": began(effect, attempt),
        "retry": again(effect),
        "unknown": ev.EffectUnknown(effect_id=effect, attempt=attempt, action="ask"),
        "end": ended(effect, attempt),
        "cancel": ev.EffectCancelled(effect_id=effect, call_id=call),
    }
    return kinds[what]


steps = st.lists(
    st.tuples(
        st.sampled_from(["0-a", "1.0.0-b", "1.1.0-c"]),
        st.sampled_from(["want", "start", "retry", "unknown", "end", "cancel"]),
        st.integers(0, 10_000),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(steps=steps)
def test_bars_of_one_effect_never_overlap_and_every_attempt_is_a_row(
    steps: list[tuple[str, str, int]],
) -> None:
    """Whatever order lines come in, and however the clock jumps; an outcome is final."""
    timeline, attempts = Timeline(), Counter[str]()
    begun, over = set[str](), set[str]()
    for seq, (effect, what, at_s) in enumerate(steps, 1):
        if what == "want" and effect in begun:
            continue
        begun |= {effect} if what == "want" else set()
        attempts[effect] += what == "start" and effect in begun - over
        over |= {effect} if effect in begun and what in ("end", "cancel") else set()
        event = happened(effect, what, max(1, attempts[effect]))
        timeline.apply(event, seq=seq, recorded_at=format_time(at_s * NS))

    view = timeline.view(20_000 * NS)

    for effect in begun:
        rows = [row for row in view.rows if row.ref == effect]
        assert len(rows) == max(1, attempts[effect])
        _do_not_overlap(rows)
    assert abs(view.working + view.people + view.timers + view.children + view.other - view.elapsed) < 1e-6


def _do_not_overlap(rows: list[Row]) -> None:
    bars = [bar for row in rows for bar in row.bars]
    assert all(bar.begin_ns <= bar.end_ns for bar in bars)
    assert all(before.end_ns <= after.begin_ns for before, after in pairwise(bars))
    assert all(0 <= bar.left <= bar.left + bar.width <= 100.000001 for bar in bars)
