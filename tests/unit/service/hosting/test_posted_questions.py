"""Questions that programs post: what becomes of one that nobody answers or drives."""

from pathlib import Path

import pytest

from babysitter.access.roles import Role
from babysitter.model.errors import RefusedError
from babysitter.service.hosting.hosting import Hosting
from babysitter.service.hosting.posted_questions import Feedback, PostedQuestion, PostedQuestions
from babysitter.service.hosting.visit import Visit
from babysitter.service.runs import RunService
from babysitter.testing.clocks import FakeClock
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.server.served import HERE, caller, hosted_fake

pytestmark = [pytest.mark.promise("G14")]
SECONDS = 3600


@pytest.fixture
def place() -> FakeWorkspace:
    return FakeWorkspace(Path(__file__).parent.parent)


def visitor(place: FakeWorkspace, role: Role) -> PostedQuestions:
    home = hosted_fake(HERE, place)
    return PostedQuestions(Visit(hosting=Hosting(home=home, all={HERE: home}), caller=caller(role)))


def posted(place: FakeWorkspace, **payload: object) -> str:
    question = PostedQuestion(agent_id="codex", payload={**payload}, ttl_seconds=SECONDS)
    return visitor(place, "agent").post(question).breakpoint_id


def test_nobodys_answer_in_time_means_no_and_never_released(place: FakeWorkspace) -> None:
    run_id = posted(place, question="Ship it?")
    RunService(place).drive(run_id)
    assert visitor(place, "agent").status(run_id).status == "waiting"

    assert isinstance(place.clock, FakeClock)
    place.clock.advance(SECONDS + 1)
    ended = RunService(place).drive(run_id)

    assert visitor(place, "agent").status(run_id).status == "expired"
    assert isinstance(ended.output, dict)
    assert ended.output["approved"] is False


def test_a_question_that_was_not_put_yet_can_not_be_answered(place: FakeWorkspace) -> None:
    run_id = posted(place, question="Ship it?")

    with pytest.raises(RefusedError, match="not put to people yet"):
        visitor(place, "approver").say(run_id, Feedback(comment="fine", release=True))

    assert visitor(place, "agent").show(run_id).status == "waiting"


@pytest.mark.parametrize(
    ("payload", "asked"),
    [
        ({"question": "Ship it?", "summary": "other"}, "Ship it?"),
        ({"summary": "check this"}, "check this"),
        ({}, "codex asks for an answer."),
    ],
)
def test_what_is_asked_is_what_the_payload_says(
    place: FakeWorkspace, payload: dict[str, object], asked: str
) -> None:
    run_id = posted(place, **payload)

    [view] = RunService(place).drive(run_id).breakpoints

    assert view.question == asked


def test_rules_meet_what_the_program_says_of_the_environment(place: FakeWorkspace) -> None:
    run_id = posted(place, question="?", context={"environment": "production", "critical": "yes"})

    [view] = RunService(place).drive(run_id).breakpoints

    assert isinstance(view.context, dict)
    assert view.context["environment"] == "production"
    assert "critical" not in view.context
