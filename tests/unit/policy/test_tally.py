"""What the answers to a question add up to, by what the question itself says."""

import pytest

from babysitter.model.events import BreakpointResponded
from babysitter.policy.decide import tally

ALICE, BOB, CAROL = "alice", "bob", "carol"


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
