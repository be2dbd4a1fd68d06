"""What may follow what: the table is whole, and each thing it leaves out is refused."""

from typing import Literal

import pytest

from babysitter.journal.grammar import TABLE, Grammar
from babysitter.model.errors import CorruptJournalError
from babysitter.model.events import (
    EVENT_TYPES,
    BreakpointExpired,
    BreakpointRejected,
    BreakpointReleased,
    BreakpointRequested,
    BreakpointResponded,
    CallCancelled,
    ChildEnded,
    ChildStarted,
    EffectCancelled,
    EffectRequested,
    EffectResolved,
    EffectRetryScheduled,
    EffectStarted,
    EffectUnknown,
    ErrorInfo,
    Event,
    LogWritten,
    RunCancelled,
    RunCancelRequested,
    RunFailed,
    SandboxDenied,
    SignalAwaited,
    SignalReceived,
    TimerFired,
    TimerSet,
)
from babysitter.testing.sample_run import SHA, TIME, created

ERROR = ErrorInfo(name="E", message="m")
ASKED = BreakpointRequested(
    breakpoint_id="2-b", call_id="2", question="?", rule="r", quorum=2, policy_sha256=SHA, shown_sha256=SHA
)
END = RunFailed(error=ERROR)


def effect(call: str = "1") -> EffectRequested:
    return EffectRequested(
        effect_id=f"{call}-a",
        call_id=call,
        task_id="a",
        kind="inline",
        label="a",
        args_sha256=SHA,
        task_def_ref="t",
    )


def started(attempt: int = 1) -> EffectStarted:
    return EffectStarted(effect_id="1-a", attempt=attempt, sandbox_sha256=SHA, worker="w")


def resolved(attempt: int = 1) -> EffectResolved:
    return EffectResolved(effect_id="1-a", attempt=attempt, status="ok", result=1)


def retry(attempt: int = 1) -> EffectRetryScheduled:
    return EffectRetryScheduled(
        effect_id="1-a", attempt=attempt, error=ERROR, delay_s=1, dice=0.5, due_at=TIME
    )


def unknown(attempt: int = 1) -> EffectUnknown:
    return EffectUnknown(effect_id="1-a", attempt=attempt, action="ask")


def answer(
    who: str, decision: Literal["approve", "reject", "defer"] = "approve", request_id: str | None = None
) -> BreakpointResponded:
    return BreakpointResponded(
        breakpoint_id="2-b",
        approver=who,
        decision=decision,
        method="local",
        request_id=request_id,
    )


def release(*who: str, approved: bool = True) -> BreakpointReleased:
    return BreakpointReleased(breakpoint_id="2-b", approved=approved, responded_by=who, rule="r")


REJECTED = BreakpointRejected(breakpoint_id="2-b", responded_by=("a",), rule="r")
EXPIRED = BreakpointExpired(breakpoint_id="2-b", expired_at=TIME)
CHILD = ChildStarted(call_id="5", child_run_id="run-1.5", process_id="p", inputs_sha256=SHA)
CHILD_END = ChildEnded(call_id="5", child_run_id="run-1.5", status="completed")
WAIT_GO = SignalAwaited(call_id="4", name="go")
GO = SignalReceived(name="go", sender="s")
DENIED = SandboxDenied(effect_id="1-a", attempt=1, what="x", rule="r")

GOOD: list[list[Event]] = [
    [effect(), started(), resolved(), END],
    [
        effect(),
        started(),
        retry(),
        started(2),
        unknown(2),
        started(3),
        SandboxDenied(effect_id="1-a", attempt=3, what="x", rule="r"),
        resolved(3),
    ],
    [effect(), resolved(0)],
    [effect(), resolved(1), END],
    [effect(), started(), DENIED, resolved(), DENIED],
    [effect(), started(), EffectCancelled(effect_id="1-a", call_id="1")],
    [ASKED, answer("a"), answer("b", "defer"), answer("b"), release("a", "b")],
    [ASKED, answer("a", "reject"), REJECTED],
    [ASKED, EXPIRED],
    [ASKED, CallCancelled(call_id="2")],
    [TimerSet(call_id="3", due_at=TIME), TimerFired(call_id="3")],
    [WAIT_GO, GO, GO, SignalAwaited(call_id="6", name="go")],
    [GO, WAIT_GO],
    [WAIT_GO, CallCancelled(call_id="4"), SignalAwaited(call_id="6", name="go"), GO],
    [CHILD, CHILD_END],
    # What people sent while nobody drove the run, and its process had let go of it before.
    [effect(), started(), resolved(), EffectCancelled(effect_id="1-a", call_id="1")],
    [WAIT_GO, GO, CallCancelled(call_id="4")],
    [ASKED, answer("a", "reject"), REJECTED, CallCancelled(call_id="2")],
    [RunCancelRequested(by="a"), RunCancelRequested(by="b"), effect(), RunCancelled()],
]

BAD: list[tuple[list[Event], str]] = [
    ([created()], "the run is open"),
    ([END, END], "the run is ended"),
    ([END, effect()], "the run is ended"),
    ([END, LogWritten(call_id="9", message="m")], "the run is ended"),
    ([resolved()], "effect 1-a is new"),
    ([started()], "effect 1-a is new"),
    ([DENIED], "effect 1-a is new"),
    ([effect(), effect()], "effect 1-a is requested"),
    ([effect(), started(), started(2)], "effect 1-a is started"),
    ([effect(), started(2)], "attempt 2 begins where 1 belongs"),
    ([effect(), started(), retry(2)], "attempt 2 of 1-a is not"),
    ([effect(), started(), unknown(2)], "attempt 2 of 1-a is not"),
    ([effect(), started(), resolved(3)], "attempt 3 of 1-a is not"),
    ([effect(), retry()], "effect 1-a is requested"),
    ([effect(), started(), resolved(), resolved()], "effect 1-a is resolved"),
    ([effect(), EffectResolved(effect_id="1-a", attempt=1, status="error")], "do not agree"),
    ([effect(), EffectResolved(effect_id="1-a", attempt=1, status="ok", error=ERROR)], "do not agree"),
    ([effect(), TimerSet(call_id="1", due_at=TIME)], "call 1 was made before"),
    ([LogWritten(call_id="1", message="m"), LogWritten(call_id="1", message="m")], "moment 1 is done"),
    ([LogWritten(call_id="1", message="m"), effect()], "call 1 was made before"),
    ([answer("a")], "breakpoint 2-b is new"),
    ([release("a")], "breakpoint 2-b is new"),
    ([ASKED, release("a", "b")], "who did not approve"),
    ([ASKED, answer("a"), answer("b", "reject"), release("a", "b")], "who did not approve"),
    ([ASKED, answer("a"), answer("a", "defer"), answer("b"), release("a", "b")], "who did not approve"),
    ([ASKED, answer("a"), release("a")], "fewer than the quorum"),
    ([ASKED, answer("a"), release("a", "a")], "fewer than the quorum"),
    ([ASKED, answer("a"), answer("b"), release("a", "b", approved=False)], "not approved"),
    ([ASKED, answer("a", "reject"), REJECTED, answer("b")], "breakpoint 2-b is rejected"),
    ([ASKED, EXPIRED, REJECTED], "breakpoint 2-b is expired"),
    (
        [ASKED, answer("a", "approve", "01A"), answer("b", "approve", "01A")],
        "request 01A was answered before",
    ),
    ([TimerFired(call_id="3")], "timer 3 is new"),
    (
        [TimerSet(call_id="3", due_at=TIME), TimerFired(call_id="3"), TimerFired(call_id="3")],
        "timer 3 is fired",
    ),
    (
        [TimerSet(call_id="3", due_at=TIME), TimerFired(call_id="3"), CallCancelled(call_id="3")],
        "timer 3 is fired",
    ),
    ([CallCancelled(call_id="3")], "nothing waits at call 3"),
    ([effect(), CallCancelled(call_id="1")], "nothing waits at call 1"),
    ([CHILD_END], "child 5 is new"),
    ([CHILD, ChildEnded(call_id="5", child_run_id="run-1.6", status="failed")], "started another run"),
    ([CHILD, CHILD_END, CHILD_END], "child 5 is ended"),
]


def test_every_event_type_has_its_row() -> None:
    assert set(TABLE) == set(EVENT_TYPES)


@pytest.mark.parametrize("events", GOOD, ids=lambda events: "-".join(event.type for event in events))
def test_what_a_driver_writes_is_accepted(events: list[Event]) -> None:
    grammar = Grammar()

    for event in [created(), *events]:
        grammar.accept(event)

    assert grammar.ended == (events[-1].type in {"RUN_FAILED", "RUN_CANCELLED"})


@pytest.mark.parametrize(("events", "why"), BAD, ids=[f"{n}-{why}" for n, (_, why) in enumerate(BAD)])
def test_what_no_driver_writes_is_refused_at_its_line(events: list[Event], why: str) -> None:
    grammar = Grammar()
    for event in [created(), *events[:-1]]:
        grammar.accept(event)

    with pytest.raises(CorruptJournalError, match=why) as refused:
        grammar.accept(events[-1])

    assert refused.value.facts["line"] == len(events) + 1


@pytest.mark.parametrize("event_type", sorted(set(EVENT_TYPES) - {"RUN_CREATED"}))
def test_nothing_comes_before_the_run_is_created(event_type: str) -> None:
    step = TABLE[event_type]

    assert step.subject != "run" or "new" not in step.before
    with pytest.raises(CorruptJournalError):
        Grammar().accept(effect())


def test_the_grammar_knows_what_was_made() -> None:
    grammar = Grammar()
    for event in [created(), effect(), ASKED, CHILD]:
        grammar.accept(event)

    assert grammar.knows("effect", "1-a")
    assert grammar.knows("breakpoint", "2-b")
    assert grammar.knows("child", "5")
    assert not grammar.knows("effect", "9-z")
