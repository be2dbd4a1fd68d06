"""Gates: what touches production waits for people, over exactly its arguments, once."""

from typing import Any

import pytest

from babysitter.model import events as ev
from babysitter.model.errors import NotFoundError, PolicyDeniedError, RefusedError
from babysitter.model.rules import Policy, Rule
from babysitter.service.delivery import Delivery
from babysitter.testing.clocks import FakeClock
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import answer, of_type, resume, start, verifies, workspace

pytestmark = pytest.mark.promise("G02")


def open_rule(**more: Any) -> Rule:
    """Return a rule that asks for no signature, and lets authors approve."""
    return Rule(signature=False, author_may_approve=True, **more)


def questions(place: FakeWorkspace) -> list[str]:
    return [event.call_id for event in of_type(place, ev.BreakpointRequested)]


def performed(place: FakeWorkspace) -> list[str]:
    return [attempt.input["target"] for attempt in place.performed]


@pytest.mark.parametrize("process", ["deploying", "wiping"])
def test_a_forgotten_breakpoint_is_raised_before_anything_is_performed(process: str) -> None:
    place = workspace()

    view = start(place, process, ["here"] if process == "deploying" else "here")

    assert view.status == "waiting"
    assert place.performed == []
    assert questions(place) == ["1!gate"]
    asked = of_type(place, ev.BreakpointRequested)[0]
    requested = of_type(place, ev.EffectRequested)[0]
    assert [(ref.task_id, ref.args_sha256) for ref in asked.approves] == [
        (requested.task_id, requested.args_sha256)
    ]
    assert verifies(place)


def test_waiting_at_a_gate_asks_once_however_often_the_run_is_driven() -> None:
    place = workspace()
    start(place, "deploying", ["here"])

    for _ in range(3):
        assert resume(place).status == "waiting"

    assert questions(place) == ["1!gate"]


def test_an_approved_gate_lets_the_effect_through() -> None:
    place = workspace()
    start(place, "deploying", ["here"])

    answer(place, "1-gate-deploy", "approve", "fine")
    view = resume(place)

    assert view.output == ["ok None"]
    assert performed(place) == ["here"]
    assert verifies(place)


def test_a_rejected_gate_is_an_error_in_the_process_with_the_reason() -> None:
    place = workspace()
    start(place, "deploying", ["here"])

    answer(place, "1-gate-deploy", "reject", "not on a Friday")
    view = resume(place)

    assert view.output == ["PolicyDeniedError: deploy was not approved: not on a Friday"]
    assert place.performed == []
    assert verifies(place)


def test_the_same_arguments_a_second_time_are_asked_about_a_second_time() -> None:
    place = workspace()
    start(place, "deploying", ["here", "here"])

    answer(place, "1-gate-deploy", "approve")
    view = resume(place)

    assert view.status == "waiting"
    assert performed(place) == ["here"]
    assert questions(place) == ["1!gate", "2!gate"]


@pytest.mark.parametrize("first", [0, 1, 2])
def test_an_approval_at_a_gate_is_for_the_call_behind_it_and_for_no_twin(first: int) -> None:
    """Three calls with the same arguments stand at three gates; whichever opens lets its own call through."""
    place = workspace()
    start(place, "deploying_side_by_side", ["here", "here", "here"])
    gates = [event.breakpoint_id for event in of_type(place, ev.BreakpointRequested)]
    calls = [event.call_id for event in of_type(place, ev.EffectRequested)]

    answer(place, gates[first], "approve")
    resume(place)

    started = [event.effect_id for event in of_type(place, ev.EffectStarted)]
    assert started == [f"{calls[first]}-deploy"]
    assert len(of_type(place, ev.BreakpointRequested)) == 3, "nobody is asked again"
    assert verifies(place)


def test_approvals_of_all_gates_let_each_call_through_once() -> None:
    place = workspace()
    start(place, "deploying_side_by_side", ["here", "here", "here"])

    for event in reversed(of_type(place, ev.BreakpointRequested)):
        answer(place, event.breakpoint_id, "approve")
    view = resume(place)

    assert view.status == "completed"
    assert performed(place) == ["here"] * 3
    assert verifies(place)


def test_several_rejections_while_nobody_drives_reach_their_branches() -> None:
    place = workspace()
    start(place, "recovering_side_by_side", ["a", "b", "c"])
    for event in of_type(place, ev.BreakpointRequested):
        answer(place, event.breakpoint_id, "reject", "no")

    view = resume(place)

    assert view.output == ["PolicyDeniedError: deploy was not approved: no then None"] * 3
    assert verifies(place)


def test_a_breakpoint_that_names_the_call_is_the_only_question() -> None:
    place = workspace()
    start(place, "asking_first", {"asked": [["deploy", "here"]], "made": [["deploy", "here"]]})

    answer(place, "1-go", "approve", "go on")
    view = resume(place)

    assert view.output == ["approved=True by=alice: go on", "ok None"]
    assert questions(place) == ["1"]


@pytest.mark.parametrize(
    ("made", "let_through"),
    [
        ([["deploy", "there"]], []),
        ([["wipe", "here"]], []),
        ([["deploy", "here"], ["deploy", "here"]], ["here"]),
        ([["deploy", "here"], ["deploy", "there"]], ["here"]),
    ],
    ids=["other arguments", "another task", "a second time", "then other arguments"],
)
def test_an_approval_covers_exactly_its_call_and_once(made: list[list[str]], let_through: list[str]) -> None:
    place = workspace()
    start(place, "asking_first", {"asked": [["deploy", "here"]], "made": made})

    answer(place, "1-go", "approve")
    view = resume(place)

    assert view.status == "waiting"
    assert performed(place) == let_through
    assert questions(place) == ["1", f"{len(let_through) + 2}!gate"]


def test_a_rejected_breakpoint_lets_nothing_through() -> None:
    place = workspace()
    start(place, "asking_first", {"asked": [["deploy", "here"]], "made": [["deploy", "here"]]})

    answer(place, "1-go", "reject")
    view = resume(place)

    assert view.status == "waiting"
    assert place.performed == []
    assert questions(place) == ["1", "2!gate"]


def test_an_approved_effect_needs_no_second_approval_for_its_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    place = workspace(clock=FakeClock(step_ns=10_000_000_000))
    start(place, "retrying_deploy", "here")
    outcomes = iter([ConnectionError("once"), "done"])

    def act(_attempt: object, _value: object) -> str:
        outcome: Any = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    place.script["deploy_again"] = act
    answer(place, "1-gate-deploy_again", "approve")
    view = resume(place)

    assert view.output == "ok done"
    assert questions(place) == ["1!gate"]


def test_an_approval_over_a_secret_covers_the_reference_and_the_task_gets_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    place = workspace()
    got = []
    place.script["publish"] = lambda _attempt, value: got.append(value["api_key"])
    start(place, "publishing", None)

    answer(place, of_type(place, ev.BreakpointRequested)[0].breakpoint_id, "approve")
    view = resume(place)

    assert view.output == "ok None"
    assert got == ["wonderful-secret-1"]
    assert len(questions(place)) == 1


def test_a_question_that_nobody_answers_in_time_is_a_no() -> None:
    place = workspace(clock=FakeClock())
    start(place, "asking", 3600.0)

    assert isinstance(place.clock, FakeClock)
    place.clock.advance(3601)
    view = resume(place)

    assert str(view.output).startswith("approved=False by=: ")
    assert "BREAKPOINT_EXPIRED" in place.types("r")
    assert verifies(place)


def test_an_answer_that_comes_late_is_refused_and_changes_nothing() -> None:
    place = workspace(clock=FakeClock())
    start(place, "asking", 3600.0)
    before = place.types("r")

    assert isinstance(place.clock, FakeClock)
    place.clock.advance(3601)
    with pytest.raises(RefusedError, match="expired"):
        answer(place, "1-go", "approve")

    assert place.types("r") == before


def test_deferring_leaves_the_question_open_and_an_approval_still_counts() -> None:
    place = workspace()
    start(place, "asking", None)

    answer(place, "1-go", "defer", "later")
    assert resume(place).status == "waiting"
    answer(place, "1-go", "approve")

    assert resume(place).output == "approved=True by=alice: "
    assert verifies(place)


def test_a_question_is_answered_once() -> None:
    place = workspace()
    start(place, "asking", None)
    answer(place, "1-go", "approve")

    with pytest.raises(NotFoundError, match="not open"):
        answer(place, "1-go", "reject")


def test_a_quorum_needs_as_many_people_and_not_as_many_answers() -> None:
    place = workspace()
    place.policy = Policy(asked=open_rule(id="two", quorum=2, people=("alice", "bob", "carol")))
    start(place, "asking", None)

    answer(place, "1-go", "approve", "one")
    answer(place, "1-go", "approve", "one again")
    assert resume(place).status == "waiting"
    with pytest.raises(PolicyDeniedError, match="mallory may not approve"):
        answer(place.seen_by("mallory"), "1-go", "approve", "let me")
    assert resume(place).status == "waiting"
    answer(place.seen_by("bob"), "1-go", "approve", "two")

    assert resume(place).output == "approved=True by=alice,bob: one again\ntwo"
    asked = of_type(place, ev.BreakpointRequested)[0]
    assert (asked.quorum, asked.eligible, asked.rule) == (2, ("alice", "bob", "carol"), "two")
    assert verifies(place)


def test_feedback_of_several_people_reaches_the_process_with_the_true_value_of_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answers while nobody drives, so each comment is read from the journal, where it is masked."""
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    place = workspace()
    place.policy = Policy(asked=open_rule(id="two", quorum=2, people=("*",)))
    start(place, "asking_with_key", None)

    answer(place, "1-go", "approve", "the key is wonderful-secret-1 they say")
    answer(place.seen_by("bob"), "1-go", "approve", "so it is")

    assert resume(place).output == "the key is ${secret:env:API_KEY} they say\nso it is", "what is shown"
    assert place.events("r")[-1].output == "the key is wonderful-secret-1 they say\nso it is"  # type: ignore[attr-defined]


def test_who_is_not_eligible_cannot_reject_either() -> None:
    place = workspace()
    place.policy = Policy(asked=open_rule(id="one", people=("bob",)))
    start(place, "asking", None)

    with pytest.raises(PolicyDeniedError, match="rule one does not name alice"):
        answer(place, "1-go", "reject", "no")

    assert resume(place).status == "waiting"
    assert of_type(place, ev.BreakpointResponded) == []


def test_a_decision_that_is_none_is_refused() -> None:
    place = workspace()
    start(place, "asking", None)

    with pytest.raises(Exception, match="is no decision"):
        Delivery(place).answer("r", "1-go", "maybe")
