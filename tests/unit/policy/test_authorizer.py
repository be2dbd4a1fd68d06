"""Who may answer, whose answers count and whether it may go on: each condition alone is enough for a no."""

from typing import Any

import pytest

from babysitter.model.rules import AutoApproval, Freeze, Rule, When, Window
from babysitter.policy.authorizer import rule_for
from babysitter.policy.gate import Gate, Vote
from tests.unit.policy.people import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    EMERGENCY,
    EVE,
    GATE,
    NOW_NS,
    SECOND_NS,
    ZED,
    decider,
    delegate,
    facts,
    policy,
    rule,
    vote,
)

pytestmark = pytest.mark.promise("G25")
CLOSED = Window(days=("sun",), from_="09:00", to="10:00", tz="UTC")
FROZEN = Freeze(from_="2026-03-02T00:00", to="2026-03-03T00:00", tz="UTC", reason="stocktaking")
HOUR_NS = 3600 * SECOND_NS


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        (When(), True),
        (When(environment="production"), True),
        (When(environment=("staging", "production")), True),
        (When(environment="staging"), False),
        (When(critical=False), True),
        (When(critical=True), False),
        (When(tags=("db", "web")), True),
        (When(tags=("web",)), False),
        (When(task="dep*"), True),
        (When(task="dep?oy"), True),
        (When(task="dep"), False),
        (When(task="[d]eploy"), False),
        (When(process="release"), True),
        (When(process="re"), False),
        (When(environment="production", tags=("db",), task="*", process="*"), True),
        (When(environment="production", tags=("db",), task="*", process="other"), False),
    ],
)
def test_a_rule_is_about_what_fits_all_that_it_says(when: When, applies: bool) -> None:
    gate = Gate(kind="effect", process_id="release", task_id="deploy", environment="production", tags=("db",))

    found = rule_for(policy(rule(when=when)), gate)

    assert found is not None
    assert found.id == ("production" if applies else "default-guarded")


def test_a_rule_about_a_task_is_not_about_a_question_without_one() -> None:
    question = Gate(kind="question", process_id="release", breakpoint_id="1-go")

    assert rule_for(policy(rule(when=When(task="*"))), question) is None


@pytest.mark.parametrize(
    ("environment", "critical", "decides"),
    [
        ("production", False, "default-guarded"),
        (None, True, "default-guarded"),
        ("staging", False, None),
        (None, False, None),
        ("Production", False, None),
    ],
)
def test_without_rules_production_and_the_critical_need_somebody(
    environment: str | None, critical: bool, decides: str | None
) -> None:
    gate = Gate(kind="effect", process_id="p", task_id="t", environment=environment, critical=critical)

    found = rule_for(policy(), gate)

    assert (found.id if found is not None else None) == decides


def test_the_first_rule_in_the_order_of_the_file_decides() -> None:
    rules = policy(rule(id="one", when=When(task="d*")), rule(id="two", when=When(task="deploy")))

    found = rule_for(rules, GATE)

    assert found is not None
    assert found.id == "one"


def test_who_may_answer_may() -> None:
    given = rule()

    found = decider(given).may_answer(given, GATE, vote(ALICE), facts())

    assert found.allowed
    assert found.policies == ("production:may-approve",)


@pytest.mark.parametrize(
    ("given", "answer", "authors", "why"),
    [
        (rule(), vote(DAVE), (), "does not name dave@example.com"),
        (rule(), vote(""), (), "does not name"),
        (rule(), vote("*"), (), "does not name"),
        (rule(), vote(ALICE.upper()), (), "does not name"),
        (rule(), vote(ALICE), (ALICE,), "authors of the run"),
        (rule(), vote(ALICE), ("alice",), "authors of the run"),
        (rule(people=("alice",)), vote("alice"), (ALICE,), "authors of the run"),
        (rule(people=("alice",)), vote("alice"), ("al",), "authors of the run"),
        (rule(), vote(ALICE, method="local"), (), "wants a signature"),
        (rule(), vote(ALICE, method="token"), (), "wants a signature"),
        (rule(), vote(ALICE, method="rule"), (), "wants a signature"),
        (rule(), vote(ALICE, "reject", method="local"), (), "wants a signature"),
        (rule(signature="verified"), vote(ALICE), (), "PIN or fingerprint"),
        (rule(signature="verified"), vote(ALICE, method="local", user_verified=True), (), "a signature"),
        (rule(comment=True), vote(ALICE), (), "wants a comment"),
        (rule(comment=True), vote(ALICE, comment=" \n"), (), "wants a comment"),
        (rule(windows=(CLOSED,)), vote(ALICE), (), "windows"),
        (rule(freezes=(FROZEN,)), vote(ALICE), (), "freeze"),
        (rule(approval_expires="4h"), vote(ALICE, at_ns=NOW_NS + 4 * HOUR_NS), (), "no longer open"),
        (rule(), vote(ALICE, "maybe"), (), "no decision"),
        (rule(), vote(ALICE, "Approve"), (), "no decision"),
        (rule(), vote(ALICE, break_glass=True, comment="now"), (), "may break its glass"),
        (rule(break_glass=EMERGENCY), vote(EVE), (), "does not name eve@example.com"),
        (rule(), vote(DAVE, on_behalf_of=ALICE), (), "nobody has delegated"),
    ],
)
def test_each_condition_alone_is_enough_for_a_no(
    given: Rule, answer: Vote, authors: tuple[str, ...], why: str
) -> None:
    decides = decider(given)

    found = decides.may_answer(given, GATE, answer, facts(*authors, requested_at_ns=NOW_NS))

    assert not found.allowed
    assert why in "; ".join(found.reasons)
    assert decides.counted(given, GATE, [answer], facts(*authors, requested_at_ns=NOW_NS)) == ()


@pytest.mark.parametrize(
    ("given", "answer", "authors"),
    [
        (rule(author_may_approve=True), vote(ALICE), (ALICE,)),
        (rule(signature=False), vote(ALICE, method="local"), ()),
        (rule(signature="verified"), vote(ALICE, method="passkey", user_verified=True), ()),
        (rule(comment=True), vote(ALICE, comment="read it"), ()),
        (rule(comment=True), vote(ALICE, "reject"), ()),
        (rule(), vote(ALICE, "reject"), (ALICE,)),
        (rule(windows=(CLOSED,)), vote(ALICE, "reject"), ()),
        (rule(approval_expires="4h"), vote(ALICE, at_ns=NOW_NS + 4 * HOUR_NS - 1), ()),
        (rule(roles=(), people=("*",), signature=False), vote("whoever", method="local"), ()),
    ],
)
def test_what_meets_every_condition_is_a_yes(given: Rule, answer: Vote, authors: tuple[str, ...]) -> None:
    found = decider(given).may_answer(given, GATE, answer, facts(*authors, requested_at_ns=NOW_NS))

    assert found.allowed, found.reasons


@pytest.mark.parametrize(
    ("quorum", "votes", "goes_on"),
    [
        (1, [], False),
        (1, [vote(ALICE)], True),
        (1, [vote(ALICE, "defer")], False),
        (2, [vote(ALICE)], False),
        (2, [vote(ALICE), vote(ALICE)], False),
        (2, [vote(ALICE), vote(BOB)], True),
        (2, [vote(ALICE), vote(DAVE)], False),
        (2, [vote(ALICE), vote(BOB), vote(BOB, "defer")], False),
        (2, [vote(ALICE), vote(BOB), vote(CAROL, "reject")], False),
        (2, [vote(ALICE), vote(CAROL, "reject"), vote(CAROL)], True),
        (2, [vote(ALICE), vote(BOB), vote(DAVE, "reject")], False),
    ],
)
def test_it_takes_distinct_people_and_nobody_who_rejects(
    quorum: int, votes: list[Vote], goes_on: bool
) -> None:
    given = rule(quorum=quorum)

    assert decider(given).may_proceed(given, GATE, votes, facts()).allowed == goes_on


def test_two_names_of_one_person_are_one() -> None:
    given = rule(people=("alice",), quorum=2)

    found = decider(given).may_proceed(given, GATE, [vote(ALICE), vote("alice")], facts())

    assert found.reasons == ("needs 1 more of managers or alice",)


def test_the_last_answer_of_a_person_counts_whatever_name_it_was_given_under() -> None:
    given = rule(people=("alice",))
    decides = decider(given)

    assert not decides.may_proceed(given, GATE, [vote(ALICE), vote("alice", "defer")], facts()).allowed
    assert decides.may_proceed(given, GATE, [vote("alice", "reject"), vote(ALICE)], facts()).allowed


def test_a_question_may_ask_for_more_than_the_rule_and_never_for_less() -> None:
    given, votes = rule(quorum=2), [vote(ALICE), vote(BOB)]
    decides = decider(given)

    assert not decides.may_proceed(given, GATE, votes, facts(), quorum=3).allowed
    assert not decides.may_proceed(given, GATE, votes[:1], facts(), quorum=1).allowed
    assert decides.may_proceed(given, GATE, votes, facts(), quorum=0).allowed


@pytest.mark.parametrize(("authors", "needed"), [((ZED,), 3), ((ALICE,), 2)])
def test_all_means_everybody_who_has_a_place(authors: tuple[str, ...], needed: int) -> None:
    given = rule(strategy="all", delegates=(delegate(CAROL, DAVE),))
    votes = [vote(ALICE), vote(BOB), vote(DAVE, on_behalf_of=CAROL)]
    decides = decider(given)

    assert decides.needed(given, frozenset(authors)) == needed
    assert decides.may_proceed(given, GATE, votes, facts(*authors)).allowed
    assert not decides.may_proceed(given, GATE, votes[:2], facts(*authors)).allowed


def test_a_role_that_was_revoked_meanwhile_stops_what_was_approved() -> None:
    given, votes = rule(quorum=2), [vote(ALICE), vote(BOB)]
    later = decider(given, roles={"managers": (ALICE, CAROL)})

    assert decider(given).may_proceed(given, GATE, votes, facts()).allowed
    assert later.may_proceed(given, GATE, votes, facts()).reasons == ("needs 1 more of managers",)


@pytest.mark.parametrize(
    ("given", "more", "why"),
    [
        (rule(execution_expires="30m"), {"released_at_ns": NOW_NS - HOUR_NS}, "approved too long ago"),
        (rule(findings={"high": 0}), {"findings": {"high": 1}}, "findings are worse"),
        (rule(findings={"high": 0}), {"findings": None}, "findings are worse"),
        (rule(findings={"high": 0}), {"findings": {"critical": 0}}, "findings are worse"),
        (rule(findings={"high": 0}), {"findings": {"high": "0"}}, "findings are worse"),
        (rule(findings={"high": 0}), {"findings": {"high": False}}, "findings are worse"),
        (rule(findings={"high": 0}), {"findings": {"high": -1}}, "findings are worse"),
        (rule(findings={"high": 1}), {"findings": {"high": 0.5}}, "findings are worse"),
        (rule(findings={"high": 0}), {"findings": [0]}, "findings are worse"),
        (rule(security_tests=("authentication",)), {"findings": {}}, "security tests"),
        (rule(security_tests=("authentication",)), {"findings": {"securityTests": True}}, "security tests"),
        (
            rule(security_tests=("authentication", "authorization")),
            {"findings": {"securityTests": ["authentication"]}},
            "security tests",
        ),
    ],
)
def test_approved_is_not_enough_where_the_rule_wants_more(
    given: Rule, more: dict[str, Any], why: str
) -> None:
    found = decider(given).may_proceed(given, GATE, [vote(ALICE)], facts(**more))

    assert not found.allowed
    assert why in "; ".join(found.reasons)


@pytest.mark.parametrize(
    ("given", "more"),
    [
        (rule(execution_expires="30m"), {"released_at_ns": NOW_NS - HOUR_NS // 2}),
        (rule(findings={"high": 0, "low": 3}), {"findings": {"high": 0, "low": 3}}),
        (rule(security_tests=("authentication",)), {"findings": {"securityTests": ["authentication"]}}),
    ],
)
def test_what_meets_every_limit_goes_on(given: Rule, more: dict[str, Any]) -> None:
    assert decider(given).may_proceed(given, GATE, [vote(ALICE)], facts(**more)).allowed


@pytest.mark.parametrize("shut", [{"windows": (CLOSED,)}, {"freezes": (FROZEN,)}])
def test_an_approval_from_before_does_not_go_on_in_a_freeze_or_outside_of_the_windows(
    shut: dict[str, Any],
) -> None:
    given = rule(**shut)
    sunday_ns = NOW_NS - 24 * HOUR_NS - HOUR_NS // 2  # in the window, and before the freeze
    votes = [vote(ALICE, at_ns=sunday_ns)]

    found = decider(given).may_proceed(given, GATE, votes, facts())

    assert not found.allowed
    assert "windows, or in a freeze" in "; ".join(found.reasons)


def test_a_delegate_answers_in_anothers_place_which_counts_once() -> None:
    given = rule(quorum=2, delegates=(delegate(ALICE, DAVE),))
    decides = decider(given)
    dave = vote(DAVE, on_behalf_of=ALICE)

    assert decides.eligible(given, frozenset(), NOW_NS) == (ALICE, BOB, CAROL, DAVE)
    assert [each.person for each in decides.counted(given, GATE, [dave, vote(BOB)], facts())] == [DAVE, BOB]
    assert len(decides.counted(given, GATE, [dave, vote(ALICE)], facts())) == 1
    assert len(decides.counted(given, GATE, [vote(ALICE), dave], facts())) == 1


@pytest.mark.parametrize(
    ("given", "answer", "authors", "why"),
    [
        (delegate(ALICE, DAVE, since="2026-03-02T10:00:01Z"), vote(DAVE, on_behalf_of=ALICE), (), "nobody"),
        (delegate(ALICE, DAVE, until="2026-03-02T10:00:00Z"), vote(DAVE, on_behalf_of=ALICE), (), "nobody"),
        (delegate(ALICE, DAVE), vote(DAVE), (), "does not name"),
        (delegate(ALICE, DAVE), vote(DAVE, on_behalf_of=BOB), (), "nobody"),
        (delegate(ALICE, DAVE), vote(EVE, on_behalf_of=ALICE), (), "nobody"),
        (delegate(ALICE, DAVE), vote(DAVE, on_behalf_of="alice"), (), "nobody"),
        (delegate(ALICE, DAVE), vote(DAVE, on_behalf_of=ALICE), (DAVE,), "never delegated to an author"),
        (delegate(ALICE, DAVE), vote(DAVE, on_behalf_of=ALICE), ("alice",), "authors of the run"),
        (delegate(ALICE, DAVE), vote(DAVE, on_behalf_of=ALICE, break_glass=True, comment="x"), (), "glass"),
    ],
)
def test_a_delegation_is_of_one_place_to_one_person_for_a_time(
    given: Any, answer: Vote, authors: tuple[str, ...], why: str
) -> None:
    of = rule(delegates=(given,), break_glass=EMERGENCY)
    decides = decider(of)

    found = decides.may_answer(of, GATE, answer, facts(*authors))

    assert not found.allowed
    assert why in "; ".join(found.reasons)


@pytest.mark.parametrize("author", [DAVE, "alice"])
def test_nobody_is_asked_in_the_place_of_an_author_or_as_one(author: str) -> None:
    given = rule(delegates=(delegate(ALICE, DAVE),))

    assert DAVE not in decider(given).eligible(given, frozenset({author}), NOW_NS)


def test_not_even_where_authors_may_approve_is_a_place_delegated_to_one() -> None:
    given = rule(author_may_approve=True, delegates=(delegate(ALICE, DAVE),))
    decides = decider(given)

    assert DAVE not in decides.eligible(given, frozenset({DAVE}), NOW_NS)
    assert not decides.may_answer(given, GATE, vote(DAVE, on_behalf_of=ALICE), facts(DAVE)).allowed


SHUT = rule(quorum=3, windows=(CLOSED,), freezes=(FROZEN,), break_glass=EMERGENCY)


def test_breaking_the_glass_takes_one_person_with_a_reason_at_any_time_even_an_author() -> None:
    alone = [vote(EVE, break_glass=True, comment="the shop is down")]

    assert decider(SHUT).may_proceed(SHUT, GATE, alone, facts(EVE)).allowed


@pytest.mark.parametrize(
    "votes",
    [
        [vote(EVE, break_glass=True)],
        [vote(EVE, break_glass=True, comment="  ")],
        [vote(EVE, break_glass=True, comment="x", method="local")],
        [vote(ALICE, break_glass=True, comment="x")],
        [vote(ALICE, "reject", break_glass=True, comment="x")],
        [vote(ALICE, "defer", break_glass=True, comment="x")],
        [vote(EVE, break_glass=True, comment="x"), vote(EVE, "reject")],
        [vote(EVE, break_glass=True, comment="x"), vote(EVE, "defer")],
        [vote(EVE, break_glass=True, comment="x"), vote(ALICE, "reject")],
        [vote(EVE, comment="x")],
    ],
)
def test_the_glass_stays_whole_otherwise(votes: list[Vote]) -> None:
    """A rejection with the flag of an emergency, and an emergency that was called off, are none."""
    assert not decider(SHUT).may_proceed(SHUT, GATE, votes, facts()).allowed


@pytest.mark.parametrize(
    ("more", "known"),
    [
        ({"findings": {"high": 0}}, {}),
        ({"execution_expires": "30m"}, {"released_at_ns": NOW_NS - HOUR_NS}),
        ({"approval_expires": "30m"}, {"requested_at_ns": NOW_NS - HOUR_NS}),
        ({"signature": "verified"}, {}),
    ],
)
def test_an_emergency_lifts_neither_findings_nor_time_limits_nor_the_signature(
    more: dict[str, Any], known: dict[str, Any]
) -> None:
    given = rule(break_glass=EMERGENCY, **more)
    alone = [vote(EVE, break_glass=True, comment="the shop is down")]

    assert not decider(given).may_proceed(given, GATE, alone, facts(**known)).allowed


AUTO = AutoApproval(id="small", breakpoint="*-review*", tags=("docs",), context={"environment": "staging"})


@pytest.mark.parametrize(
    ("breakpoint_id", "tags", "context", "is_answered"),
    [
        ("4-review", ["docs", "web"], {"environment": "staging", "more": 1}, True),
        ("4-go", ["docs"], {"environment": "staging"}, False),
        ("4-review", [], {"environment": "staging"}, False),
        ("4-review", ["docs"], {"environment": "production"}, False),
        ("4-review", ["docs"], {}, False),
        ("4-review", ["docs"], None, False),
        ("4-review", ["docs"], ["environment"], False),
    ],
)
def test_an_automatic_approval_needs_all_that_it_names(
    breakpoint_id: str, tags: list[str], context: Any, is_answered: bool
) -> None:
    decides = decider(auto_approve=(AUTO,))

    found = decides.auto_approval(
        breakpoint_id, tags, context, rule=decides.policy.asked, consecutive=lambda: 0
    )

    assert (found is not None) == is_answered


@pytest.mark.parametrize(("in_a_row", "is_answered"), [(0, False), (2, False), (3, True), (9, True)])
def test_an_automatic_approval_may_wait_for_a_habit(in_a_row: int, is_answered: bool) -> None:
    decides = decider(auto_approve=(AutoApproval(id="habit", after=3),))

    found = decides.auto_approval("1-x", [], {}, rule=decides.policy.asked, consecutive=lambda: in_a_row)

    assert (found is not None) == is_answered


@pytest.mark.parametrize("signature", [True, "verified"])
def test_no_rule_answers_where_a_signature_is_wanted(signature: Any) -> None:
    decides = decider(auto_approve=(AutoApproval(id="all"),))

    assert decides.auto_approval("1-x", [], {}, rule=rule(signature=signature), consecutive=lambda: 9) is None


def test_no_rule_answers_for_production_where_nobody_wrote_a_rule_about_it() -> None:
    decides = decider(auto_approve=(AutoApproval(id="all"),))
    guarded = decides.policy.guarded

    assert decides.auto_approval("1-x", [], {}, rule=guarded, consecutive=lambda: 9) is None


@pytest.mark.parametrize("never_first", [True, False])
def test_never_wins_wherever_it_stands(never_first: bool) -> None:
    rules = (AutoApproval(id="never", tags=("db",), never=True), AutoApproval(id="all"))
    decides = decider(auto_approve=rules if never_first else rules[::-1])

    def answer(tags: list[str]) -> AutoApproval | None:
        return decides.auto_approval("1-x", tags, {}, rule=decides.policy.asked, consecutive=lambda: 9)

    assert answer(["db"]) is None
    assert answer([]) is not None


def test_an_explanation_says_which_rule_who_and_what_is_missing() -> None:
    given = rule(quorum=2, findings={"high": 0}, freezes=(FROZEN,), when=When(environment="production"))
    votes = [vote(BOB, at_ns=NOW_NS - 48 * HOUR_NS)]

    told = decider(given).explain(given, GATE, votes, facts("alice"), viewer=ALICE)

    assert (told.rule, told.quorum, told.allowed) == ("production", 2, False)
    assert told.eligible == (BOB, CAROL)
    assert told.counted == (BOB,)
    assert "when environment is production" in told.conditions
    assert "2 of managers" in told.conditions
    assert "needs 1 more of managers" in told.missing
    assert "nobody has counted the high findings" in told.missing
    assert any("you started it or own its code; you may not approve it" in note for note in told.notes)
    assert "frozen until 2026-03-03T00:00 (UTC): stocktaking" in told.notes


def test_an_explanation_of_what_may_go_on_misses_nothing() -> None:
    given = rule()

    told = decider(given).explain(given, GATE, [vote(ALICE)], facts(), viewer=BOB)

    assert (told.allowed, told.missing, told.notes) == (True, (), ())
