"""From the settings to the rules in force, checked as a whole: what the tables alone can't say.

Reference: docs/reference/approvals.md.
"""

from collections.abc import Iterable, Mapping

from babysitter.model.clock import parse_time
from babysitter.model.errors import SettingsError
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.rules import ANYBODY, AutoApproval, PersonTable, Policy, Rule
from babysitter.policy.windows import check_times

BUILT_IN = ("default-guarded", "default-asked")


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
        SettingsError: two rules share an id, a rule names a role that is not there or nobody at all, a time
            can't be read.
    """
    policy = Policy(
        rules=rules,
        roles=dict(roles or {}),
        people=dict(people or {}),
        auto_approve=auto_approve,
        cedar=dict(cedar or {}),
        signing=signing or SigningTable(),
    )
    ids = [*BUILT_IN, *(rule.id for rule in rules)]
    for rule in rules:
        if ids.count(rule.id) > 1:
            raise _error(f"two rules have the id {rule.id}", "Give each its own.")
        _check_rule(policy, rule)
    accounts = [account for each in policy.people.values() for account in each.accounts]
    for account in accounts:
        if accounts.count(account) > 1:
            raise _error(f"the account {account} is of two people", "Name it for one.")
    if policy.signing.changes is not None:
        changes = policy.signing.changes
        _check_roles(policy, "signing.changes", changes.roles)
        if len(policy.members(changes.roles, changes.people)) < changes.quorum:
            raise _error("signing.changes has fewer people than its quorum", "Name more people.")
    return policy


def _check_rule(policy: Policy, rule: Rule) -> None:
    broken = rule.break_glass
    _check_roles(policy, rule.id, (*rule.roles, *(broken.roles if broken is not None else ())))
    members = policy.members(rule.roles, rule.people)
    if not members:
        raise _error(f"the rule {rule.id} names nobody", "Give it roles or people.")
    if ANYBODY not in members and len(members) < rule.quorum:
        raise _error(
            f"the rule {rule.id} has fewer people than its quorum", "Name more, or lower the quorum."
        )
    if broken is not None and not (policy.breakers(rule) and broken.reviewers):
        raise _error(
            f"the break_glass of rule {rule.id} names nobody to break or to review",
            "Give it roles and reviewers.",
        )
    for each in rule.delegates:
        if each.from_ not in members:
            raise _error(
                f"the rule {rule.id} delegates the place of {each.from_}, who has none",
                "Name one of its people.",
            )
        try:
            if parse_time(each.until) <= (parse_time(each.since) if each.since else 0):
                raise ValueError("it ends before it begins")
        except ValueError as error:
            raise _error(
                f"a delegation of rule {rule.id} has no usable time: {error}", "Write 2026-12-24T00:00:00Z."
            ) from None
    check_times(rule)


def _check_roles(policy: Policy, where: str, roles: Iterable[str]) -> None:
    for role in roles:
        if not policy.roles.get(role):
            known = ", ".join(sorted(policy.roles)) or "none"
            raise _error(
                f"{where} names the role {role}, which has nobody; roles: {known}", "Add it to [roles]."
            )


def _error(what: str, hint: str) -> SettingsError:
    return SettingsError(f"babysitter.toml: {what}.", hint=hint)
