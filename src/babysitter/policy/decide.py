"""What the answers to a question add up to, by what the question itself says.

Pure, and without rules: a script that has only the journal comes to the same result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from babysitter.model.events import BreakpointResponded
from babysitter.model.rules import ANYBODY

Covered = tuple[str, str]
"""(task id, digest of the arguments)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the answers to a breakpoint add up to so far; ``by`` are the people whose answers count for it."""

    state: Literal["open", "released", "rejected"]
    by: tuple[str, ...] = ()
    feedback: str = ""


def tally(answers: Sequence[BreakpointResponded], *, quorum: int, eligible: Sequence[str]) -> Tally:
    """Return what the answers add up to.

    One rejection by an eligible person rejects. ``quorum`` distinct eligible people who approve release; a
    person's last answer is the one that counts. ``defer`` is neither. Answers of people who are not
    eligible count for nothing.
    """
    last: dict[str, BreakpointResponded] = {}
    for answer in answers:
        if ANYBODY in eligible or answer.approver in eligible:
            last[answer.approver] = answer
    for answer in last.values():
        if answer.decision == "reject":
            return Tally(state="rejected", by=(answer.approver,), feedback=answer.comment)
    approving = [answer for answer in last.values() if answer.decision == "approve"]
    # A quorum below one would release a question that nobody has answered.
    if len(approving) >= max(1, quorum):
        comments = [answer.comment for answer in approving if answer.comment]
        return Tally(
            state="released", by=tuple(answer.approver for answer in approving), feedback="\n".join(comments)
        )
    return Tally(state="open")
