"""Rules and people as pages: what the settings say of them."""

from collections import defaultdict
from typing import Any

import msgspec

from babysitter.config import FILE_NAME
from babysitter.model.rules import ANYBODY, AutoApproval, Policy, Rule
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.atlas.graph import Graph, Node
from babysitter.service.atlas.ids import page_id
from babysitter.service.people import KeyView

IN_A_PLACE = "auto"
"""Rules that answer in a person's place are named within this, since they may be called as others are."""


def rule_page_id(rule_id: str) -> str:
    """Return the id of a rule that decides who must answer."""
    return page_id("rule", rule_id)


def answering_page_id(approver: str) -> str:
    """Return the id of who answered, as a journal names it: a person, or a rule in a person's place."""
    if approver.startswith(RULE_NAMES):
        return page_id("rule", IN_A_PLACE, approver.removeprefix(RULE_NAMES))
    return page_id("person", approver)


def policy_graph(policy: Policy, keys: list[KeyView]) -> Graph:
    """Return the rules in force and the people that they and the signers' file name."""
    graph = Graph()
    facts = _people(policy, keys)
    for name, about in facts.items():
        graph.add(person_node(name, about))
    for rule in policy.every_rule:
        _add_rule(graph, policy, rule)
    for auto in policy.auto_approve:
        graph.add(_rule_node(page_id("rule", IN_A_PLACE, auto.id), auto, {"auto": True}))
    for name, person in policy.people.items():
        for account in person.accounts:
            graph.mention(person_node(account, {}))
            graph.join(page_id("person", name), "has_account", page_id("person", account))
    return graph


def person_node(name: str, about: dict[str, Any]) -> Node:
    """Return the page of a person, or of an account."""
    return Node(
        id=page_id("person", name),
        kind="Person",
        file=FILE_NAME if about else "",
        cluster="people",
        attributes={"nodeKind": "Person", "title": name, "displayName": name, "name": name, **about},
    )


def _add_rule(graph: Graph, policy: Policy, rule: Rule) -> None:
    members = policy.members(rule.roles, rule.people)
    node = _rule_node(rule_page_id(rule.id), rule, {"auto": False, "may": list(members)})
    graph.add(node)
    for name in members:
        if name != ANYBODY:
            graph.join(node.id, "names", page_id("person", name))


def _rule_node(node_id: str, rule: Rule | AutoApproval, about: dict[str, Any]) -> Node:
    said = {name: value for name, value in msgspec.to_builtins(rule).items() if name != "id"}
    shown = {"nodeKind": "Rule", "title": rule.id, "displayName": rule.id, "ruleId": rule.id, "inForce": True}
    return Node(
        id=node_id,
        kind="Rule",
        file=FILE_NAME,
        cluster="policy",
        attributes={**shown, **said, **about},
    )


def _people(policy: Policy, keys: list[KeyView]) -> dict[str, dict[str, Any]]:
    roles: dict[str, list[str]] = defaultdict(list)
    for role, members in policy.roles.items():
        for name in members:
            roles[name].append(role)
    held: dict[str, list[Any]] = defaultdict(list)
    for key in keys:
        for name in key.principals:
            held[name].append(msgspec.to_builtins(key))
    named = [name for rule in policy.every_rule for name in policy.members(rule.roles, rule.people)]
    patterns = set("*?!")
    return {
        name: {
            "roles": roles[name],
            "accounts": list(policy.people[name].accounts) if name in policy.people else [],
            "keys": held[name],
        }
        for name in dict.fromkeys((*policy.people, *roles, *named, *held))
        if not patterns & set(name)
    }
