"""The answers' part of an audit: who answered, did they sign exactly this, might they, and in time?

1. the statement is of this run, this question, this place of this journal, these shown bytes, and was
   given once;
2. the signature is that person's by the signers in force then, at a witnessed time, with a key that
   somebody touched;
3. the rules that were in force when it was asked are kept under their digest, and let that person
   answer so: eligible, no author where the rule says so, signed where it says so, in time.

All of this docs/how-to/audit.sh looks at too; what it leaves out is in ``audit_rules``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import BabysitterError, SignatureError
from babysitter.model.rules import ANYBODY, Policy, Rule
from babysitter.model.statement import APPROVAL_NAMESPACE, parse_statement
from babysitter.model.values import sha256_hex
from babysitter.policy.gate import SIGNED_METHODS
from babysitter.policy.people import Identities
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_log import LogFacts
from babysitter.service.audit_policies import KeptRules
from babysitter.service.audit_questions import Answered, Asked
from babysitter.service.audit_rules import missing_places
from babysitter.service.audit_signers import KnownSigners
from babysitter.service.judging import differences, said_otherwise
from babysitter.signing.verify import Trust, verify_signature

_TAKEN_BACK = ("revoked", "unknown-signer", "wrong-principal")
"""Why a signature that counted once counts no more: its key is on the one list, or off the other."""


@dataclass(slots=True, kw_only=True)
class Answers:
    """Judges the answers of all runs of a folder. ``read``: gives a file of a run."""

    facts: LogFacts
    findings: Findings
    rules: KeptRules
    signers: KnownSigners
    read: Callable[[str, str], bytes]

    def check(self, asked: Asked, answered: Answered) -> None:
        """Note all that is wrong with an answer."""
        event, where = answered.event, asked.where
        if event.method in SIGNED_METHODS:
            try:
                self._check_signed(asked, answered)
            except SignatureError as error:
                reason = error.facts.get("reason", "signature")
                text = f"the answer of {event.approver} does not count: {error.message}"
                self.findings.error(f"signature.{reason}", where, text)
            except BabysitterError as error:
                self.findings.error("signature.unreadable", where, error.message)
        else:
            self.findings.cannot_show(
                f"The answer of {event.approver} to {where} is not signed ({event.method}): it is the word "
                "of whoever could write the journal."
            )
        self._check_time(asked, answered)
        why = self._why_not_allowed(asked, event)
        if why is not None:
            self.findings.error("answer.rule", where, f"{event.approver} might not {event.decision}: {why}")

    def _check_time(self, asked: Asked, answered: Answered) -> None:
        limit = asked.event.expires_at
        try:
            late = limit is not None and self.time_ns(answered) > parse_time(limit)
        except ValueError:
            self.findings.error("question.time", asked.where, f"its time limit can't be read: {limit}")
            return
        if late:
            text = f"{answered.event.approver} answered after {limit}"
            self.findings.error("answer.late", asked.where, text)

    def why_not_released(self, asked: Asked, released: ev.BreakpointReleased) -> str | None:
        """Return why the answers do not add up to the release that the journal has; None when they do."""
        found = self._rule_asked(asked.event)
        if found is None:
            return _not_kept(asked.event)
        policy, rule = found
        last = {answered.event.approver: answered.event for answered in asked.answers}
        approving = [last[name] for name in released.responded_by if name in last]
        if len(approving) != len(released.responded_by) or any(e.decision != "approve" for e in approving):
            return "somebody is named who did not approve"
        if rule.signature is not False and any(e.method not in SIGNED_METHODS for e in approving):
            return f"rule {rule.id} wants signatures"
        if any(event.break_glass for event in approving):
            return None
        identities = Identities(policy)
        people = {identities.person(event.on_behalf_of or event.approver) for event in approving}
        quorum = max(asked.event.quorum, rule.quorum)
        if len(people) < quorum:
            return f"{len(people)} people are fewer than {quorum}"
        missing = missing_places(policy, rule, asked.event, people)
        return f"it takes everybody, and {min(missing)} did not approve" if missing else None

    def standing(self, asked: Asked, at_ns: int) -> Asked:
        """Return a question with the answers that stood at a time: less the yeses of keys that no longer did.

        By the log's files, whatever the auditor brings: what the driver knew is what it had to go by.
        """
        in_force = self.rules.in_force(at_ns, asked.created.policy_sha256)
        trust = self.signers.then(at_ns, self.rules.named(in_force[0]))
        if trust is None:
            return asked
        answers = [each for each in asked.answers if not self._has_fallen(asked, each, trust)]
        return replace(asked, answers=answers)

    def _has_fallen(self, asked: Asked, answered: Answered, trust: Trust) -> bool:
        event, run_id = answered.event, asked.created.run_id
        if event.decision != "approve" or event.statement_ref is None or event.signature_ref is None:
            return False
        try:
            verify_signature(
                trust,
                message=self.read(run_id, event.statement_ref.path),
                armored=self.read(run_id, event.signature_ref.path),
                principal=event.approver,
                namespace=APPROVAL_NAMESPACE,
                at_ns=answered.at_ns,
            )
        except SignatureError as refused:
            # What was wrong with it from the beginning is told of where the answer itself is judged.
            return refused.facts.get("reason") in _TAKEN_BACK
        except BabysitterError:
            # What can't be read is told of where the answer itself is judged.
            return False
        return False

    def time_ns(self, answered: Answered) -> int:
        """Return when an answer was given at the latest: a witness's time, else that of its leaf or line."""
        index = answered.log_index
        return answered.at_ns if index is None else self.facts.time_ns(index)

    def witnessed_ns(self, answered: Answered) -> int | None:
        """Return when others saw an answer first; None when nobody did whom the auditor believes."""
        index = answered.log_index
        witnessed = self.facts.witnessed_s(index) if index is not None else None
        return witnessed * 1_000_000_000 if witnessed is not None else None

    def _check_signed(self, asked: Asked, answered: Answered) -> None:
        event, created = answered.event, asked.created
        if event.statement_ref is None or event.signature_ref is None:
            raise SignatureError("it names no statement and signature.", reason="missing")
        data = self.read(created.run_id, event.statement_ref.path)
        signature = self.read(created.run_id, event.signature_ref.path)
        statement = parse_statement(data)
        differs = differences(statement, created.run_id, asked.event, asked.place)
        differs += said_otherwise(statement, event, approver=event.approver)
        if sha256_hex(data) != event.statement_sha256:
            differs.append("digest")
        if differs:
            raise SignatureError(f"it was signed for another {differs[0]}.", reason="statement")
        if any(each.event.statement_sha256 == event.statement_sha256 for each in asked.answers):
            raise SignatureError("the same statement was given before.", reason="replayed")
        in_force = self.rules.in_force(answered.at_ns, created.policy_sha256)
        verified = verify_signature(
            self.signers.at_leaf(answered.log_index, self.rules.named(in_force[0])),
            message=data,
            armored=signature,
            principal=event.approver,
            namespace=APPROVAL_NAMESPACE,
            at_ns=self.time_ns(answered),
        )
        if verified.fingerprint != event.key_fingerprint or verified.user_verified != event.user_verified:
            raise SignatureError("the line says another key than signed.", reason="key")

    def _why_not_allowed(self, asked: Asked, event: ev.BreakpointResponded) -> str | None:
        found = self._rule_asked(asked.event)
        if found is None:
            return _not_kept(asked.event)
        policy, rule = found
        if event.approver.startswith(RULE_NAMES):
            ids = {each.id for each in policy.auto_approve if not each.never}
            known = event.approver.removeprefix(RULE_NAMES) in ids and rule.signature is False
            return None if known else "no rule of the settings answers in a person's place here"
        members = policy.breakers(rule) if event.break_glass else policy.members(rule.roles, rule.people)
        seat = event.on_behalf_of or event.approver
        if ANYBODY not in members and seat not in members:
            return f"rule {rule.id} does not name {seat}"
        if event.on_behalf_of is not None and not any(
            each.from_ == event.on_behalf_of and each.to == event.approver for each in rule.delegates
        ):
            return f"nobody delegated the seat of {event.on_behalf_of}"
        if (
            ANYBODY not in asked.event.eligible
            and event.approver not in asked.event.eligible
            and not event.break_glass
        ):
            return "the question was not put to them"
        is_author = Identities(policy).is_author(event.approver, asked.authors)
        approves = event.decision == "approve" and not event.break_glass
        if approves and is_author and not rule.author_may_approve:
            return "authors of the run may not approve it"
        return None

    def _rule_asked(self, asked: ev.BreakpointRequested) -> tuple[Policy, Rule] | None:
        """Return the rules under which a question was asked, and the one that it names."""
        policy = self.rules.named(asked.policy_sha256)
        rule = policy.rule_named(asked.rule) if policy is not None else None
        return (policy, rule) if policy is not None and rule is not None else None


def _not_kept(asked: ev.BreakpointRequested) -> str:
    return f"the rules of digest {asked.policy_sha256[:12]}… are not kept, or have no rule {asked.rule}"
