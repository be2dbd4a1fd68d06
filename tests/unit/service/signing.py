"""People with keys in software, and their signed answers, for the service's tests."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from babysitter.model.rules import BreakGlass, Policy, Rule, When
from babysitter.model.statement import Statement, parse_statement, statement_bytes
from babysitter.policy.rules import make_policy
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.mail import AnswerMail
from babysitter.service.statements import Answer, statement_for, what_it_covers
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.verify import Trust
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.signing.software_keys import SoftwareKey, ed25519_key

ALICE, BOB, CAROL, EVE = (f"{name}@example.com" for name in ("alice", "bob", "carol", "eve"))
KEYS = {person: ed25519_key() for person in (ALICE, BOB, CAROL, EVE)}
SIGNERS = "".join(f'{person} namespaces="babysitter-*" {key.line}\n' for person, key in KEYS.items())
ROLES = {"managers": (ALICE, BOB), "oncall": (CAROL,)}
Change = Callable[[Statement], Statement]


def rule(rule_id: str = "production", **more: Any) -> Rule:
    """Return a rule of the managers, for production unless it says otherwise."""
    return Rule(id=rule_id, **{"roles": ("managers",), "when": When(environment="production"), **more})


def emergency() -> BreakGlass:
    """Return who may break the glass, and who reviews it."""
    return BreakGlass(roles=("oncall",), reviewers=("managers",))


def policy_of(*rules: Rule, **more: Any) -> Policy:
    """Return a policy of these rules, checked as a settings file's is."""
    return make_policy(rules=rules, roles=more.pop("roles", ROLES), **more)


def trusting(place: FakeWorkspace, *rules: Rule, **more: Any) -> FakeWorkspace:
    """Have a workspace believe the people's keys, under these rules."""
    place.trust = Trust(signers=AllowedSigners.parse(SIGNERS))
    place.policy = policy_of(*rules, **more)
    return place


def signed_mail(
    place: FakeWorkspace,
    person: str,
    breakpoint_id: str,
    decision: str = "approve",
    *,
    key: SoftwareKey | None = None,
    change: Change = lambda statement: statement,
    **more: Any,
) -> AnswerMail:
    """Return a person's answer, signed with their key, or with another."""
    covered = what_it_covers(place.store, "r", breakpoint_id)
    nonce = Delivery(place).new_id()
    answer = Answer(approver=person, decision=decision, comment=more.pop("comment", ""), nonce=nonce, **more)
    made = statement_for(covered, answer, place.clock.now_ns())
    made = statement_bytes(change(parse_statement(made)))
    return AnswerMail(
        request_id=nonce,
        sender=person,
        breakpoint_id=breakpoint_id,
        decision=decision,
        comment=answer.comment,
        statement=made.decode(),
        signature=(key or KEYS[person]).signature(made),
        on_behalf_of=answer.on_behalf_of,
        break_glass=answer.break_glass,
    )


def sign(
    place: FakeWorkspace, person: str, breakpoint_id: str, decision: str = "approve", **more: Any
) -> Sent:
    """Have a person answer with their key."""
    return Delivery(place).send("r", signed_mail(place, person, breakpoint_id, decision, **more))


def saying(**fields: Any) -> Change:
    """Return a change of what a statement says."""
    return lambda statement: replace(statement, predicate=replace(statement.predicate, **fields))
