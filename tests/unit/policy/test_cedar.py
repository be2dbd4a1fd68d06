"""Cedar with its schema: what is missing, unknown, mistyped or fails is a no; own policies only narrow."""

from typing import Any

import cedarpy
import pytest

from babysitter.model.errors import SettingsError
from babysitter.model.rules import Policy
from babysitter.policy.cedar import SCHEMA, Cedar, sentences
from babysitter.policy.gate import Gate
from tests.unit.policy.people import ALICE, DAVE, GATE, decider, facts, policy, rule, vote

pytestmark = pytest.mark.promise("G25")
ANSWERING: dict[str, Any] = {
    "signed": True,
    "userVerified": True,
    "hasComment": True,
    "isAuthor": False,
    "delegated": False,
    "method": "ssh",
    "inWindow": True,
    "frozen": False,
    "expired": False,
    "now": 1,
}
PROCEEDING: dict[str, Any] = {
    "approvals": 2,
    "quorum": 1,
    "rejected": False,
    "broken": False,
    "inTime": True,
    "inWindow": True,
    "frozen": False,
    "findingsHold": True,
    "testsHold": True,
    "now": 1,
}
QUESTIONS = [("approve", ANSWERING), ("reject", ANSWERING), ("proceed", PROCEEDING)]
EACH = [(action, name) for action, context in QUESTIONS for name in context]


def cedar(**own: str) -> Cedar:
    return Cedar(policy(rule(), cedar={f"policies/{name}.cedar": text for name, text in own.items()}))


def test_the_trap_without_a_schema_a_forbid_that_fails_is_no_obstacle() -> None:
    """Why there is always a schema: the very same question, asked both ways."""
    policies = """
        permit(principal, action == Action::"approve", resource);
        forbid(principal, action == Action::"approve", resource) when { context.isAuthor };
    """
    request = {
        "principal": {"type": "Person", "id": ALICE},
        "action": {"type": "Action", "id": "approve"},
        "resource": {"type": "Gate", "id": "production"},
        "context": {name: value for name, value in ANSWERING.items() if name != "isAuthor"},
    }

    careless = cedarpy.is_authorized(request, policies, [])
    ours = cedar().ask(ALICE, "approve", GATE, rule(), request["context"])

    assert careless.allowed
    assert careless.diagnostics.errors
    assert not ours.allowed
    assert "isAuthor" in ours.errors[0]


@pytest.mark.parametrize(("action", "context"), QUESTIONS)
def test_a_whole_question_is_answered(action: str, context: dict[str, Any]) -> None:
    found = cedar().ask(ALICE, action, GATE, rule(), context)

    assert found == (True, (f"production:{action if action == 'proceed' else f'may-{action}'}",), ())


@pytest.mark.parametrize(("action", "name"), EACH)
def test_an_attribute_that_is_missing_or_of_another_type_is_a_no(action: str, name: str) -> None:
    context = dict(QUESTIONS)[action]
    other: Any = "yes" if name != "method" else True

    without = cedar().ask(ALICE, action, GATE, rule(), {k: v for k, v in context.items() if k != name})
    mistyped = cedar().ask(ALICE, action, GATE, rule(), {**context, name: other})

    assert (without.allowed, mistyped.allowed) == (False, False)
    assert without.errors
    assert mistyped.errors
    assert "which means no" in sentences(without)[0]


@pytest.mark.parametrize("action", ["approve", "proceed"])
def test_an_unknown_attribute_is_a_no(action: str) -> None:
    context = {**dict(QUESTIONS)[action], "trusted": True}

    assert not cedar().ask(ALICE, action, GATE, rule(), context).allowed


def test_a_question_that_was_answered_is_no_answer_to_one_that_only_looks_the_same() -> None:
    """1 and True are equal in Python; Cedar takes one of them for an error."""
    asked = cedar()
    assert asked.ask(ALICE, "approve", GATE, rule(), ANSWERING).allowed

    assert not asked.ask(ALICE, "approve", GATE, rule(), {**ANSWERING, "signed": 1}).allowed


@pytest.mark.parametrize("action", ["fly", "", "Approve", "breakGlass"])
def test_an_act_that_nobody_permits_is_a_no(action: str) -> None:
    assert not cedar().ask(ALICE, action, GATE, rule(), ANSWERING).allowed


@pytest.mark.parametrize("person", ["", "*", "al\0ice", "ali\udcffce", 'alice" || true || "', "Führung"])
def test_a_strange_name_is_nobodys(person: str) -> None:
    assert not cedar().ask(person, "approve", GATE, rule(), ANSWERING).allowed


def test_what_can_not_be_written_down_about_a_gate_is_a_no() -> None:
    gate = Gate(kind="effect", process_id="p\udcff", task_id="deploy")

    assert not cedar().ask(ALICE, "approve", gate, rule(), ANSWERING).allowed


@pytest.mark.parametrize("name", ["Führung", 'a"b', "a\\b", "日本", '") || true || ("', "🦀", "' OR 1=1"])
def test_a_name_of_any_letters_means_itself_and_no_more(name: str) -> None:
    given = rule(roles=(name,), people=(f"{name}@example.com",))
    decides = decider(given, roles={name: (ALICE,)})

    assert decides.may_answer(given, GATE, vote(ALICE), facts()).allowed
    assert decides.may_answer(given, GATE, vote(f"{name}@example.com"), facts()).allowed
    assert not decides.may_answer(given, GATE, vote(DAVE), facts()).allowed


def test_a_policy_of_the_teams_own_forbids_and_says_its_name() -> None:
    own = """
        @id("house:no-production-on-mondays")
        forbid(principal, action == Action::"approve", resource)
        when { resource has environment && resource.environment == "production" };
    """

    found = decider(rule(), cedar={"policies/a.cedar": own}).may_answer(rule(), GATE, vote(ALICE), facts())

    assert not found.allowed
    assert found.reasons == ("the policy house:no-production-on-mondays forbids it",)


def test_a_policy_that_fails_while_it_is_asked_is_a_no() -> None:
    overflow = "forbid(principal, action, resource) when { context.now * 9223372036854775807 > 0 };"

    found = decider(rule(), cedar={"policies/a.cedar": overflow}).may_answer(
        rule(), GATE, vote(ALICE), facts()
    )

    assert not found.allowed
    assert "could not be evaluated, which means no" in found.reasons[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("forbid(princ", "policies/own.cedar"),
        ("permit(principal, action, resource);", "does not forbid"),
        ('permit(principal, action == Action::"proceed", resource);', "does not forbid"),
        (
            '@id("x:author") forbid(principal, action, resource); permit(principal, action, resource);',
            "not forbid",
        ),
        ("forbid(principal == ?principal, action, resource);", "a template"),
        ('forbid(principal, action, resource) when { resource.environment == "x" };', "do not fit"),
        ("forbid(principal, action, resource) when { context.isAuthro };", "do not fit"),
        ("forbid(principal, action, resource) when { context.now };", "do not fit"),
        ('forbid(principal, action == Action::"aprove", resource);', "do not fit"),
        ("forbid(principal is Persn, action, resource);", "do not fit"),
    ],
)
def test_a_policy_that_is_wrong_or_widens_refuses_the_workspace(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refusal:
        cedar(own=text)

    assert refusal.value.hint


def test_a_policy_may_not_be_spread_over_two_files() -> None:
    """Each file is read alone: what is whole only together with another is refused by its name."""
    with pytest.raises(SettingsError, match=r"policies/a\.cedar"):
        cedar(a="forbid(principal, action, resource) when { true", b="};")


def test_the_schema_is_one_that_cedar_knows_and_the_built_in_rules_fit_it() -> None:
    cedarpy.Schema.from_str(SCHEMA)

    Cedar(Policy())
