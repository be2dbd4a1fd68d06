"""Who might sign, when: the audit's side of the files of signers, and what was signed about the log itself.

1. an answer is held against the auditor's own files, else against those that the log says were in force;
2. a change of the files had the signatures that the rules of then asked for, by keys of the files before;
3. every emergency was reviewed before the next one, by a reviewer who signed that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from babysitter.log.leaves import Approval, BreakGlassReviewed, SignersChanged
from babysitter.model.errors import BabysitterError, SignatureError
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.rules import Policy
from babysitter.model.values import sha256_hex
from babysitter.policy.people import Identities
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.audit_log import LogFacts
from babysitter.service.audit_policies import SLACK_NS, KeptRules
from babysitter.service.policing import REVIEW_NAMESPACE, REVIEW_TYPE
from babysitter.service.signers_in_force import SIGNERS_NAMESPACE, change_text, trust_of
from babysitter.signing.verify import Trust, verify_signature

_Key = tuple[str, str | None, frozenset[str], Literal["passkeys", "always"]]


@dataclass(slots=True, kw_only=True)
class KnownSigners:
    """See the module."""

    folder: AuditFolder
    facts: LogFacts
    findings: Findings
    rules: KeptRules
    _trusts: dict[_Key, Trust] = field(default_factory=dict)

    def at_leaf(self, index: int | None, policy: Policy | None) -> Trust:
        """Return who might sign when a leaf was written, or now; by the auditor's files, else by the log's.

        Args:
            index: of the leaf; None: what the newest says.
            policy: the rules of then, which say where passkeys may be used and what they must ask for.

        Raises:
            SignatureError: nobody knows.
            SignersError: the files can't be used.
        """
        said = policy.signing if policy is not None else SigningTable()
        brought = self.folder.origins()
        origins = brought if brought is not None else frozenset(said.origins)
        own = self.folder.signers()
        if own is not None:
            return self._trust(("own", None, origins, said.user_verification), own)
        self.findings.cannot_show(
            "Who may sign is the operator's own word: bring allowed_signers from elsewhere."
        )
        end = index if index is not None else len(self.facts.leaves)
        known = [leaf for at, leaf in self.facts.signers if at < end]
        if not known:
            raise SignatureError("the log does not say who could sign then.", reason="unknown-signer")
        return self._of_leaf(known[-1], origins, said)

    def check_changes(self) -> None:
        """Note each change of the files that had not the signatures which the rules of then wanted."""
        before: SignersChanged | None = None
        for index, leaf in self.facts.signers:
            policy = self.rules.at_leaf(index)
            changes = policy.signing.changes if policy is not None else None
            if before is not None and policy is not None and changes is not None:
                people = policy.members(changes.roles, changes.people)
                agreed = self._agreed(index, leaf, before, policy) & set(people)
                if len(agreed) < changes.quorum:
                    text = (
                        f"{len(agreed)} of those named in the rules signed this change, not {changes.quorum}"
                    )
                    self.findings.error("signers.unsigned", f"log line {index + 1}", text)
            before = leaf

    def check_emergencies(self, rule_of: Mapping[tuple[str, str], str]) -> None:
        """Note each emergency that came before an earlier one was reviewed, and each review that is none.

        ``rule_of``: the rule of each question that is known, by run and breakpoint.
        """
        waiting: dict[tuple[str, str], Approval] = {}
        for index, leaf in self.facts.emergencies:
            where, about = f"log line {index + 1}", (leaf.run_id, leaf.breakpoint_id)
            if isinstance(leaf, BreakGlassReviewed):
                why = self._why_no_review(index, leaf, waiting.get(about), rule_of.get(about))
                if why is None:
                    del waiting[about]
                else:
                    self.findings.error(
                        "break-glass.review", where, f"it is no review of {'/'.join(about)}: {why}"
                    )
                continue
            if any(each != about for each in waiting):
                first = "/".join(next(each for each in waiting if each != about))
                text = f"the glass of {'/'.join(about)} was broken before {first} had been reviewed"
                self.findings.error("break-glass.unreviewed", where, text)
            waiting.setdefault(about, leaf)
        for run_id, breakpoint_id in waiting:
            self.findings.cannot_show(f"Nobody has reviewed the emergency of {run_id}/{breakpoint_id} yet.")

    def _agreed(self, index: int, leaf: SignersChanged, before: SignersChanged, policy: Policy) -> set[str]:
        """Return who signed a change with a key of the files before it."""
        found: set[str] = set()
        try:
            text = change_text(*self._files(leaf.signers_sha256, leaf.revoked_sha256))
            old = self._of_leaf(before, frozenset(policy.signing.origins), policy.signing)
        except BabysitterError as error:
            self.findings.error("signature.signers", f"log line {index + 1}", error.message)
            return found
        for each in leaf.signed_by:
            try:
                verify_signature(
                    old,
                    message=text,
                    armored=self._kept(each.signature_sha256),
                    principal=each.approver,
                    namespace=SIGNERS_NAMESPACE,
                    at_ns=self.facts.time_ns(index),
                )
            except BabysitterError:
                # One that does not hold is as good as none; the quorum says whether that is enough.
                continue
            found.add(each.approver)
        return found

    def _why_no_review(
        self, index: int, leaf: BreakGlassReviewed, broken: Approval | None, rule_id: str | None
    ) -> str | None:
        if broken is None:
            return "nobody broke the glass there"
        policy = self.rules.at_leaf(index)
        if policy is None or leaf.reviewer not in _reviewers(policy, rule_id):
            return f"the rules of then do not name {leaf.reviewer} as a reviewer"
        opened = self.facts.runs[leaf.run_id].opened
        authors = {broken.approver, *((opened.requested_by, *opened.authors) if opened is not None else ())}
        if Identities(policy).is_author(leaf.reviewer, authors):
            return f"{leaf.reviewer} broke the glass or is an author of the run"
        try:
            self._check_review(index, leaf, broken, policy)
        except BabysitterError as error:
            return error.message
        return None

    def _check_review(self, index: int, leaf: BreakGlassReviewed, broken: Approval, policy: Policy) -> None:
        data = self.folder.kept("reviews", f"{leaf.statement_sha256}.json")
        signature = self.folder.kept("reviews", f"{leaf.statement_sha256}.json.sig")
        if (sha256_hex(data), sha256_hex(signature)) != (leaf.statement_sha256, leaf.signature_sha256):
            raise SignatureError("its file is not what the log says.", reason="statement")
        stated = {
            "type": REVIEW_TYPE,
            "runId": leaf.run_id,
            "breakpointId": leaf.breakpoint_id,
            "approvalSha256": broken.statement_sha256,
            "brokenBy": broken.approver,
            "reviewer": leaf.reviewer,
        }
        try:
            said = json.loads(data)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or any(said.get(name) != value for name, value in stated.items()):
            raise SignatureError("it was signed about something else.", reason="statement")
        verify_signature(
            self.at_leaf(index, policy),
            message=data,
            armored=signature,
            principal=leaf.reviewer,
            namespace=REVIEW_NAMESPACE,
            at_ns=self.facts.time_ns(index),
        )

    def _of_leaf(self, leaf: SignersChanged, origins: frozenset[str], said: SigningTable) -> Trust:
        key = (leaf.signers_sha256, leaf.revoked_sha256, origins, said.user_verification)
        if key in self._trusts:
            return self._trusts[key]
        return self._trust(key, self._files(leaf.signers_sha256, leaf.revoked_sha256))

    def _trust(self, key: _Key, files: tuple[bytes, bytes]) -> Trust:
        if key not in self._trusts:
            settings = SigningTable(origins=tuple(key[2]), user_verification=key[3])
            self._trusts[key] = trust_of(settings, *files)
        return self._trusts[key]

    def then(self, at_ns: int, policy: Policy | None) -> Trust | None:
        """Return whom the driver had to believe at a time, by the log's files; None: nobody knows.

        A moment before is as good, since a change is told of just after it was seen.
        """
        known = [leaf for index, leaf in self.facts.signers if self.facts.times_ns[index] <= at_ns - SLACK_NS]
        said = policy.signing if policy is not None else SigningTable()
        try:
            return self._of_leaf(known[-1], frozenset(said.origins), said) if known else None
        except BabysitterError:
            # What is wrong with the files themselves is told of elsewhere.
            return None

    def _files(self, signers: str, revoked: str | None) -> tuple[bytes, bytes]:
        return self._kept(signers), self._kept(revoked) if revoked is not None else b""

    def _kept(self, digest: str) -> bytes:
        data = self.folder.kept("signers", digest)
        if sha256_hex(data) != digest:
            raise SignatureError(f"log/signers/{digest} is not what its name says.", reason="signers")
        return data


def _reviewers(policy: Policy, rule_id: str | None) -> set[str]:
    """Return who reviews emergencies of a rule, or of any, where the run that would name it is not here."""
    return {
        name
        for rule in policy.rules
        if rule_id is None or rule.id == rule_id
        for name in policy.reviewers(rule)
    }
