"""The answers' part of an audit: who answered, did they sign exactly this, might they, and in time?

1. the statement is of this run, this question, this place of this journal, these shown bytes, and was
   given once;
2. the signature is that person's by the signers in force then, at a witnessed time, with a key that
   somebody touched;
3. the rules that were in force when it was asked are kept under their digest, and let that person
   answer so: eligible, no author where the rule says so, signed where it says so, in time.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import msgspec

from babysitter.log.leaves import PolicyChanged, SignersChanged
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import BabysitterError, NotFoundError, SignatureError
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.rules import ANYBODY, Policy, Rule
from babysitter.model.statement import APPROVAL_NAMESPACE, JournalPlace, parse_statement
from babysitter.model.values import sha256_hex
from babysitter.policy.authorizer import rule_for
from babysitter.policy.gate import SIGNED_METHODS, Gate
from babysitter.policy.people import Identities
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.audit_log import LogFacts
from babysitter.service.judging import differences, said_otherwise
from babysitter.service.signers_in_force import trust_of
from babysitter.signing.verify import Trust, verify_signature

_MADE_FOR_SCRIPTS = ("may", "breakers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer of the journal. ``log_index``: of its leaf; None when the log has none."""

    event: ev.BreakpointResponded
    recorded_at: str
    log_index: int | None


@dataclass(slots=True, kw_only=True)
class Answers:
    """Judges the answers of all runs of a folder. ``read``: gives a file of a run."""

    folder: AuditFolder
    facts: LogFacts
    findings: Findings
    read: Callable[[str, str], bytes]
    _policies: dict[str, Policy | None] = field(default_factory=dict)
    _rules: dict[tuple[object, ...], str | None] = field(default_factory=dict)
    _changes: list[tuple[str, str | None]] = field(default_factory=list)
    _trusts: dict[tuple[str, str | None], Trust] = field(default_factory=dict)

    def check(
        self,
        created: ev.RunCreated,
        asked: ev.BreakpointRequested,
        place: JournalPlace,
        answered: Answered,
        earlier: Sequence[Answered],
    ) -> None:
        """Note all that is wrong with an answer."""
        event, where = answered.event, f"{created.run_id}/{asked.breakpoint_id}"
        if event.method in SIGNED_METHODS:
            try:
                self._check_signed(created, asked, place, answered, earlier)
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
        late = asked.expires_at is not None and self._time_ns(answered) > parse_time(asked.expires_at)
        if late:
            self.findings.error("answer.late", where, f"{event.approver} answered after {asked.expires_at}")
        why = self._why_not_allowed(created, asked, event)
        if why is not None:
            self.findings.error("answer.rule", where, f"{event.approver} might not {event.decision}: {why}")

    def why_not_released(
        self,
        asked: ev.BreakpointRequested,
        answers: Sequence[Answered],
        released: ev.BreakpointReleased,
    ) -> str | None:
        """Return why the answers do not add up to the release that the journal has; None when they do."""
        found = self._rule_asked(asked)
        if found is None:
            return _not_kept(asked)
        policy, rule = found
        last = {answered.event.approver: answered.event for answered in answers}
        approving = [last[name] for name in released.responded_by if name in last]
        if len(approving) != len(released.responded_by) or any(e.decision != "approve" for e in approving):
            return "somebody is named who did not approve"
        if rule.signature is not False and any(e.method not in SIGNED_METHODS for e in approving):
            return f"rule {rule.id} wants signatures"
        broken = any(event.break_glass for event in approving)
        identities = Identities(policy)
        people = {identities.person(event.on_behalf_of or event.approver) for event in approving}
        quorum = max(asked.quorum, rule.quorum)
        if not broken and len(people) < quorum:
            return f"{len(people)} people are fewer than {quorum}"
        return None

    def rule_of_effect(self, created: ev.RunCreated, requested: ev.EffectRequested, at: str) -> str | None:
        """Return the id of the rule that guarded an effect at a time; None when nobody was needed."""
        digest = self._policy_at(at) or created.policy_sha256
        about = (requested.task_id, requested.environment, requested.critical, requested.labels)
        key = (digest, created.process_id, *about)
        if key not in self._rules:
            self._rules[key] = self._rule_of(self._policy(digest) or Policy(), created.process_id, requested)
        return self._rules[key]

    def _rule_of(self, policy: Policy, process_id: str, requested: ev.EffectRequested) -> str | None:
        gate = Gate(
            kind="effect",
            process_id=process_id,
            task_id=requested.task_id,
            environment=requested.environment,
            critical=requested.critical,
            tags=requested.labels,
        )
        rule = rule_for(policy, gate)
        return rule.id if rule is not None else None

    def _check_signed(
        self,
        created: ev.RunCreated,
        asked: ev.BreakpointRequested,
        place: JournalPlace,
        answered: Answered,
        earlier: Sequence[Answered],
    ) -> None:
        event = answered.event
        if event.statement_ref is None or event.signature_ref is None:
            raise SignatureError("it names no statement and signature.", reason="missing")
        data = self.read(created.run_id, event.statement_ref.path)
        signature = self.read(created.run_id, event.signature_ref.path)
        statement = parse_statement(data)
        differs = differences(statement, created.run_id, asked, place)
        differs += said_otherwise(statement, event, approver=event.approver)
        if sha256_hex(data) != event.statement_sha256:
            differs.append("digest")
        if differs:
            raise SignatureError(f"it was signed for another {differs[0]}.", reason="statement")
        if any(each.event.statement_sha256 == event.statement_sha256 for each in earlier):
            raise SignatureError("the same statement was given before.", reason="replayed")
        verified = verify_signature(
            self._trust_at(answered),
            message=data,
            armored=signature,
            principal=event.approver,
            namespace=APPROVAL_NAMESPACE,
            at_ns=self._time_ns(answered),
        )
        if verified.fingerprint != event.key_fingerprint or verified.user_verified != event.user_verified:
            raise SignatureError("the line says another key than signed.", reason="key")

    def _why_not_allowed(
        self, created: ev.RunCreated, asked: ev.BreakpointRequested, event: ev.BreakpointResponded
    ) -> str | None:
        found = self._rule_asked(asked)
        if found is None:
            return _not_kept(asked)
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
            return f"nobody delegated the place of {event.on_behalf_of}"
        if ANYBODY not in asked.eligible and event.approver not in asked.eligible and not event.break_glass:
            return "the question was not put to them"
        authors = {created.requested_by, *created.authors}
        is_author = Identities(policy).is_author(event.approver, authors)
        approves = event.decision == "approve" and not event.break_glass
        if approves and is_author and not rule.author_may_approve:
            return "authors of the run may not approve it"
        return None

    def _time_ns(self, answered: Answered) -> int:
        if answered.log_index is None:
            return parse_time(answered.recorded_at)
        return self.facts.time_ns(answered.log_index)

    def _policy_at(self, at: str) -> str | None:
        """Return the digest of the rules that were in force at a time, by the log's own times."""
        if not self._changes:
            both = zip(self.facts.times, self.facts.leaves, strict=True)
            changes = [(time, leaf.policy_sha256) for time, leaf in both if isinstance(leaf, PolicyChanged)]
            self._changes = [("", None), *changes]
        return self._changes[bisect_right(self._changes, at, key=itemgetter(0)) - 1][1]

    def _rule_asked(self, asked: ev.BreakpointRequested) -> tuple[Policy, Rule] | None:
        """Return the rules under which a question was asked, and the one that it names."""
        policy = self._policy(asked.policy_sha256)
        rule = policy.rule_named(asked.rule) if policy is not None else None
        return (policy, rule) if policy is not None and rule is not None else None

    def _policy(self, digest: str) -> Policy | None:
        if digest not in self._policies:
            self._policies[digest] = self._read_policy(digest)
        return self._policies[digest]

    def _read_policy(self, digest: str) -> Policy | None:
        if digest == Policy().digest():
            return Policy()
        try:
            data = self.folder.kept("policies", f"{digest}.json")
        except NotFoundError:
            return None
        if sha256_hex(data) != digest:
            self.findings.error(
                "policy.digest", f"log/policies/{digest}.json", "it is not what its name says"
            )
            return None
        try:
            return policy_from(msgspec.json.decode(data))
        except (msgspec.DecodeError, msgspec.ValidationError, TypeError, KeyError) as error:
            self.findings.error("policy.form", f"log/policies/{digest}.json", f"it holds no rules: {error}")
            return None

    def _trust_at(self, answered: Answered) -> Trust:
        """Return who might sign when the answer came: by the auditor's files, else by the log's."""
        own = self.folder.signers()
        key: tuple[str, str | None] = ("own", None)
        if own is None:
            self.findings.cannot_show(
                "Who may sign is the operator's own word: bring allowed_signers from elsewhere."
            )
            end = answered.log_index if answered.log_index is not None else len(self.facts.leaves)
            known = [leaf for leaf in self.facts.leaves[:end] if isinstance(leaf, SignersChanged)]
            if not known:
                raise SignatureError("the log does not say who could sign then.", reason="unknown-signer")
            key = (known[-1].signers_sha256, known[-1].revoked_sha256)
        if key not in self._trusts:
            signers, revoked = own if own is not None else self._kept_signers(key)
            settings = SigningTable(origins=tuple(self.folder.origins() or self._origins()))
            self._trusts[key] = trust_of(settings, signers, revoked)
        return self._trusts[key]

    def _kept_signers(self, key: tuple[str, str | None]) -> tuple[bytes, bytes]:
        files = []
        for digest in key:
            data = self.folder.kept("signers", digest) if digest is not None else b""
            if digest is not None and sha256_hex(data) != digest:
                raise SignatureError(f"log/signers/{digest} is not what its name says.", reason="signers")
            files.append(data)
        return files[0], files[1]

    def _origins(self) -> tuple[str, ...]:
        """Return the origins of passkeys that the newest rules name."""
        known = [leaf.policy_sha256 for leaf in self.facts.leaves if isinstance(leaf, PolicyChanged)]
        policy = self._policy(known[-1]) if known else None
        return policy.signing.origins if policy is not None else ()


def _not_kept(asked: ev.BreakpointRequested) -> str:
    return f"the rules of digest {asked.policy_sha256[:12]}… are not kept, or have no rule {asked.rule}"


def policy_from(document: Any) -> Policy:  # noqa: ANN401 (JSON)
    """Return the rules of their kept document."""
    whole = dict(document)
    whole["rules"] = [_as_written(rule) for rule in whole["rules"]]
    whole["guarded"], whole["asked"] = _as_written(whole["guarded"]), _as_written(whole["asked"])
    return msgspec.convert(whole, Policy)


def _as_written(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key not in _MADE_FOR_SCRIPTS}
