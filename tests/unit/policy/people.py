"""A team, its rules and its answers, for the tests of the policy."""

from typing import Any

from babysitter.model.clock import parse_time
from babysitter.model.rules import BreakGlass, Delegate, PersonTable, Policy, Rule
from babysitter.policy.authorizer import Decider
from babysitter.policy.gate import Facts, Gate, Vote
from babysitter.policy.rules import make_policy

ALICE, BOB, CAROL, DAVE, EVE, ZED = (f"{name}@example.com" for name in "alice bob carol dave eve zed".split())
ROLES = {"managers": (ALICE, BOB, CAROL), "oncall": (EVE,)}
PEOPLE = {ALICE: PersonTable(accounts=("alice", "al"))}
NOW = "2026-03-02T10:00:00Z"
NOW_NS = parse_time(NOW)
SECOND_NS = 1_000_000_000
GATE = Gate(kind="effect", process_id="release", task_id="deploy", environment="production")
EMERGENCY = BreakGlass(roles=("oncall",), reviewers=("managers",))


def rule(**more: Any) -> Rule:
    """Return a rule of the managers."""
    return Rule(**{"id": "production", "roles": ("managers",), **more})


def policy(*rules: Rule, **more: Any) -> Policy:
    """Return a policy of these rules, checked as a settings file's is."""
    return make_policy(rules=rules, **{"roles": ROLES, "people": PEOPLE, **more})


def decider(*rules: Rule, **more: Any) -> Decider:
    """Return what decides by these rules."""
    return Decider(policy(*rules, **more))


def vote(person: str, decision: str = "approve", **more: Any) -> Vote:
    """Return an answer of now, signed with the person's key."""
    return Vote(**{"person": person, "decision": decision, "method": "ssh", "at_ns": NOW_NS, **more})


def facts(*authors: str, **more: Any) -> Facts:
    """Return what is known now of a run of these authors."""
    return Facts(**{"now_ns": NOW_NS, "authors": frozenset(authors or (ZED,)), **more})


def delegate(from_: str, to: str, since: str = "", until: str = "2026-12-24T00:00:00Z") -> Delegate:
    """Return a delegation that holds now, unless it says otherwise."""
    return Delegate(from_=from_, to=to, since=since, until=until)
