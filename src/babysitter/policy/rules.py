"""From the settings to the rules in force, checked as a whole: what the tables alone can't say.

Reference: docs/reference/approvals.md.
"""

from collections.abc import Iterable, Mapping

from babysitter.model.clock import parse_time
from babysitter.model.errors import InvalidValueError, SettingsError
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.rules import ANYBODY, AutoApproval, PersonTable, Policy, Rule
from babysitter.model.values import check_json
from babysitter.policy.people import Identities
from babysitter.policy.windows import check_times

BUILT_IN = ("default-guarded", "default-asked")
RULE_NAMES = "rule:"
"""How the name of an answer's giver begins that is a rule of the settings; no person may be called so."""


def make_policy(
    *,
    rules: tuple[Rule, ...] = (),
    roles: Mapping[str, tuple[str, ...]] | None = None,
    people: Mapping[str, PersonTable] | None = None,
    auto_approve: tuple[AutoApproval, ...] = (),
    cedar: Mapping[str, str] | None = None,
    signing: SigningTable | None = None,
) -> Policy:
    """Return the rules of a workspace.

    Raises:
        SettingsError: two rules share an id, a rule names a role that is not there or nobody at all, it could
            never be satisfied, a time can't be read.
    """
    policy = Policy(
        rules=rules,
        roles=dict(roles or {}),
        people=dict(people or {}),
        auto_approve=auto_approve,
        cedar=dict(cedar or {}),
        signing=signing or SigningTable(),
    )
    _check_names(policy)
    for ids in ([*BUILT_IN, *(rule.id for rule in rules)], [each.id for each in auto_approve]):
        for rule_id in ids:
            if ids.count(rule_id) > 1:
                raise _error(f"two rules have the id {rule_id}", "Give each its own.")
    for rule in rules:
        _check_rule(policy, rule)
    for each in auto_approve:
        _check_context(each)
    _check_signing(policy)
    return policy


def _check_context(auto: AutoApproval) -> None:
    try:
        check_json(auto.context, where=f"the context of auto_approve {auto.id}")
    except InvalidValueError as error:
        raise _error(error.message.rstrip("."), "Write what a breakpoint's context can hold.") from None


def _check_signing(policy: Policy) -> None:
    changes = policy.signing.changes
    if changes is not None:
        _check_roles(policy, "signing.changes", changes.roles)
        if len(policy.members(changes.roles, changes.people)) < changes.quorum:
            raise _error("signing.changes has fewer people than its quorum", "Name more people.")


def _check_names(policy: Policy) -> None:
    accounts = [account for each in policy.people.values() for account in each.accounts]
    for account in accounts:
        if accounts.count(account) > 1:
            raise _error(f"the account {account} is of two people", "Name it for one.")
    members = [name for names in policy.roles.values() for name in names]
    # ``*`` in a role would make everybody a member of whatever rule names it, which nobody reads there.
    for name in (*members, *policy.people, *accounts, *policy.roles):
        if name == ANYBODY or not _is_name(name):
            raise _error(
                f"{name!r} can't be the name of a person or role", "Use a mail address, or a local account."
            )


def _is_name(name: str) -> bool:
    return bool(name.strip()) and name.isprintable() and not name.startswith(RULE_NAMES)


def _check_rule(policy: Policy, rule: Rule) -> None:
    _check_roles(policy, rule.id, rule.roles)
    members = policy.members(rule.roles, rule.people)
    if not members:
        raise _error(f"the rule {rule.id} names nobody", "Give it roles or people.")
    for name in rule.people:
        if not _is_name(name):
            raise _error(f"the rule {rule.id} names {name!r}, who is no person", "Use a mail address.")
    identities = Identities(policy)
    if ANYBODY not in members and len({identities.person(name) for name in members}) < rule.quorum:
        raise _error(
            f"the rule {rule.id} has fewer people than its quorum", "Name more, or lower the quorum."
        )
    if rule.strategy in ("single", "first") and rule.quorum > 1:
        raise _error(
            f'the rule {rule.id} has strategy = "{rule.strategy}", which is one person, and a larger quorum',
            "Leave out one of them.",
        )
    _check_told(policy, f"notify of rule {rule.id}", rule.notify)
    _check_told(policy, f"escalate_to of rule {rule.id}", rule.escalate_to)
    if bool(rule.escalate_after) != bool(rule.escalate_to):
        raise _error(
            f"the rule {rule.id} says only half of an escalation", "Give it escalate_after and escalate_to."
        )
    _check_break_glass(policy, rule)
    _check_delegates(rule, members, identities)
    check_times(rule)


def _check_break_glass(policy: Policy, rule: Rule) -> None:
    broken = rule.break_glass
    if broken is None:
        return
    _check_roles(policy, rule.id, broken.roles)
    _check_told(policy, f"reviewers of rule {rule.id}", broken.reviewers)
    breakers = policy.breakers(rule)
    if ANYBODY in breakers or not (breakers and broken.reviewers):
        raise _error(
            f"the break_glass of rule {rule.id} does not name who may break it, or who reviews it",
            "Give it roles or people, and reviewers.",
        )
    reviewers = {name for each in broken.reviewers for name in policy.roles.get(each, (each,))}
    for name in breakers:
        if reviewers <= {name}:
            raise _error(
                f"nobody but {name} reviews when {name} breaks the glass of rule {rule.id}",
                "Name another reviewer: until a review it can't be broken again.",
            )


def _check_delegates(rule: Rule, members: tuple[str, ...], identities: Identities) -> None:
    seated = {identities.person(name) for name in members}
    for each in rule.delegates:
        if each.from_ not in members or ANYBODY in members:
            raise _error(
                f"the rule {rule.id} delegates the seat of {each.from_}, who has none",
                "Name one of its people.",
            )
        # With a second seat, which of the two an answer takes would depend on the order of answers.
        if identities.person(each.to) in seated or not _is_name(each.to):
            raise _error(
                f"the rule {rule.id} delegates a seat to {each.to!r}, who has one or is no person",
                "Name somebody else; a member of the rule answers for themselves.",
            )
        try:
            if parse_time(each.until) <= (parse_time(each.since) if each.since else 0):
                raise ValueError("it ends before it begins")
        except ValueError as error:
            raise _error(
                f"a delegation of rule {rule.id} has no usable time: {error}", "Write 2026-12-24T00:00:00Z."
            ) from None


def _check_told(policy: Policy, where: str, names: Iterable[str]) -> None:
    """Refuse a misspelt role, which would stand for a person that nobody is."""
    people = {name for members in policy.roles.values() for name in members}
    people |= {*policy.people, *(name for rule in policy.rules for name in rule.people)}
    for name in names:
        if name not in policy.roles and name not in people and "@" not in name:
            raise _error(f"{where} names {name}, which is neither role nor person", "Mend the name.")
        if name in policy.roles:
            _check_roles(policy, where, [name])


def _check_roles(policy: Policy, where: str, roles: Iterable[str]) -> None:
    for role in roles:
        if not policy.roles.get(role):
            known = ", ".join(sorted(policy.roles)) or "none"
            raise _error(
                f"{where} names the role {role}, which has nobody; roles: {known}", "Add it to [roles]."
            )


def _error(what: str, hint: str) -> SettingsError:
    return SettingsError(f"babysitter.toml: {what}.", hint=hint)
