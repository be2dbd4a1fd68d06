"""The rules that an audit decides by: those that the log keeps, by digest, and when they were in force.

What was kept is believed to be rules only when the settings could have held it: it is read
and checked as a whole, and whatever is wrong with it is a finding.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import msgspec
from msgspec import structs

from babysitter.model.errors import BabysitterError, SettingsError
from babysitter.model.rules import Policy
from babysitter.model.values import sha256_hex
from babysitter.policy.authorizer import Decider
from babysitter.policy.rules import make_policy
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.audit_log import LogFacts

SLACK_NS = 2_000_000_000
"""A decision is journaled a moment after it was made; what held at any time in between will do."""
_MADE_FOR_SCRIPTS = ("may", "breakers")
_BUILT_IN = ("guarded", "asked")


@dataclass(slots=True, kw_only=True)
class KeptRules:
    """The rules of a folder, by digest and by time."""

    folder: AuditFolder
    facts: LogFacts
    findings: Findings
    _policies: dict[str, Policy | None] = field(default_factory=dict)
    _deciders: dict[str, Decider | None] = field(default_factory=dict)
    _begins_ns: list[int] | None = None

    def named(self, digest: str) -> Policy | None:
        """Return the rules of a digest; None where they are not kept, or are none."""
        if digest not in self._policies:
            self._policies[digest] = self._read(digest)
        return self._policies[digest]

    def decider(self, digest: str) -> Decider | None:
        """Return what decides by the rules of a digest; None as above."""
        if digest not in self._deciders:
            policy = self.named(digest)
            self._deciders[digest] = Decider(policy) if policy is not None else None
        return self._deciders[digest]

    def in_force(self, at_ns: int, first: str) -> Sequence[str]:
        """Return the digests of the rules in force at a time or just before, the newest first.

        Args:
            at_ns: by the journal's own clock, as the log's leaves are.
            first: what holds where the log does not say.
        """
        if self._begins_ns is None:
            # A clock may have gone back; what is in force only ever goes on.
            times = (self.facts.times_ns[index] for index, _ in self.facts.policies)
            self._begins_ns = list(accumulate(times, max))
        newest = bisect_right(self._begins_ns, at_ns)
        oldest = bisect_right(self._begins_ns, at_ns - SLACK_NS)
        told = [leaf.policy_sha256 for _, leaf in self.facts.policies[max(oldest - 1, 0) : newest]]
        return (*reversed(told), first) if oldest == 0 else told[::-1]

    def at_leaf(self, index: int) -> Policy | None:
        """Return the rules that the log says were in force when a leaf of it was written; None: not known."""
        before = [leaf.policy_sha256 for at, leaf in self.facts.policies if at < index]
        return self.named(before[-1]) if before else None

    def _read(self, digest: str) -> Policy | None:
        if digest == Policy().digest():
            return Policy()
        where = f"log/policies/{digest}.json"
        try:
            data = self.folder.kept("policies", f"{digest}.json")
        except BabysitterError as error:
            self.findings.error("policy.missing", where, error.message)
            return None
        if sha256_hex(data) != digest:
            self.findings.error("policy.digest", where, "it is not what its name says")
            return None
        try:
            return policy_from_bytes(data)
        except SettingsError as error:
            self.findings.error("policy.form", where, f"it holds no rules: {error.message}")
            return None


def policy_from_bytes(data: bytes) -> Policy:
    """Return the rules of their kept document.

    Raises:
        SettingsError: it is none that the settings could have held.
    """
    try:
        return policy_from(msgspec.json.decode(data))
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        # Of whatever form and depth the document is: what does not read as rules is none.
        raise SettingsError(str(error)[:300], hint="Look at who wrote it.") from None


def policy_from(document: Any) -> Policy:  # noqa: ANN401 (JSON)
    """Return the rules of their kept document, read.

    Raises:
        SettingsError, ValueError, TypeError, LookupError, OverflowError, RecursionError: it is none that the
            settings could have held.
    """
    whole = {**document, "rules": [_as_written(rule) for rule in document["rules"]]}
    whole |= {name: _as_written(document[name]) for name in _BUILT_IN}
    said = msgspec.convert(whole, Policy)
    checked = make_policy(
        rules=said.rules,
        roles=said.roles,
        people=said.people,
        auto_approve=said.auto_approve,
        cedar=said.cedar,
        signing=said.signing,
    )
    policy = structs.replace(checked, guarded=said.guarded, asked=said.asked)
    _check_lists(policy, document)
    if policy.cedar:
        Decider(policy).compile()
    return policy


def _as_written(rule: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {key: value for key, value in {**rule}.items() if key not in _MADE_FOR_SCRIPTS}


def _check_lists(policy: Policy, document: Any) -> None:  # noqa: ANN401 (JSON)
    """Refuse a document whose lists of people, which scripts go by, are not those of its rules."""
    told = [*document["rules"], *(document[name] for name in _BUILT_IN)]
    for rule, written in zip((*policy.rules, policy.guarded, policy.asked), told, strict=True):
        members = policy.members(rule.roles, rule.people)
        if written["may"] != list(members) or written["breakers"] != list(policy.breakers(rule)):
            raise ValueError(f"it lists other people for rule {rule.id} than the rule names")
