"""Decisions as tables: what may start, which rule asks, and what answers add up to."""

import pytest

from babysitter.model.effects import TaskSpec
from babysitter.model.events import BreakpointResponded
from babysitter.model.values import Json
from babysitter.policy.decide import Allow, Decision, NeedApproval, decide, rule_for_question, tally
from babysitter.policy.rules import Policy, Rule

POLICY = Policy(guarded=Rule(id="guarded", quorum=2), asked=Rule(id="asked"))
ASK = NeedApproval(POLICY.guarded)
ALICE, BOB, CAROL = "alice", "bob", "carol"


def spec(**more: Json) -> TaskSpec:
    return TaskSpec(task_id="deploy", kind="python", source="x", qualname="deploy", **more)


def said(*answers: str) -> list[BreakpointResponded]:
    """Return answers written as ``alice approve comment``."""
    made = []
    for answer in answers:
        who, decision, *comment = answer.split(" ", 2)
        made.append(
            BreakpointResponded(
                breakpoint_id="1-go",
                approver=who,
                decision=decision,  # type: ignore[arg-type]
                comment="".join(comment),
                method="local",
            )
        )
    return made


@pytest.mark.promise("G02")
@pytest.mark.parametrize(
    ("task", "approved", "expected"),
    [
        (spec(), {}, Allow()),
        (spec(environment="staging"), {}, Allow()),
        (spec(environment="production"), {}, ASK),
        (spec(critical=True), {}, ASK),
        (spec(environment="staging", critical=True), {}, ASK),
        (spec(environment="production"), {("deploy", "a"): 1}, Allow()),
        (spec(environment="production"), {("deploy", "a"): 0}, ASK),
        (spec(environment="production"), {("deploy", "b"): 1}, ASK),
        (spec(environment="production"), {("wipe", "a"): 1}, ASK),
        (spec(critical=True), {("deploy", "b"): 1, ("wipe", "a"): 3}, ASK),
    ],
)
def test_an_effect_may_start_when_it_is_harmless_or_exactly_it_was_approved(
    task: TaskSpec, approved: dict[tuple[str, str], int], expected: Decision
) -> None:
    assert decide(POLICY, task, "a", approved) == expected


@pytest.mark.promise("G12")
@pytest.mark.parametrize(
    ("context", "guards", "rule"),
    [
        (None, False, "asked"),
        ({}, False, "asked"),
        ({"environment": "staging"}, False, "asked"),
        ({"environment": "production"}, False, "guarded"),
        ({"critical": True}, False, "guarded"),
        ({"critical": False}, False, "asked"),
        ("production", False, "asked"),
        (None, True, "guarded"),
        ({"environment": "staging"}, True, "guarded"),
    ],
)
def test_the_context_of_a_question_decides_which_rule_it_is_under(
    context: object, guards: bool, rule: str
) -> None:
    assert rule_for_question(POLICY, context, guards=guards).id == rule


@pytest.mark.parametrize(
    ("answers", "quorum", "eligible", "state", "by"),
    [
        ([], 1, ("*",), "open", ()),
        (["alice approve"], 1, ("*",), "released", (ALICE,)),
        (["alice approve"], 1, (ALICE,), "released", (ALICE,)),
        (["alice approve"], 1, (BOB,), "open", ()),
        (["alice approve"], 1, (), "open", ()),
        (["alice approve"], 2, ("*",), "open", ()),
        (["alice approve", "alice approve"], 2, ("*",), "open", ()),
        (["alice approve", "bob approve"], 2, ("*",), "released", (ALICE, BOB)),
        (["alice approve", "mallory approve"], 2, (ALICE, BOB), "open", ()),
        (["alice reject"], 1, ("*",), "rejected", (ALICE,)),
        (["alice approve", "bob reject"], 2, ("*",), "rejected", (BOB,)),
        (["mallory reject"], 1, (ALICE,), "open", ()),
        (["alice defer"], 1, ("*",), "open", ()),
        (["alice defer", "alice approve"], 1, ("*",), "released", (ALICE,)),
        (["alice approve", "alice defer"], 2, ("*",), "open", ()),
        (["alice approve", "alice defer", "bob approve"], 2, ("*",), "open", ()),
        (["alice reject", "alice approve"], 1, ("*",), "released", (ALICE,)),
        (["alice approve", "bob approve", "carol approve"], 2, ("*",), "released", (ALICE, BOB, CAROL)),
        ([], 0, ("*",), "open", ()),
        (["alice approve"], 0, ("*",), "released", (ALICE,)),
        (["alice defer"], -1, ("*",), "open", ()),
    ],
)
def test_answers_add_up(
    answers: list[str], quorum: int, eligible: tuple[str, ...], state: str, by: tuple[str, ...]
) -> None:
    result = tally(said(*answers), quorum=quorum, eligible=eligible)

    assert (result.state, result.by) == (state, by)


def test_comments_of_those_who_approve_are_the_feedback() -> None:
    answers = said("alice approve fine", "bob approve", "carol approve go on")

    assert tally(answers, quorum=3, eligible=("*",)).feedback == "fine\ngo on"


def test_the_comment_of_who_rejects_is_the_feedback() -> None:
    assert tally(said("alice approve fine", "bob reject no"), quorum=2, eligible=("*",)).feedback == "no"


def test_a_policys_digest_changes_with_whatever_it_says() -> None:
    policies = [
        Policy(),
        POLICY,
        Policy(guarded=Rule(id="guarded", quorum=3), asked=Rule(id="asked")),
        Policy(guarded=Rule(id="guarded", quorum=2, eligible=(BOB,)), asked=Rule(id="asked")),
    ]

    assert len({policy.digest() for policy in policies}) == len(policies)
    assert Policy().digest() == Policy().digest()
