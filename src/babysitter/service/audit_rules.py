"""Decides again what the driver decided, by the rules that were kept and the times that journal and log have.

1. a question was asked under the rules in force, and under the rule that decides about it;
2. each answer was allowed when it was given: signature, comment, window, freeze, delegation, time limit;
3. the answers add up to the release, and nobody's no was passed over;
4. what started might proceed then: enough people, in time, in a window, with the findings that it takes.

What docs/how-to/audit.sh looks at besides is in ``audit_answers``; all here only this verifier does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from babysitter.model import events as ev
from babysitter.model.rules import ANYBODY, POSTED_BY_PROGRAMS, Policy, Rule
from babysitter.policy.authorizer import Decider, rule_for
from babysitter.policy.decide import tally
from babysitter.policy.gate import Facts, Gate, Verdict, Vote
from babysitter.policy.people import Identities, delegation
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_policies import SLACK_NS, KeptRules
from babysitter.service.audit_questions import Answered, Asked

WITNESS_SLACK_NS = 300_000_000_000
"""A witness that saw an answer this soon confirms the time of its line; else the witness's counts."""
_ANSWERING = {why: why for why in ("author", "signature", "verified", "comment", "window", "expired")}
_PROCEEDING = {
    "rejected": "rejected",
    "late": "late",
    "closed": "window",
    "findings": "findings",
    "tests": "tests",
}
Wrong = tuple[str, str]
"""A finding: its code, and why."""


@dataclass(slots=True, kw_only=True)
class Decisions:
    """See the module. ``rule_of``: the rule of each question so far, by run and breakpoint."""

    rules: KeptRules
    findings: Findings
    rule_of: dict[tuple[str, str], str] = field(default_factory=dict)

    def question(self, asked: Asked) -> None:
        """Note when a question was not asked under the rules of its time, or under another rule of them."""
        self.rule_of[asked.created.run_id, asked.event.breakpoint_id] = asked.event.rule
        event, first = asked.event, asked.created.policy_sha256
        if event.policy_sha256 not in self.rules.in_force(asked.at_ns, first):
            self.findings.error(
                "question.policy",
                asked.where,
                f"the rules {event.policy_sha256[:12]}…, under which it was asked, were not in force",
            )
        policy = self.rules.named(event.policy_sha256)
        if policy is None:
            return
        # What the worker asks of itself is about an effect, of which its context need not tell everything.
        gate = question_gate(asked) if asked.effect is None else effect_gate(asked.created, asked.effect)
        own = rule_for(policy, gate)
        order = {rule.id: number for number, rule in enumerate(policy.rules)}
        if own is not None and (
            event.rule == policy.asked.id or order.get(event.rule, len(order)) > order.get(own.id, len(order))
        ):
            text = f"rule {own.id} decides about it, and not {event.rule}"
            self.findings.error("question.rule", asked.where, text)

    def answer(self, asked: Asked, answered: Answered, witnessed_ns: int | None) -> None:
        """Note why an answer was not allowed when it was given."""
        event, at_ns = answered.event, answered.at_ns
        if event.approver.startswith(RULE_NAMES):
            self._answer_by_rule(asked, answered)
            return
        if witnessed_ns is not None and abs(witnessed_ns - at_ns) > WITNESS_SLACK_NS:
            at_ns = witnessed_ns
        wrong = self._unless_allowed(
            asked.created,
            at_ns,
            lambda decider, now_ns: _why_no_answer(decider, asked, answered.vote(now_ns)),
        )
        if wrong is not None:
            code, why = wrong
            text = f"{event.approver} might not {event.decision} then: {why}"
            self.findings.error(f"answer.{code}", asked.where, text)

    def release(self, asked: Asked, released: ev.BreakpointReleased, at_ns: int) -> None:
        """Note why the answers did not add up to the release."""
        answers = [each.event for each in asked.answers]
        if released.break_glass or any(each.approver.startswith(RULE_NAMES) for each in answers):
            # One such answer is enough, and was judged when it was given.
            return
        found = tally(answers, quorum=asked.event.quorum, eligible=asked.event.eligible)
        # A yes whose key was revoked before the release is not among those that the driver counted.
        if found.state != "released" or not set(released.responded_by) <= set(found.by):
            code = "rejected" if found.state == "rejected" else "tally"
            text = (
                f"it was released, and its answers add up to {found.state}: {', '.join(found.by) or 'nobody'}"
            )
            self.findings.error(f"release.{code}", asked.where, text)
            return
        wrong = self._unless_allowed(
            asked.created, at_ns, lambda decider, now_ns: _why_not_counted(decider, asked, now_ns)
        )
        if wrong is not None:
            self.findings.error(f"release.{wrong[0]}", asked.where, f"it was released although {wrong[1]}")

    def start(
        self, created: ev.RunCreated, effect: ev.EffectRequested, asked: Asked | None, at_ns: int
    ) -> Wrong | None:
        """Return why an effect might not start at a time, with what was released or with nothing."""
        gate = effect_gate(created, effect)
        if asked is None:
            return self._why_guarded(created, gate, at_ns)
        wrong = self._unless_allowed(
            created, at_ns, lambda decider, now_ns: _why_not_proceeding(decider, gate, asked, now_ns)
        )
        return (f"start.{wrong[0]}", wrong[1]) if wrong is not None else None

    def _why_guarded(self, created: ev.RunCreated, gate: Gate, at_ns: int) -> Wrong | None:
        needed = None
        for digest in self.rules.in_force(at_ns, created.policy_sha256):
            rule = rule_for(self.rules.named(digest) or Policy(), gate)
            if rule is None:
                return None
            needed = needed or rule
        assert needed is not None, "some rules are always in force"
        return "gate", f"rule {needed.id} wants an approval"

    def _answer_by_rule(self, asked: Asked, answered: Answered) -> None:
        """How many approvals by people came before is other runs' history, and is not counted again."""
        event = asked.event

        def why_not(decider: Decider, _: int) -> Wrong | None:
            rule = decider.policy.rule_named(event.rule)
            is_posted = asked.created.process_id == POSTED_BY_PROGRAMS
            if rule is None or event.quorum > 1 or is_posted:
                return "auto", "no rule of the settings answers that"
            found = decider.auto_approval(
                event.breakpoint_id, event.tags, event.context, rule=rule, consecutive=lambda: 1 << 30
            )
            return None if found is not None else ("auto", "no rule of the settings answers that")

        wrong = self._unless_allowed(asked.created, answered.at_ns, why_not)
        if wrong is not None:
            text = f"{answered.event.approver} might not answer: {wrong[1]}"
            self.findings.error("answer.auto", asked.where, text)

    def _unless_allowed(
        self, created: ev.RunCreated, at_ns: int, why_not: Callable[[Decider, int], Wrong | None]
    ) -> Wrong | None:
        """Return why something was not allowed by any rules that were in force then or a moment before."""
        found = []
        for decider, now_ns in self._moments(created, at_ns):
            wrong = why_not(decider, now_ns)
            if wrong is None:
                return None
            found.append(wrong)
        return found[0] if found else ("policy", "the rules of then are not kept")

    def _moments(self, created: ev.RunCreated, at_ns: int) -> Iterator[tuple[Decider, int]]:
        for digest in self.rules.in_force(at_ns, created.policy_sha256):
            decider = self.rules.decider(digest)
            if decider is not None:
                yield decider, at_ns
                yield decider, at_ns - SLACK_NS


def effect_gate(created: ev.RunCreated, effect: ev.EffectRequested) -> Gate:
    """Return what an effect is."""
    return Gate(
        kind="effect",
        process_id=created.process_id,
        task_id=effect.task_id,
        environment=effect.environment,
        critical=effect.critical,
        tags=effect.labels,
    )


def question_gate(asked: Asked) -> Gate:
    """Return what a question is about, by its own context."""
    event = asked.event
    context = event.context if isinstance(event.context, dict) else {}
    environment, task = context.get("environment"), context.get("task")
    return Gate(
        kind="question",
        process_id=asked.created.process_id,
        task_id=task if isinstance(task, str) else None,
        environment=environment if isinstance(environment, str) else None,
        critical=context.get("critical") is True,
        tags=event.tags,
        breakpoint_id=event.breakpoint_id,
        context=context,
    )


def missing_places(policy: Policy, rule: Rule, asked: ev.BreakpointRequested, given: set[str]) -> set[str]:
    """Return the people without whose yes a question to ``all`` is not released; a delegate has their yes.

    Args:
        policy: the rules under which it was asked.
        rule: the one that it names.
        asked: the question.
        given: in whose places people said yes.
    """
    members = policy.members(rule.roles, rule.people)
    if "all" not in (rule.strategy, asked.strategy) or ANYBODY in (*members, *asked.eligible):
        return set()
    identities = Identities(policy)
    return {identities.person(name) for name in asked.eligible if name in members} - given


def _facts(asked: Asked, now_ns: int) -> Facts:
    return Facts(
        now_ns=now_ns,
        authors=asked.authors,
        findings=asked.event.findings,
        requested_at_ns=asked.at_ns,
        released_at_ns=asked.released_at_ns,
    )


def _why_no_answer(decider: Decider, asked: Asked, vote: Vote) -> Wrong | None:
    rule = decider.policy.rule_named(asked.event.rule)
    if rule is None:
        return "rule", f"the rules of then have no rule {asked.event.rule}"
    if vote.on_behalf_of is not None and delegation(rule, vote.on_behalf_of, vote.person, vote.at_ns) is None:
        return "delegation", f"{vote.on_behalf_of} had not delegated their seat for then"
    verdict = decider.may_answer(rule, question_gate(asked), vote, _facts(asked, vote.at_ns))
    return None if verdict.allowed else _wrong(rule, verdict, _ANSWERING, "rule")


def _why_not_counted(decider: Decider, asked: Asked, now_ns: int) -> Wrong | None:
    rule = decider.policy.rule_named(asked.event.rule)
    if rule is None:
        return "rule", f"the rules of then have no rule {asked.event.rule}"
    votes = [each.vote() for each in asked.answers]
    counted = decider.counted(rule, question_gate(asked), votes, _facts(asked, now_ns))
    needed = max(1, asked.event.quorum)
    if len(counted) < needed:
        return "quorum", f"{len(counted)} of its approvals count and {needed} are needed"
    return None


def _why_not_proceeding(decider: Decider, gate: Gate, asked: Asked, now_ns: int) -> Wrong | None:
    rule = rule_for(decider.policy, gate)
    if rule is None:
        return None
    if any(each.event.approver.startswith(RULE_NAMES) for each in asked.answers):
        return None if rule.signature is False else ("signature", f"rule {rule.id} wants people's signatures")
    quorum = asked.event.quorum if asked.event.rule == rule.id else 1
    votes = [each.vote() for each in asked.answers]
    verdict = decider.may_proceed(rule, gate, votes, _facts(asked, now_ns), quorum=quorum)
    if verdict.allowed:
        return None
    return _wrong(rule, verdict, _PROCEEDING, "quorum")


def _wrong(rule: Rule, verdict: Verdict, codes: dict[str, str], otherwise: str) -> Wrong:
    """Return the code of a no. A policy of the team's own has one for all of them."""
    why = "; ".join(verdict.reasons)
    for each in verdict.policies:
        rule_id, _, reason = each.partition(":")
        if rule_id == rule.id and reason in codes:
            return codes[reason], why
    return ("policy" if verdict.policies else otherwise), why
