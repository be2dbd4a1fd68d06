"""The rules as Cedar policies, always with their schema.

Without a schema Cedar skips a policy that fails while it is evaluated. A ``forbid``
over an attribute that is missing is then no obstacle, and the answer is Allow. With
the schema such a policy is refused before it is ever asked; and should one fail all
the same, the answer here is no.

Each policy has an ``@id`` of the form ``rule:why``, from which a sentence is made.

The team's own policies can only forbid. A permit of theirs would let through what the
journal, which names who may answer and how many must, could not explain to an auditor.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from babysitter.model.errors import SettingsError
from babysitter.model.rules import ANYBODY, Policy, Rule
from babysitter.policy.gate import Gate

SCHEMA = """
entity Role;
entity Person in [Role];
entity Gate = {
    rule: String, critical: Bool, tags: Set<String>, process: String, environment?: String, task?: String,
};
type Answering = {
    signed: Bool, userVerified: Bool, hasComment: Bool, isAuthor: Bool, delegated: Bool, method: String,
    inWindow: Bool, frozen: Bool, expired: Bool, now: Long,
};
type Proceeding = {
    approvals: Long, quorum: Long, rejected: Bool, broken: Bool, inTime: Bool, inWindow: Bool, frozen: Bool,
    findingsHold: Bool, testsHold: Bool, now: Long,
};
action approve, reject, breakGlass appliesTo { principal: Person, resource: Gate, context: Answering };
action proceed appliesTo { principal: Person, resource: Gate, context: Proceeding };
"""

ACTIONS = ("approve", "reject", "breakGlass", "proceed")
_WHY = {
    "author": "authors of the run may not approve it",
    "signature": "the rule wants a signature by the person's own key",
    "verified": "the rule wants a key that asked for a PIN or fingerprint",
    "comment": "the rule wants a comment",
    "window": "it is outside of the rule's windows, or in a freeze",
    "expired": "the question was no longer open",
    "rejected": "somebody rejected it",
    "late": "it was approved too long ago",
    "closed": "it is outside of the rule's windows, or in a freeze",
    "findings": "the findings are worse than the rule allows, or there was no scan",
    "tests": "security tests that the rule wants are missing",
}


class Ruling(NamedTuple):
    """Cedar's answer. ``policies``: the ids of those that made it; ``errors``: why it can't be trusted."""

    allowed: bool
    policies: tuple[str, ...]
    errors: tuple[str, ...]


class Cedar:
    """A workspace's rules, compiled. Asking it takes some tens of microseconds."""

    def __init__(self, policy: Policy) -> None:
        """Compile and validate.

        Raises:
            SettingsError: a policy of the team's own is not right against the schema, or does not forbid.
        """
        import cedarpy  # noqa: PLC0415 (40 ms to import; a run without rules of its own needs none of it)

        self._cedarpy = cedarpy
        self._schema = cedarpy.Schema.from_str(SCHEMA)
        for path, text in policy.cedar.items():
            _check_own(cedarpy, path, text)
        self._own = "\n".join(policy.cedar.values())
        rules = policy.every_rule
        text = "\n".join(
            [*(part for rule in rules for action in ACTIONS for part in compiled(rule, action)), self._own]
        )
        checked = cedarpy.validate_policies(text, self._schema)
        if not checked.validation_passed:
            raise _unfit(policy.cedar, "; ".join(str(error) for error in checked.errors))
        # The same question has the same answer: answers of people are looked at again with each that comes.
        self._ruling = lru_cache(maxsize=1024)(self._decided)
        # Cedar looks at every policy it is given, so it is given those of one rule and one act.
        self._policies = lru_cache(maxsize=256)(self._policies_of)
        self._rules = {rule.id: rule for rule in rules}
        people = {name for names in policy.roles.values() for name in names}
        self._people = [
            _entity("Person", name, parents=[role for role, names in policy.roles.items() if name in names])
            for name in sorted(people)
        ]
        self._roles = [_entity("Role", role) for role in policy.roles]
        self._entities = lru_cache(maxsize=256)(self._entities_with)

    def ask(self, person: str, action: str, gate: Gate, rule: Rule, context: dict[str, Any]) -> Ruling:
        """Return whether Cedar lets the person do that at the gate; anything that goes wrong is a no."""
        facts = (rule.id, gate.critical, gate.tags, gate.process_id, gate.environment, gate.task_id)
        # 1 and True are one key of a dictionary and two values of Cedar.
        about = tuple((name, type(value), value) for name, value in context.items())
        return self._ruling(person, action, facts, about)

    def _decided(self, person: str, action: str, facts: tuple[Any, ...], about: tuple[Any, ...]) -> Ruling:
        rule_id = facts[0]
        request = {
            "principal": {"type": "Person", "id": person},
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Gate", "id": rule_id},
            "context": {name: value for name, _, value in about},
        }
        try:
            found = self._cedarpy.is_authorized(
                request, self._policies(rule_id, action), self._entities(*facts), self._schema
            )
        except (ValueError, TypeError) as error:
            return Ruling(allowed=False, policies=(), errors=(str(error),))
        errors = tuple(found.diagnostics.errors)
        named = found.diagnostics.id_annotations_by_reason
        ids = tuple(str(named.get(reason) or reason) for reason in found.diagnostics.reasons)
        return Ruling(allowed=found.allowed and not errors, policies=ids, errors=errors)

    def _policies_of(self, rule_id: str, action: str) -> Any:  # noqa: ANN401 (cedarpy's own)
        parts = compiled(self._rules[rule_id], action)
        return self._cedarpy.PolicySet.from_str("\n".join([*parts, self._own]))

    def _entities_with(self, *facts: Any) -> Any:  # noqa: ANN401 (cedarpy's own)
        rule_id, critical, tags, process_id, environment, task_id = facts
        attributes = {"rule": rule_id, "critical": critical, "tags": list(tags), "process": process_id}
        if environment is not None:
            attributes["environment"] = environment
        if task_id is not None:
            attributes["task"] = task_id
        gate = {**_entity("Gate", rule_id), "attrs": attributes}
        text = json.dumps([*self._people, *self._roles, gate])
        return self._cedarpy.Entities.from_json_str(text, self._schema)


def sentences(ruling: Ruling) -> tuple[str, ...]:
    """Return why Cedar said no, in words."""
    if ruling.errors:
        return tuple(f"a policy could not be evaluated, which means no: {error}" for error in ruling.errors)
    told = [_WHY.get(each.partition(":")[2], f"the policy {each} forbids it") for each in ruling.policies]
    return tuple(dict.fromkeys(told))


def _check_own(cedarpy: Any, path: str, text: str) -> None:  # noqa: ANN401 (the module)
    """Refuse what is no policy, what forbids nothing, and templates, which nobody would ever fill in."""
    try:
        found = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise _unfit([path], str(error)) from None
    if found["templates"] or any(each["effect"] != "forbid" for each in found["staticPolicies"].values()):
        raise SettingsError(
            f"{path} has a policy that does not forbid: a permit, or a template.",
            hint="Who may approve is said by roles in [[approvals]]; own Cedar policies only narrow that.",
        )


def _unfit(paths: Iterable[str], why: str) -> SettingsError:
    return SettingsError(
        f"the Cedar policies {', '.join(paths) or 'of the rules'} do not fit the schema: {why}.",
        hint="The schema: docs/reference/approvals.md. Ask 'has' before an optional attribute.",
    )


def compiled(rule: Rule, action: str) -> list[str]:
    """Return what a rule says about one act, as Cedar policies."""
    return _proceeding(rule) if action == "proceed" else _answering(rule, action)


def _answering(rule: Rule, action: str) -> list[str]:
    who = _who(rule.roles, rule.people)
    parts = []
    if action == "breakGlass":
        broken = rule.break_glass
        breakers = _who(broken.roles, broken.people) if broken is not None else "false"
        parts.append(_policy(rule, "may-break", "permit", action, breakers))
    else:
        parts.append(_policy(rule, f"may-{action}", "permit", action, f"{who} || context.delegated"))
    if action == "approve" and not rule.author_may_approve:
        parts.append(_policy(rule, "author", "forbid", action, "context.isAuthor"))
    if rule.approval_expires is not None:
        parts.append(_policy(rule, "expired", "forbid", action, "context.expired"))
    if rule.signature is not False:
        parts.append(_policy(rule, "signature", "forbid", action, "!context.signed"))
    if rule.signature == "verified":
        parts.append(_policy(rule, "verified", "forbid", action, "!context.userVerified"))
    if action == "breakGlass" or (action == "approve" and rule.comment):
        parts.append(_policy(rule, "comment", "forbid", action, "!context.hasComment"))
    if action == "approve" and (rule.windows or rule.freezes):
        parts.append(_policy(rule, "window", "forbid", action, "!context.inWindow || context.frozen"))
    return parts


def _proceeding(rule: Rule) -> list[str]:
    enough = "context.broken || context.approvals >= context.quorum"
    shut = "!context.broken && (!context.inWindow || context.frozen)"
    parts = [
        _policy(rule, "proceed", "permit", "proceed", enough),
        _policy(rule, "rejected", "forbid", "proceed", "context.rejected"),
        _policy(rule, "late", "forbid", "proceed", "!context.inTime"),
        _policy(rule, "closed", "forbid", "proceed", shut),
    ]
    if rule.findings:
        parts.append(_policy(rule, "findings", "forbid", "proceed", "!context.findingsHold"))
    if rule.security_tests:
        parts.append(_policy(rule, "tests", "forbid", "proceed", "!context.testsHold"))
    return parts


def _who(roles: tuple[str, ...], people: tuple[str, ...]) -> str:
    if ANYBODY in people:
        return "true"
    parts = [f"principal in Role::{_literal(role)}" for role in roles]
    parts += [f"principal == Person::{_literal(name)}" for name in people]
    return " || ".join(parts) or "false"


def _literal(text: str) -> str:
    """Return a string as Cedar writes it, which is not quite as JSON does: nothing in it can end it."""
    plain = (c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in text)
    return f'"{"".join(plain)}"'


def _policy(rule: Rule, why: str, effect: str, action: str, condition: str) -> str:
    when = f'resource.rule == "{rule.id}" && ({condition})'
    scope = f'principal, action == Action::"{action}", resource'
    return f'@id("{rule.id}:{why}")\n{effect}({scope})\nwhen {{ {when} }};'


def _entity(kind: str, name: str, parents: list[str] | None = None) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": {},
        "parents": [{"type": "Role", "id": parent} for parent in parents or []],
    }
