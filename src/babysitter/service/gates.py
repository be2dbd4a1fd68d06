"""Decides for one run, by the rules in force right now: what may start, who may answer, what it adds up to.

The rules are asked for at every decision, not once a run: a role that is revoked
while a driver waits counts from then on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.effects import TaskSpec
from babysitter.model.errors import PolicyDeniedError
from babysitter.model.rules import ANYBODY, POSTED_BY_PROGRAMS, AutoApproval, Policy, Rule
from babysitter.policy.authorizer import Decider, rule_for
from babysitter.policy.decide import Tally, tally
from babysitter.policy.gate import Explanation, Facts, Gate, Verdict, Vote
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.pending import OpenBreakpoint, Release

LOOK_EVERY_S = 0.1


@dataclass(slots=True, kw_only=True)
class Gates:
    """See the module.

    authors: who started the run, and the owners that its code declares.
    no_longer: why a signed answer, given at a time, counts no more (its key was revoked); None: it does.
    moved: why the workspace is not what a question showed of it; empty when it is.
    """

    policy: Callable[[], Policy]
    process_id: str
    authors: frozenset[str]
    now_ns: Callable[[], int]
    monotonic_s: Callable[[], float]
    no_longer: Callable[[ev.BreakpointResponded, str], str | None]
    moved: Callable[[ev.BreakpointRequested], str]
    _looked_at_s: float = -1.0
    _decider: Decider | None = None
    _rules: dict[tuple[object, ...], Rule | None] = field(default_factory=dict)

    @property
    def decider(self) -> Decider:
        """What decides by the rules in force."""
        policy = self.policy()
        if self._decider is None or self._decider.policy is not policy:
            self._decider = Decider(policy)
            self._rules.clear()
        return self._decider

    def _recent(self) -> Decider:
        """Return what decides by rules that were looked up a tenth of a second ago at most."""
        now_s = self.monotonic_s()
        if self._decider is None or now_s - self._looked_at_s >= LOOK_EVERY_S:
            self._looked_at_s = now_s
            return self.decider
        return self._decider

    def rule_of_effect(self, spec: TaskSpec) -> Rule | None:
        """Return the rule that guards a task; None when it may start without anybody's yes."""
        decider = self._recent()
        key = (spec.task_id, spec.environment, spec.critical, spec.labels)
        if key not in self._rules:
            self._rules[key] = rule_for(decider.policy, self._gate_of_task(spec))
        return self._rules[key]

    def rule_of_question(self, command: cmd.RequestBreakpoint, breakpoint_id: str) -> Rule:
        """Return the rule for a question: the first, of its own context and of the calls it covers."""
        policy = self.decider.policy
        context = command.context if isinstance(command.context, dict) else {}
        own = rule_for(policy, self._gate(context, command.tags, breakpoint_id))
        found = [own, *(self.rule_of_effect(call.spec) for call in command.approves)]
        rules = [rule for rule in found if rule is not None]
        order = {rule.id: number for number, rule in enumerate(policy.rules)}
        return min(rules, key=lambda rule: order.get(rule.id, len(order)), default=policy.asked)

    def who(self, rule: Rule, experts: Sequence[str], strategy: str | None) -> tuple[tuple[str, ...], int]:
        """Return who may answer a question, and how many must approve, where its author named some.

        The author's choice only ever narrows: experts who have no place under the rule are left out, and
        where fewer remain than the rule needs, everybody whom the rule names is asked.
        """
        decider, now_ns = self.decider, self.now_ns()
        needed = decider.needed(rule, self.authors)
        chosen = decider.eligible(rule, self.authors, now_ns, among=experts or None)
        if ANYBODY not in chosen and decider.seats(rule, chosen) < needed:
            chosen = decider.eligible(rule, self.authors, now_ns)
        everybody = strategy == "all" and ANYBODY not in chosen
        return chosen, max(1, needed, decider.seats(rule, chosen) if everybody else 0)

    def auto_approval(
        self, asked: ev.BreakpointRequested, consecutive: Callable[[], int]
    ) -> AutoApproval | None:
        """Return the settings' rule that answers in a person's place; None when a person must.

        None answers what a program posted: it would choose the tags that let it answer itself.
        """
        rule = self.rule_named(asked.rule)
        if self.process_id == POSTED_BY_PROGRAMS or asked.quorum > 1 or rule.signature is not False:
            return None
        return self.decider.auto_approval(
            asked.breakpoint_id, asked.tags, asked.context, rule=rule, consecutive=consecutive
        )

    def rule_named(self, rule_id: str) -> Rule:
        """Return a rule by the id that a question names.

        Raises:
            PolicyDeniedError: the settings no longer have it, and what it asked for can't be known.
        """
        rule = self.decider.policy.rule_named(rule_id)
        if rule is not None:
            return rule
        raise PolicyDeniedError(
            f"the rule {rule_id}, under which this was asked, is no longer in the settings.",
            hint="Put it back into babysitter.toml, or cancel the run.",
        )

    def may_answer(self, asked: OpenBreakpoint, vote: Vote) -> Verdict:
        """Decide whether a person may give this answer now."""
        rule = self.rule_named(asked.requested.rule)
        return self.decider.may_answer(rule, self._gate_of(asked), vote, self._facts(asked))

    def takes_local(self, asked: OpenBreakpoint, person: str) -> bool:
        """Tell whether a person may answer at the terminal, without a key of theirs."""
        vote = Vote(person=person, method="local", comment="?", decision="approve", at_ns=self.now_ns())
        return self.may_answer(asked, vote).allowed

    def outcome(self, asked: OpenBreakpoint) -> tuple[Tally, bool]:
        """Return what the answers add up to, and whether it took breaking the glass.

        What stands in the question counts (so that a script without a policy engine comes to the same), and
        besides, each answer must still be allowed by the rules in force, and its key must still count.
        """
        asked, _ = self._standing(asked)
        requested, votes = asked.requested, votes_of(asked)
        rule = self.rule_named(requested.rule)
        gate, facts = self._gate_of(asked), self._facts(asked)
        for answer, vote in zip(asked.answers, votes, strict=True):
            by_rule = answer.method == "rule" and answer.approver.startswith(RULE_NAMES)
            broken = vote.break_glass and vote.decision == "approve"
            if by_rule or (broken and self.decider.may_answer(rule, gate, vote, facts).allowed):
                found = Tally(state="released", by=(answer.approver,), feedback=answer.comment)
                return found, broken
        found = tally(asked.answers, quorum=requested.quorum, eligible=requested.eligible)
        if found.state == "released":
            counted = self.decider.counted(rule, gate, votes, facts)
            if len(counted) < max(1, requested.quorum):
                return Tally(state="open"), False
        return found, False

    def may_start(self, rule: Rule, spec: TaskSpec, release: Release) -> Verdict:
        """Decide, at the moment of execution and by the rules of that moment, whether a release holds.

        It holds for the workspace as it was shown: what was approved is what runs.
        """
        verdict = self._holds(rule, spec, release)
        moved = self.moved(release.asked.requested) if verdict.allowed else ""
        return Verdict(allowed=False, reasons=(moved,)) if moved else verdict

    def _holds(self, rule: Rule, spec: TaskSpec, release: Release) -> Verdict:
        if any(answer.approver.startswith(RULE_NAMES) for answer in release.asked.answers):
            return Verdict(allowed=rule.signature is False, reasons=("the rule wants a person's signature",))
        asked, fallen = self._standing(release.asked)
        facts = self._facts(asked, released_at=release.released_at)
        quorum = asked.requested.quorum if asked.requested.rule == rule.id else 1
        gate = self._gate_of_task(spec)
        verdict = self.decider.may_proceed(rule, gate, votes_of(asked), facts, quorum=quorum)
        return verdict if verdict.allowed else replace(verdict, reasons=(*fallen, *verdict.reasons))

    def _standing(self, asked: OpenBreakpoint) -> tuple[OpenBreakpoint, tuple[str, ...]]:
        """Return the question with the answers that stand, and why the others fell.

        Only an approval falls: its key was revoked, or the question was never put to that person. A
        rejection stands, whatever became of its key.
        """
        answers, times, fallen = [], [], []
        for answer, at in zip(asked.answers, asked.answered_at, strict=True):
            why = None
            if answer.decision == "approve" and not answer.approver.startswith(RULE_NAMES):
                named = was_asked(asked.requested, answer.approver) or answer.break_glass
                why = self.no_longer(answer, at) if named else f"{answer.approver} was not asked"
            if why is None:
                answers.append(answer)
                times.append(at)
            else:
                fallen.append(why)
        return replace(asked, answers=answers, answered_at=times), tuple(fallen)

    def explain(self, asked: OpenBreakpoint, viewer: str) -> Explanation:
        """Say which rule decides about a question, and what is missing."""
        rule = self.rule_named(asked.requested.rule)
        asked, fallen = self._standing(asked)
        found = self.decider.explain(
            rule,
            self._gate_of(asked),
            votes_of(asked),
            self._facts(asked),
            viewer=viewer,
            quorum=asked.requested.quorum,
        )
        return structs.replace(found, notes=(*found.notes, *fallen))

    def _facts(self, asked: OpenBreakpoint, released_at: str | None = None) -> Facts:
        return Facts(
            now_ns=self.now_ns(),
            authors=self.authors,
            findings=asked.requested.findings,
            requested_at_ns=parse_time(asked.asked_at),
            released_at_ns=parse_time(released_at) if released_at is not None else None,
        )

    def _gate_of(self, asked: OpenBreakpoint) -> Gate:
        requested = asked.requested
        context = requested.context if isinstance(requested.context, dict) else {}
        return self._gate(context, requested.tags, requested.breakpoint_id)

    def _gate(self, context: dict[str, Any], tags: Sequence[str], breakpoint_id: str) -> Gate:
        environment, task = context.get("environment"), context.get("task")
        return Gate(
            kind="question",
            process_id=self.process_id,
            task_id=task if isinstance(task, str) else None,
            environment=environment if isinstance(environment, str) else None,
            critical=context.get("critical") is True,
            tags=tuple(tags),
            breakpoint_id=breakpoint_id,
            context=context,
        )

    def _gate_of_task(self, spec: TaskSpec) -> Gate:
        return Gate(
            kind="effect",
            process_id=self.process_id,
            task_id=spec.task_id,
            environment=spec.environment,
            critical=spec.critical,
            tags=spec.labels,
        )


def was_asked(requested: ev.BreakpointRequested, person: str) -> bool:
    """Tell whether a question was put to somebody: they stand in it, or it was put to whoever can answer."""
    return ANYBODY in requested.eligible or person in requested.eligible


def votes_of(asked: OpenBreakpoint) -> tuple[Vote, ...]:
    """Return a question's answers as the rules see them."""
    return tuple(
        Vote(
            person=answer.approver,
            method=answer.method,
            user_verified=answer.user_verified,
            comment=answer.comment,
            on_behalf_of=answer.on_behalf_of,
            break_glass=answer.break_glass,
            decision=answer.decision,
            at_ns=parse_time(at),
        )
        for answer, at in zip(asked.answers, asked.answered_at, strict=True)
    )
