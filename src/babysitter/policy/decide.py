"""Decisions: may this effect start, and what do these answers add up to.

Pure: the same facts give the same decision. What is not known to be allowed is not allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from babysitter.model.effects import TaskSpec
from babysitter.model.events import BreakpointResponded
from babysitter.policy.rules import ANYBODY, Policy, Rule, is_guarded

Covered = tuple[str, str]
"""(task id, digest of the arguments)."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The effect may start."""


@dataclass(frozen=True, slots=True)
class NeedApproval:
    """The effect may start once people have agreed to exactly these arguments under ``rule``."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Deny:
    """The effect may not start."""

    rule: str
    reason: str


Decision = Allow | NeedApproval | Deny
ALLOW = Allow()


def decide(policy: Policy, spec: TaskSpec, args_sha256: str, approved: Mapping[Covered, int]) -> Decision:
    """Return whether an effect may start now.

    Args:
        policy: the rules in force.
        spec: the task.
        args_sha256: digest of its masked arguments.
        approved: approvals that were released and not used yet, by task and arguments.
    """
    if not is_guarded(spec):
        return ALLOW
    if approved.get((spec.task_id, args_sha256), 0) > 0:
        return ALLOW
    return NeedApproval(policy.guarded)


def rule_for_question(policy: Policy, context: object, *, guards: bool) -> Rule:
    """Return the rule for a question: the guarded one where production or critical is at stake."""
    if guards:
        return policy.guarded
    if isinstance(context, dict) and (
        context.get("environment") == "production" or context.get("critical") is True
    ):
        return policy.guarded
    return policy.asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the answers to a breakpoint add up to so far; ``by`` are the people whose answers count for it."""

    state: Literal["open", "released", "rejected"]
    by: tuple[str, ...] = ()
    feedback: str = ""


def tally(answers: Sequence[BreakpointResponded], *, quorum: int, eligible: Sequence[str]) -> Tally:
    """Return what the answers add up to.

    One rejection by an eligible person rejects. ``quorum`` distinct eligible people who approve release; a
    person's
    last answer is the one that counts. ``defer`` is neither. Answers of people who are not eligible count
    for nothing.
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
