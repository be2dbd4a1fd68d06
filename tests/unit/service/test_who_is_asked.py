"""Experts and strategies: a process narrows whom its rule asks, and never asks for less than that."""

from typing import Any, cast

import pytest

from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import PolicyDeniedError
from babysitter.model.rules import Delegate, When
from babysitter.testing.clocks import FakeClock
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import of_type, resume, start, verifies, workspace
from tests.unit.service.signing import ALICE, BOB, CAROL, EVE, rule, sign, trusting

pytestmark = pytest.mark.promise("G25")
QUESTION = "1-review"
DAY_NS = 86_400 * 1_000_000_000


def asking(
    clock: FakeClock | None = None, *, inputs: dict[str, Any] | None = None, **of_rule: Any
) -> FakeWorkspace:
    """Return a run that asks the managers, Alice and Bob, about what is tagged ``x``."""
    place = trusting(workspace(clock=clock), rule("reviewers", when=When(tags=("x",)), **of_rule))
    start(place, "asking_experts", {"tags": ["x"], **(inputs or {})})
    return place


def standing_in(
    clock: FakeClock, *, for_: str, to: str, since_days: int = 0, until_days: int = 9
) -> Delegate:
    """Return a delegation that begins and ends so many days from now."""
    since, until = (format_time(clock.now_ns() + days * DAY_NS) for days in (since_days, until_days))
    return Delegate(from_=for_, to=to, since=since, until=until)


def question(place: FakeWorkspace) -> ev.BreakpointRequested:
    (asked,) = of_type(place, ev.BreakpointRequested)
    return cast("ev.BreakpointRequested", asked)


def test_all_is_reached_where_a_delegate_answers_in_a_members_place() -> None:
    """The delegate stands in the question beside the two members, and has no seat of their own."""
    clock = FakeClock()
    place = asking(clock, strategy="all", delegates=(standing_in(clock, for_=ALICE, to=CAROL),))
    assert (question(place).eligible, question(place).quorum) == ((ALICE, BOB, CAROL), 2)

    sign(place, BOB, QUESTION)
    assert resume(place).status == "waiting"
    sign(place, CAROL, QUESTION, on_behalf_of=ALICE)

    assert resume(place).output == f"True {BOB},{CAROL} "
    assert verifies(place)


def test_all_is_not_reached_by_a_member_and_their_own_delegate() -> None:
    clock = FakeClock()
    place = asking(clock, strategy="all", delegates=(standing_in(clock, for_=ALICE, to=CAROL),))

    sign(place, ALICE, QUESTION)
    sign(place, CAROL, QUESTION, on_behalf_of=ALICE)

    assert resume(place).status == "waiting"


@pytest.mark.parametrize("strategy", ["single", "first", "quorum"])
def test_a_process_never_asks_for_fewer_than_its_rule(strategy: str) -> None:
    place = asking(inputs={"strategy": strategy}, strategy="all")

    sign(place, ALICE, QUESTION)

    assert question(place).quorum == 2
    assert resume(place).status == "waiting"


def test_experts_too_few_for_the_rule_leave_everybody_asked_whom_it_names() -> None:
    place = asking(inputs={"experts": [ALICE]}, quorum=2)

    assert (question(place).eligible, question(place).quorum) == ((ALICE, BOB), 2)


def test_all_of_the_experts_is_more_than_the_rule_asks_for() -> None:
    place = asking(inputs={"experts": [BOB, CAROL], "strategy": "all"}, roles=("managers", "oncall"))

    assert (question(place).eligible, question(place).quorum) == ((BOB, CAROL), 2)


def test_a_member_whom_the_experts_leave_out_may_not_answer() -> None:
    """The journal says whom the question was put to, and an auditor believes no other answer."""
    place = asking(inputs={"experts": [BOB]})

    with pytest.raises(PolicyDeniedError, match=f"the question was put to {BOB}"):
        sign(place, ALICE, QUESTION)

    sign(place, BOB, QUESTION)
    assert resume(place).output == f"True {BOB} "


def test_a_delegate_of_an_expert_is_asked_with_them_and_that_of_another_is_not() -> None:
    clock = FakeClock()
    delegates = (
        standing_in(clock, for_=ALICE, to=CAROL),
        standing_in(clock, for_=BOB, to=EVE),
    )
    place = asking(clock, inputs={"experts": [ALICE]}, delegates=delegates)

    assert question(place).eligible == (ALICE, CAROL)


def test_a_delegation_that_begins_later_counts_from_then_on() -> None:
    clock = FakeClock()
    place = asking(clock, delegates=(standing_in(clock, for_=ALICE, to=CAROL, since_days=2),))

    with pytest.raises(PolicyDeniedError, match="nobody has delegated"):
        sign(place, CAROL, QUESTION, on_behalf_of=ALICE)
    clock.advance(3 * 86_400)
    sign(place, CAROL, QUESTION, on_behalf_of=ALICE)

    assert resume(place).output == f"True {CAROL} "


def test_a_delegation_that_is_over_puts_nobody_into_the_question() -> None:
    clock = FakeClock()
    over = standing_in(clock, for_=ALICE, to=CAROL, since_days=-9, until_days=-2)

    assert CAROL not in question(asking(clock, delegates=(over,))).eligible
