"""What the rules of then did not let through: people signed, and the driver went on all the same.

Windows, freezes, delegation times, comments, findings and tests only our verifier decides again; that
the script of stock tools says OK to those is shown too, so that the documentation stays true.
"""

from typing import Any

import pytest

from babysitter.model.clock import format_time, parse_time
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.rules import AutoApproval, BreakGlass, Delegate, Freeze, Policy, Rule, When
from babysitter.policy.rules import make_policy
from tests.integration.audit.conftest import Judge, Workspace
from tests.integration.audit.forging import seen_by_a_witness
from tests.integration.audit.lying import ALICE, BOB, EVE, Said, Story, tell
from tests.unit.signing.software_keys import sk_ed25519_key

pytestmark = [
    pytest.mark.promise("G25"),
    pytest.mark.needs("bash", "jq", "openssl", "ssh-keygen", "xxd", "sha256sum"),
]
FROZEN = Freeze(from_="2000-01-01T00:00", to="2100-01-01T00:00", tz="UTC")
LONG_AGO = Delegate(from_=ALICE, to=EVE, until="2001-01-01T00:00:00Z")
FORBID = '@id("house:nobody")\nforbid(principal, action == Action::"{0}", resource);'
TOUCHED = 0x01


def rules(*more: Rule, **fields: Any) -> Policy:
    """Return rules of which the first is for production."""
    given = {"id": "production", "when": When(environment="production"), "people": (ALICE, BOB), **fields}
    of_policy = {name: given.pop(name) for name in ("signing", "cedar", "auto_approve") if name in given}
    return make_policy(rules=(Rule(**given), *more), **of_policy)


def story(said: tuple[Said, ...] = (Said(),), **fields: Any) -> Story:
    question = fields.pop("question", {})
    created = fields.pop("created", {})
    after_min = fields.pop("started_after_min", 0)
    return Story(
        policy=rules(**fields), said=said, question=question, created=created, started_after_min=after_min
    )


def codes(said: Any) -> set[str]:
    return {found.code for found in said.ours.findings}


HONEST = {
    "an ordinary yes": story(),
    "all that a rule can want": story(
        (Said(), Said(EVE, on_behalf_of=ALICE)),
        comment=True,
        strategy="all",
        delegates=(Delegate(from_=ALICE, to=EVE, until="2100-01-01T00:00:00Z"),),
        approval_expires="4h",
        execution_expires="1h",
        findings={"high": 0},
        security_tests=("authentication",),
        question={
            "eligible": [ALICE, BOB, EVE],
            "quorum": 2,
            "strategy": "all",
            "findings": {"high": 0, "securityTests": ["authentication"]},
        },
    ),
    "an emergency in a freeze": story(
        (Said(EVE, break_glass=True),),
        freezes=(FROZEN,),
        quorum=2,
        break_glass=BreakGlass(people=(EVE,), reviewers=(ALICE,)),
        question={"quorum": 2},
    ),
    "a key revoked after what it let through had started": Story(
        policy=rules(), revoked_after_min=5, started_after_min=1
    ),
    "a yes more than the release names": Story(
        policy=rules(),
        question={"eligible": [ALICE, BOB]},
        said=(Said(ALICE), Said(BOB)),
        released_by=(BOB,),
    ),
    "a rule of the settings": story(
        (Said("rule:small", by="rule"),),
        signature=False,
        auto_approve=(AutoApproval(id="small"),),
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_a_story_in_which_everybody_kept_to_the_rules_passes_both(
    place: Workspace, judged: Judge, name: str
) -> None:
    tell(place, HONEST[name])

    said = judged(place)

    assert said.ours.findings == (), said.findings
    assert said.script_status == 0, said.script


ONLY_OURS = {
    "in a freeze": (story(freezes=(FROZEN,)), {"answer.window", "release.quorum", "start.window"}),
    "without the comment": (
        story((Said(comment=" "),), comment=True),
        {"answer.comment", "release.quorum", "start.quorum"},
    ),
    "after the delegation had ended": (
        story(
            (Said(EVE, on_behalf_of=ALICE),), delegates=(LONG_AGO,), question={"eligible": [ALICE, BOB, EVE]}
        ),
        {"answer.delegation", "release.quorum", "start.quorum"},
    ),
    "with a key that asked for nothing": (
        story(signature="verified"),
        {"answer.verified", "release.quorum", "start.quorum"},
    ),
    "with a security key that asked for nothing": (
        story((Said(key=sk_ed25519_key(flags=TOUCHED)),), signing=SigningTable(user_verification="always")),
        {"signature.no-verification"},
    ),
    "after the rule's time": (
        story((Said(after_min=300),), approval_expires="4h", question={"expiresAt": None}),
        {"answer.expired", "release.quorum", "start.quorum"},
    ),
    "somebody having said no": (
        story((Said(ALICE, "reject"), Said(BOB)), question={"eligible": [ALICE, BOB]}),
        {"release.rejected", "start.rejected"},
    ),
    "without a scan": (story(findings={"high": 0}), {"start.findings"}),
    "with worse findings": (
        story(findings={"high": 0}, question={"findings": {"high": 1}}),
        {"start.findings"},
    ),
    "without the tests": (story(security_tests=("authentication",)), {"start.tests"}),
    "too long after the release": (story(execution_expires="30m", started_after_min=31), {"start.late"}),
    "with a key that was revoked meanwhile": (
        Story(policy=rules(), revoked_after_min=5, started_after_min=10),
        {"start.revoked"},
    ),
    "against a policy of the team's own": (
        story(cedar={"own.cedar": FORBID.format("approve")}),
        {"answer.policy", "release.quorum", "start.quorum"},
    ),
    "against a policy of the team's own about going on": (
        story(cedar={"own.cedar": FORBID.format("proceed")}),
        {"start.policy"},
    ),
    "by a rule where none may ever answer": (
        story(
            (Said("rule:small", by="rule"),),
            signature=False,
            auto_approve=(AutoApproval(id="small"), AutoApproval(id="never", never=True)),
        ),
        {"answer.auto"},
    ),
    "by a rule, what a program had posted": (
        story(
            (Said("rule:small", by="rule"),),
            signature=False,
            auto_approve=(AutoApproval(id="small"),),
            created={"processId": "babysitter-ask"},
        ),
        {"answer.auto"},
    ),
    "under another rule than decides": (
        Story(
            policy=rules(Rule(id="lax", people=(BOB,)), comment=True),
            question={"rule": "lax"},
            said=(Said(),),
        ),
        {"question.rule"},
    ),
    "under rules that were not in force": (
        Story(policy=rules(), asked_under=rules(notify=(ALICE,))),
        {"question.policy"},
    ),
    "with a quorum that the rules of then raised": (
        Story(policy=rules(quorum=2), asked_under=rules()),
        {"question.policy", "start.quorum"},
    ),
}


@pytest.mark.parametrize("name", ONLY_OURS)
def test_what_the_rules_of_then_did_not_let_through_is_found_and_named(
    place: Workspace, judged: Judge, name: str
) -> None:
    told, expected = ONLY_OURS[name]
    tell(place, told)

    said = judged(place)

    assert not said.ours.ok
    assert codes(said) == expected, said.findings
    assert said.script_status == 0, said.script


def test_a_question_to_all_takes_everybody_and_both_know(place: Workspace, judged: Judge) -> None:
    tell(place, story(strategy="all", question={"eligible": [ALICE, BOB], "strategy": "all"}))

    said = judged(place)

    assert f"it takes everybody, and {ALICE} did not approve" in said.script
    assert {"release", "start.quorum"} <= codes(said)


def test_a_delegate_and_whose_seat_they_take_are_one_of_all(place: Workspace, judged: Judge) -> None:
    """Two people said yes, and Bob was never asked what he thinks."""
    twice = (Said(ALICE), Said(EVE, on_behalf_of=ALICE))
    delegates = (Delegate(from_=ALICE, to=EVE, until="2100-01-01T00:00:00Z"),)
    tell(place, story(twice, strategy="all", delegates=delegates, question={"eligible": [ALICE, BOB, EVE]}))

    said = judged(place)

    assert f"it takes everybody, and {BOB} did not approve" in said.script
    assert "release" in codes(said)


@pytest.mark.parametrize(("later_s", "found"), [(60, set()), (7200, {"answer.delegation"})])
def test_an_answer_dated_into_its_time_is_held_against_when_a_witness_saw_it(
    place: Workspace, judged: Judge, later_s: int, found: set[str]
) -> None:
    at_ns = parse_time(place.forger.lines("one")[5]["recordedAt"])
    delegate = Delegate(from_=ALICE, to=EVE, until=format_time(at_ns + 60_000_000_000))
    tell(
        place,
        story(
            (Said(EVE, on_behalf_of=ALICE),), delegates=(delegate,), question={"eligible": [ALICE, BOB, EVE]}
        ),
    )
    seen_by_a_witness(place.data, place.trust, time_s=at_ns // 1_000_000_000 + later_s)

    assert codes(judged(place)) - {"answer.late"} == found


@pytest.mark.parametrize("change", ["left out", "other"])
def test_rules_that_are_not_what_they_should_be(place: Workspace, judged: Judge, change: str) -> None:
    tell(place, HONEST["an ordinary yes"])
    (path,) = [
        path
        for path in (place.data / "log" / "policies").iterdir()
        if b"release-managers" not in path.read_bytes()
    ]
    if change == "left out":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b'"may":["alice', b'"may":["carol'))

    said = judged(place)

    assert not said.ours.ok
    assert said.script_status == 1, said.script


def test_a_release_that_counts_somebody_who_was_not_asked_is_found_by_both(
    place: Workspace, judged: Judge
) -> None:
    tell(place, story((Said(ALICE), Said(BOB)), quorum=2, question={"eligible": [BOB], "quorum": 2}))

    said = judged(place)

    assert "they were not asked" in said.script
    assert codes(said) == {"answer.rule", "release.tally"}, said.findings
