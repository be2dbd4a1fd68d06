"""Cases that a policy is held against: who said what about which gate, and what must come of it.

    [[case]]
    name = "one of two is not enough"
    gate = { task = "deploy", process = "release", environment = "production" }
    authors = ["alice"]
    votes = [{ person = "bob@example.com" }]
    now = "2026-03-02T10:00:00Z"
    expect = "deny"
    because = "needs 1 more"

Reference: docs/reference/approvals.md.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from babysitter.model.clock import parse_time
from babysitter.model.errors import SettingsError
from babysitter.model.rules import Policy, RuleTable
from babysitter.policy.authorizer import Decider, rule_for
from babysitter.policy.gate import Facts, Gate, Method, Verdict, Vote


class CaseGate(RuleTable, frozen=True, kw_only=True):
    """``gate``: what is about to happen."""

    task: str | None = None
    process: str = ""
    environment: str | None = None
    critical: bool = False
    tags: tuple[str, ...] = ()


class CaseVote(RuleTable, frozen=True, kw_only=True):
    """``votes``: an answer; signed with a key unless it says otherwise, given ``now`` unless it says when."""

    person: str
    decision: Literal["approve", "reject", "defer"] = "approve"
    method: Method = "ssh"
    user_verified: bool = False
    comment: str = ""
    on_behalf_of: str | None = None
    break_glass: bool = False
    at: str = ""


class Case(RuleTable, frozen=True, kw_only=True):
    """``[[case]]``.

    because: stands in a reason of a denial. requested_at, released_at: when it was asked, and approved.
    """

    name: str
    gate: CaseGate = CaseGate()
    votes: tuple[CaseVote, ...] = ()
    authors: tuple[str, ...] = ()
    findings: dict[str, Any] | None = None
    now: str
    requested_at: str | None = None
    released_at: str | None = None
    expect: Literal["allow", "deny"]
    because: str = ""


class CaseFile(RuleTable, frozen=True, kw_only=True):
    """The whole file."""

    case: tuple[Case, ...] = ()


class CaseResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of a case. ``rule``: which one decided; ``passed``: as expected, and for that reason."""

    name: str
    passed: bool
    expected: str
    got: str
    rule: str | None
    reasons: tuple[str, ...]


def parse_cases(raw: dict[str, Any], *, file: str) -> tuple[Case, ...]:
    """Return the cases of a TOML file's content.

    Raises:
        SettingsError: a key or value is none of ours, or there is no case: a check that can't fail.
    """
    try:
        cases = msgspec.convert(raw, CaseFile).case
        for case in cases:
            for text in (case.now, case.requested_at, case.released_at, *(vote.at for vote in case.votes)):
                if text:
                    parse_time(text)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(
            f"{file}: {error}.", hint="See docs/reference/approvals.md, policy check."
        ) from None
    if not cases:
        raise SettingsError(f"{file} has no [[case]].", hint="Write one; see docs/reference/approvals.md.")
    return cases


def run_case(policy: Policy, case: Case) -> CaseResult:
    """Return what the rules make of a case."""
    gate = Gate(
        kind="effect",
        process_id=case.gate.process,
        task_id=case.gate.task,
        environment=case.gate.environment,
        critical=case.gate.critical,
        tags=case.gate.tags,
    )
    rule = rule_for(policy, gate)
    verdict = Verdict(allowed=True, reasons=())
    if rule is not None:
        now_ns = parse_time(case.now)
        facts = Facts(
            now_ns=now_ns,
            authors=frozenset(case.authors),
            findings=case.findings,
            requested_at_ns=parse_time(case.requested_at) if case.requested_at else None,
            released_at_ns=parse_time(case.released_at) if case.released_at else None,
        )
        votes = tuple(_vote(vote, now_ns) for vote in case.votes)
        verdict = Decider(policy).may_proceed(rule, gate, votes, facts)
    got = "allow" if verdict.allowed else "deny"
    told = not case.because or any(case.because in reason for reason in verdict.reasons)
    return CaseResult(
        name=case.name,
        passed=got == case.expect and told,
        expected=case.expect,
        got=got,
        rule=rule.id if rule is not None else None,
        reasons=verdict.reasons,
    )


def _vote(vote: CaseVote, now_ns: int) -> Vote:
    return Vote(
        person=vote.person,
        method=vote.method,
        user_verified=vote.user_verified,
        comment=vote.comment,
        on_behalf_of=vote.on_behalf_of,
        break_glass=vote.break_glass,
        decision=vote.decision,
        at_ns=parse_time(vote.at) if vote.at else now_ns,
    )
