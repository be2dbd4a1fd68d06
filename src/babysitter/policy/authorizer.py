"""Decides by a workspace's rules: which rule, who may answer, whose answers count, whether it may go on.

Cedar decides about one person and one act; it can't count. So each answer is a
decision of its own, distinct people are counted here, and then ``proceed`` is
decided, again at the moment of execution, by the rules of that moment.

Invariants, each with a test in tests/unit/policy:
    - fewer distinct people than the quorum never proceed;
    - an answer more, or a role less, never turns no into yes unless it is that person's own approval;
    - what can't be evaluated, and what is missing, is a no.
"""

from collections.abc import Callable, Sequence
from typing import Any

from babysitter.model.clock import parse_time
from babysitter.model.rules import ANYBODY, AutoApproval, Policy, Rule, matches_glob
from babysitter.policy.cedar import Cedar, Ruling, sentences
from babysitter.policy.gate import Explanation, Facts, Gate, Verdict, Vote
from babysitter.policy.people import Identities, delegation
from babysitter.policy.requirements import findings_hold, missing_findings, tests_hold
from babysitter.policy.windows import freeze_at, is_open

_SECOND_NS = 1_000_000_000
_ACTIONS = {"approve": "approve", "reject": "reject", "defer": "reject"}
"""The act that each decision is. Who may reject may also defer."""


def rule_for(policy: Policy, gate: Gate) -> Rule | None:
    """Return the rule that decides about a gate, the first in the file's order; None: nobody is needed."""
    for rule in policy.rules:
        if _is_about(rule, gate):
            return rule
    if gate.critical or gate.environment == "production":
        return policy.guarded
    return None


def _is_about(rule: Rule, gate: Gate) -> bool:
    when = rule.when
    return (
        (not when.environments or gate.environment in when.environments)
        and (when.critical is None or when.critical == gate.critical)
        and (not when.tags or bool(set(when.tags) & set(gate.tags)))
        and (not when.task or (gate.task_id is not None and matches_glob(gate.task_id, when.task)))
        and (not when.process or matches_glob(gate.process_id, when.process))
    )


class Decider:
    """Decides by one version of the rules. Compiled when it is first asked."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._identities = Identities(policy)
        self._compiled: Cedar | None = None

    @property
    def _cedar(self) -> Cedar:
        if self._compiled is None:
            self._compiled = Cedar(self.policy)
        return self._compiled

    def compile(self) -> None:
        """Compile the rules now, which says what is wrong with them.

        Raises:
            SettingsError: a Cedar policy of the team's own does not fit the schema.
        """
        self._cedar  # noqa: B018 (compiled when it is first asked for)

    def eligible(
        self, rule: Rule, authors: frozenset[str], now_ns: int, *, among: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """Return who can approve: members, their delegates now or later, no author where the rule says so.

        Args:
            rule: the rule in force.
            authors: of the run.
            now_ns: delegations that have ended by then are left out.
            among: only these, and whoever stands in for one of these; None: all.
        """
        seated = self.seated(rule, authors)
        if ANYBODY in seated:
            return seated if among is None else tuple(dict.fromkeys(among))
        chosen = tuple(name for name in seated if among is None or name in among)
        standing_in = (
            each.to
            for each in rule.delegates
            if (each.from_ in chosen or (each.from_ in seated and each.to in (among or ())))
            and not self._identities.is_author(each.to, authors)
            and now_ns < parse_time(each.until)
        )
        return tuple(dict.fromkeys((*chosen, *standing_in)))

    def seats(self, rule: Rule, people: Sequence[str]) -> int:
        """Return how many approvals these people could give between them: each seat and each person once."""
        who = self._identities.person
        of = {who(each.from_) for each in rule.delegates if each.to in people}
        own = {who(name) for name in people} - {who(each.to) for each in rule.delegates}
        return min(len(own | of), len({who(name) for name in people}))

    def seated(self, rule: Rule, authors: frozenset[str]) -> tuple[str, ...]:
        """Return who has a seat of their own under a rule; a delegate has only another's."""
        members = self.policy.members(rule.roles, rule.people)
        if ANYBODY in members:
            return (ANYBODY,)
        return tuple(
            name
            for name in members
            if rule.author_may_approve or not self._identities.is_author(name, authors)
        )

    def needed(self, rule: Rule, authors: frozenset[str]) -> int:
        """Return how many approvals a rule wants: its quorum, or one of each seat with strategy ``all``."""
        seated = self.seated(rule, authors)
        if rule.strategy != "all" or ANYBODY in seated:
            return rule.quorum
        return max(rule.quorum, len({self._identities.person(name) for name in seated}))

    def may_answer(self, rule: Rule, gate: Gate, vote: Vote, facts: Facts) -> Verdict:
        """Decide whether a person may give this answer, at the time it is given."""
        if vote.decision not in _ACTIONS:
            return Verdict(allowed=False, reasons=(f"{vote.decision!r} is no decision",))
        if vote.on_behalf_of is not None and not self._stands_in(rule, vote):
            why = f"nobody has delegated {vote.on_behalf_of}'s seat to {vote.person} for now"
            return Verdict(allowed=False, reasons=(why,))
        if vote.on_behalf_of is not None and self._identities.is_author(vote.person, facts.authors):
            return Verdict(allowed=False, reasons=("a seat is never delegated to an author of the run",))
        broken = vote.break_glass and vote.decision == "approve"
        action = "breakGlass" if broken else _ACTIONS[vote.decision]
        ruling = self._cedar.ask(vote.person, action, gate, rule, self._about_answer(rule, vote, facts))
        return self._verdict(ruling, rule, vote, action)

    def _verdict(self, ruling: Ruling, rule: Rule, vote: Vote, action: str) -> Verdict:
        if ruling.allowed:
            return Verdict(allowed=True, reasons=(), policies=ruling.policies)
        reasons = sentences(ruling)
        if not reasons:
            who = "may break its glass" if action == "breakGlass" else "may answer"
            reasons = (f"rule {rule.id} does not name {vote.person} among those who {who}",)
        return Verdict(allowed=False, reasons=reasons, policies=ruling.policies)

    def counted(self, rule: Rule, gate: Gate, votes: Sequence[Vote], facts: Facts) -> tuple[Vote, ...]:
        """Return the approvals that count: the last answer of each person, allowed now, each seat once.

        Rules and roles are those of now; windows and delegations are held against the time of the answer.
        """
        taken: set[str] = set()
        found = []
        # A delegate has no seat of their own (policy/rules.py), so the order of answers costs nobody theirs.
        for person, vote in self._last(votes).items():
            seats = {person, self._identities.person(vote.on_behalf_of or vote.person)}
            if vote.decision != "approve" or vote.break_glass or seats & taken:
                continue
            if self.may_answer(rule, gate, vote, facts).allowed:
                taken |= seats
                found.append(vote)
        return tuple(found)

    def may_proceed(
        self, rule: Rule, gate: Gate, votes: Sequence[Vote], facts: Facts, *, quorum: int | None = None
    ) -> Verdict:
        """Decide whether what the votes are about may go on, now.

        A rejection that stands stops it, whoever gave it and whatever has become of their role since.

        Args:
            rule: the rule in force.
            gate: what is about to happen.
            votes: all answers.
            facts: of now.
            quorum: what the question asked for, where that is more than the rule does.
        """
        counted = self.counted(rule, gate, votes, facts)
        needed = max(self.needed(rule, facts.authors), quorum or 1)
        last = self._last(votes).values()
        broken = any(
            vote.break_glass
            and vote.decision == "approve"
            and self.may_answer(rule, gate, vote, facts).allowed
            for vote in last
        )
        context = {
            **self._about_proceeding(rule, facts),
            "approvals": len(counted),
            "quorum": needed,
            "rejected": any(vote.decision == "reject" for vote in last),
            "broken": broken,
        }
        ruling = self._cedar.ask(_someone(facts), "proceed", gate, rule, context)
        if ruling.allowed:
            return Verdict(allowed=True, reasons=(), policies=ruling.policies)
        lacking = needed - len(counted)
        missing = () if broken or lacking <= 0 else (self._still_needed(rule, lacking),)
        reasons = (*missing, *sentences(ruling)) or ("no policy permits it",)
        return Verdict(allowed=False, reasons=reasons, policies=ruling.policies)

    def auto_approval(
        self,
        breakpoint_id: str,
        tags: Sequence[str],
        context: Any,  # noqa: ANN401 (JSON)
        *,
        rule: Rule,
        consecutive: Callable[[], int],
    ) -> AutoApproval | None:
        """Return the rule of the settings that answers in a person's place; None when a person must.

        Never under a rule that wants a signature, or under ``default-guarded``, which is there so that
        somebody looks; and never where any rule says ``never``.
        """
        known = context if isinstance(context, dict) else {}
        about = [
            each
            for each in self.policy.auto_approve
            if matches_glob(breakpoint_id, each.breakpoint)
            and set(each.tags) <= set(tags)
            and all(key in known and known[key] == value for key, value in each.context.items())
        ]
        for_people = rule.signature is not False or rule.id == self.policy.guarded.id
        if for_people or any(each.never for each in about):
            return None
        for each in about:
            if each.after == 0 or consecutive() >= each.after:
                return each
        return None

    def explain(
        self, rule: Rule, gate: Gate, votes: Sequence[Vote], facts: Facts, *, viewer: str, quorum: int = 1
    ) -> Explanation:
        """Say which rule decides about a gate, who may answer, and what is still missing."""
        counted = self.counted(rule, gate, votes, facts)
        verdict = self.may_proceed(rule, gate, votes, facts, quorum=quorum)
        notes = []
        if self._identities.is_author(viewer, facts.authors):
            may = "may" if rule.author_may_approve else "may not"
            notes.append(
                f"you are an author of this run: you started it or own its code; you {may} approve it"
            )
        if (freeze := freeze_at(rule, facts.now_ns)) is not None:
            notes.append(
                f"frozen until {freeze.to} ({freeze.tz}){': ' + freeze.reason if freeze.reason else ''}"
            )
        return Explanation(
            rule=rule.id,
            conditions=conditions(rule),
            eligible=self.eligible(rule, facts.authors, facts.now_ns),
            quorum=max(self.needed(rule, facts.authors), quorum),
            counted=tuple(vote.person for vote in counted),
            allowed=verdict.allowed,
            missing=(*verdict.reasons, *missing_findings(rule, facts.findings)),
            notes=tuple(notes),
        )

    def _last(self, votes: Sequence[Vote]) -> dict[str, Vote]:
        """Return each person's last answer."""
        return {self._identities.person(vote.person): vote for vote in votes}

    def _stands_in(self, rule: Rule, vote: Vote) -> bool:
        members = self.policy.members(rule.roles, rule.people)
        return (
            vote.on_behalf_of in members
            and delegation(rule, vote.on_behalf_of, vote.person, vote.at_ns) is not None
        )

    def _still_needed(self, rule: Rule, count: int) -> str:
        who = " or ".join((*rule.roles, *rule.people)).replace(ANYBODY, "anybody")
        return f"needs {count} more of {who}"

    def _about_answer(self, rule: Rule, vote: Vote, facts: Facts) -> dict[str, Any]:
        behalf_is_author = vote.on_behalf_of is not None and self._identities.is_author(
            vote.on_behalf_of, facts.authors
        )
        limit_s = rule.approval_expires_s
        return {
            "expired": limit_s is not None
            and facts.requested_at_ns is not None
            and vote.at_ns - facts.requested_at_ns >= limit_s * _SECOND_NS,
            "signed": vote.signed,
            "userVerified": vote.user_verified,
            "hasComment": bool(vote.comment.strip()),
            "isAuthor": behalf_is_author or self._identities.is_author(vote.person, facts.authors),
            "delegated": vote.on_behalf_of is not None,
            "method": vote.method,
            "inWindow": is_open(rule, vote.at_ns),
            "frozen": freeze_at(rule, vote.at_ns) is not None,
            "now": vote.at_ns // _SECOND_NS,
        }

    def _about_proceeding(self, rule: Rule, facts: Facts) -> dict[str, Any]:
        limit_s = rule.execution_expires_s
        in_time = (
            limit_s is None
            or facts.released_at_ns is None
            or facts.now_ns - facts.released_at_ns <= limit_s * _SECOND_NS
        )
        return {
            "inTime": in_time,
            "inWindow": is_open(rule, facts.now_ns),
            "frozen": freeze_at(rule, facts.now_ns) is not None,
            "findingsHold": findings_hold(rule, facts.findings),
            "testsHold": tests_hold(rule, facts.findings),
            "now": facts.now_ns // _SECOND_NS,
        }


def conditions(rule: Rule) -> tuple[str, ...]:
    """Return what a rule asks for, in sentences."""
    when = rule.when
    about = [
        f"environment is {' or '.join(when.environments)}" if when.environments else "",
        f"critical is {str(when.critical).lower()}" if when.critical is not None else "",
        f"a tag is {' or '.join(when.tags)}" if when.tags else "",
        f"the task is {when.task}" if when.task else "",
        f"the process is {when.process}" if when.process else "",
    ]
    wants = [
        f"{rule.quorum} of {', '.join((*rule.roles, *rule.people)).replace(ANYBODY, 'anybody')}",
        "" if rule.author_may_approve else "no author of the run",
        {True: "signed by the person's key", "verified": "signed with PIN or fingerprint"}.get(
            rule.signature, ""
        ),
        "with a comment" if rule.comment else "",
        f"answered within {rule.approval_expires}" if rule.approval_expires else "",
        f"executed within {rule.execution_expires}" if rule.execution_expires else "",
        *(f"on {','.join(each.days)} {each.from_} to {each.to} {each.tz}" for each in rule.windows),
        *(f"at most {count} {severity} findings" for severity, count in rule.findings.items()),
        f"with tests of {', '.join(rule.security_tests)}" if rule.security_tests else "",
    ]
    return tuple(text for text in (*(f"when {each}" for each in about if each), *wants) if text)


def _someone(facts: Facts) -> str:
    """Return the person on whose behalf a run proceeds: one of its authors."""
    return min(facts.authors, default="nobody")
