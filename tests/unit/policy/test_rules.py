"""The rules as a whole: what is refused when they are loaded, and the document that a digest commits to."""

import json
import re
from typing import Any

import pytest
from msgspec import structs

from babysitter.model.errors import SettingsError
from babysitter.model.evidence_settings import SignersChangeTable, SigningTable
from babysitter.model.rules import (
    AutoApproval,
    BreakGlass,
    PersonTable,
    Policy,
    Rule,
    duration_s,
    matches_glob,
)
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.policy.rules import make_policy
from babysitter.service.audit_policies import policy_from
from tests.unit.policy.people import ALICE, BOB, CAROL, DAVE, EMERGENCY, EVE, PEOPLE, delegate, policy, rule


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (rule(roles=()), "names nobody"),
        (rule(roles=("manager",)), "names the role manager, which has nobody; roles: managers, oncall"),
        (rule(people=("",)), "who is no person"),
        (rule(people=("rule:small",)), "who is no person"),
        (rule(people=("al\u202eice",)), "who is no person"),
        (rule(quorum=4), "fewer people than its quorum"),
        (rule(roles=(), people=(ALICE, "alice"), quorum=2), "fewer people than its quorum"),
        (rule(strategy="first", quorum=2), "which is one person"),
        (rule(strategy="single", quorum=2), "which is one person"),
        (rule(id="default-guarded"), "two rules have the id default-guarded"),
        (rule(notify=("manager",)), "neither role nor person"),
        (rule(escalate_after="1h", escalate_to=("manager",)), "neither role nor person"),
        (rule(escalate_after="1h"), "only half of an escalation"),
        (rule(escalate_to=("oncall",)), "only half of an escalation"),
        (rule(break_glass=BreakGlass(reviewers=("managers",))), "does not name who may break it"),
        (rule(break_glass=BreakGlass(people=(EVE,))), "does not name who may break it"),
        (
            rule(break_glass=BreakGlass(people=("*",), reviewers=("managers",))),
            "does not name who may break it",
        ),
        (rule(break_glass=BreakGlass(roles=("oncal",), reviewers=("managers",))), "the role oncal"),
        (rule(break_glass=BreakGlass(roles=("oncall",), reviewers=("manager",))), "neither role nor person"),
        (
            rule(break_glass=BreakGlass(roles=("oncall",), reviewers=("oncall",))),
            "nobody but eve@example.com",
        ),
        (rule(delegates=(delegate(EVE, DAVE),)), "delegates the seat of eve@example.com, who has none"),
        (rule(roles=(), people=("*",), delegates=(delegate("*", DAVE),)), "who has none"),
        (rule(delegates=(delegate(ALICE, BOB),)), "who has one or is no person"),
        (rule(delegates=(delegate(ALICE, ALICE),)), "who has one or is no person"),
        (rule(delegates=(delegate(ALICE, "alice"),)), "who has one or is no person"),
        (rule(delegates=(delegate(ALICE, ""),)), "who has one or is no person"),
        (rule(delegates=(delegate(ALICE, DAVE, until="2026-12-24"),)), "no usable time"),
        (rule(delegates=(delegate(ALICE, DAVE, until="2026-12-24T00:00:00"),)), "no usable time"),
        (rule(delegates=(delegate(ALICE, DAVE, since="2027-01-01T00:00:00Z"),)), "ends before it begins"),
    ],
)
def test_a_rule_that_could_not_mean_anything_is_refused(wrong: Rule, why: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(why)) as refusal:
        policy(wrong)

    assert refusal.value.hint


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"roles": {"managers": (ALICE, "*")}}, "can't be the name of a person"),
        ({"roles": {"managers": (ALICE, " ")}}, "can't be the name of a person"),
        ({"roles": {"managers": (ALICE,), "a\x1b[2J": (BOB,)}}, "can't be the name of a person or role"),
        (
            {"people": {ALICE: PersonTable(accounts=("a",)), BOB: PersonTable(accounts=("a",))}},
            "of two people",
        ),
        ({"people": {ALICE: PersonTable(accounts=("a", "a"))}}, "of two people"),
        (
            {"auto_approve": (AutoApproval(id="a"), AutoApproval(id="a", never=True))},
            "two rules have the id a",
        ),
        ({"auto_approve": (AutoApproval(id="a", context={"n": float("nan")}),)}, "auto_approve a.n"),
        ({"auto_approve": (AutoApproval(id="a", context={"n": 2**60}),)}, "auto_approve a.n"),
        ({"signing": SigningTable(changes=SignersChangeTable(people=(ALICE,), quorum=2))}, "signing.changes"),
        ({"signing": SigningTable(changes=SignersChangeTable(roles=("x",)))}, "signing.changes"),
    ],
)
def test_what_is_wrong_around_the_rules_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(why)):
        policy(rule(), **more)


def test_two_rules_may_not_share_an_id() -> None:
    with pytest.raises(SettingsError, match="two rules have the id production"):
        policy(rule(), rule(quorum=2))


def test_a_whole_rule_is_taken() -> None:
    policy(
        rule(
            notify=("oncall", ALICE, "list@example.org"),
            break_glass=EMERGENCY,
            delegates=(delegate(ALICE, DAVE), delegate(BOB, DAVE)),
            quorum=3,
        )
    )


def test_the_digest_of_no_rules_never_changes() -> None:
    """Journals hold it: a change here is a change of every run without rules."""
    assert make_policy().digest() == Policy().digest()
    assert Policy().digest() == "8392060342eaa70e9472a2ee1ed338fe3cc2baa46810546462079bd142b41c9d"


CHANGES: list[dict[str, Any]] = [
    {"quorum": 2},
    {"author_may_approve": True},
    {"signature": "verified"},
    {"signature": False},
    {"comment": True},
    {"approval_expires": "4h"},
    {"findings": {"high": 0}},
    {"delegates": (delegate(ALICE, DAVE),)},
    {"break_glass": EMERGENCY},
    {"strategy": "all"},
]


@pytest.mark.parametrize("change", CHANGES, ids=[next(iter(each)) for each in CHANGES])
def test_whatever_is_changed_changes_the_digest(change: dict[str, Any]) -> None:
    assert policy(rule(**change)).digest() != policy(rule()).digest()


def test_members_of_roles_accounts_and_own_policies_are_in_the_digest() -> None:
    plain = policy(rule()).digest()

    others = [
        policy(rule(), roles={"managers": (ALICE, BOB), "oncall": (EVE,)}),
        policy(rule(), people={}),
        policy(rule(), cedar={"a.cedar": "forbid(principal, action, resource);"}),
        policy(rule(), auto_approve=(AutoApproval(id="a"),)),
        policy(rule(), signing=SigningTable(signers="elsewhere")),
    ]

    assert len({plain, *(each.digest() for each in others)}) == 6


def test_the_document_is_what_the_digest_is_of_and_says_who_may() -> None:
    made = policy(rule(people=(DAVE,), break_glass=EMERGENCY))
    document = json.loads(canonical_json(made.document()))

    (told,) = document["rules"]

    assert sha256_hex(canonical_json(document)) == made.digest()
    assert told["may"] == [ALICE, BOB, CAROL, DAVE]
    assert told["breakers"] == [EVE]
    assert (told["quorum"], told["author_may_approve"], told["signature"]) == (1, False, True)
    assert (document["guarded"]["may"], document["asked"]["signature"]) == (["*"], False)
    assert document["people"] == {ALICE: {"accounts": list(PEOPLE[ALICE].accounts)}}


def test_the_kept_document_gives_the_same_rules_back() -> None:
    made = policy(rule(break_glass=EMERGENCY, delegates=(delegate(ALICE, DAVE),), findings={"high": 0}))

    again = policy_from(json.loads(canonical_json(made.document())))

    assert again == made
    assert again.digest() == made.digest()


def test_a_digest_is_made_once_and_is_that_of_its_own_rules() -> None:
    made = policy(rule())
    first = made.digest()

    other = structs.replace(made, roles={**made.roles, "more": (EVE,)})

    assert made.digest() is first
    assert first == sha256_hex(canonical_json(made.document()))
    assert other.digest() == sha256_hex(canonical_json(other.document())) != first


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("15m", 900), ("4h", 14400), ("7d", 604800)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("deploy", "deploy", True),
        ("deploy", "dep*y", True),
        ("deploy", "*", True),
        ("", "*", True),
        ("deploy", "d?ploy", True),
        ("dploy", "d?ploy", False),
        ("deploy-all", "deploy", False),
        ("re-deploy", "deploy", False),
        ("deploy\n", "deploy", False),
        ("a\nb", "a*b", True),
        ("axb", "a.b", False),
        ("a+b", "a+b", True),
        ("[a]", "[a]", True),
    ],
)
def test_a_pattern_has_a_star_and_a_question_mark_and_nothing_else(
    text: str, pattern: str, matches: bool
) -> None:
    assert matches_glob(text, pattern) == matches
