"""``policy check``: cases say what must come of the rules, and a case that comes out otherwise says how."""

import tomllib
from typing import Any

import pytest

from babysitter.model.errors import SettingsError
from babysitter.model.rules import Policy, When
from babysitter.policy.cases import CaseResult, parse_cases, run_case
from tests.unit.policy.people import ALICE, BOB, EMERGENCY, policy, rule

RULES = policy(
    rule(
        when=When(environment="production"),
        quorum=2,
        findings={"high": 0},
        approval_expires="4h",
        execution_expires="30m",
        break_glass=EMERGENCY,
    )
)
BOTH = f'votes = [{{ person = "{ALICE}" }}, {{ person = "{BOB}" }}]\nfindings = {{ high = 0 }}'


def run(text: str, rules: Policy = RULES) -> CaseResult:
    """Return what comes of one case about production, of noon on a Monday."""
    whole = (
        '[[case]]\nname = "it"\nnow = "2026-03-02T12:00:00Z"\n'
        f'gate = {{ task = "deploy", process = "release", environment = "production" }}\n{text}\n'
    )
    whole = whole.replace("EVE", '{ person = "eve@example.com", break_glass = true, comment = "down" }')
    (case,) = parse_cases(tomllib.loads(whole), file="cases.toml")
    return run_case(rules, case)


@pytest.mark.parametrize(
    "text",
    [
        f'expect = "allow"\n{BOTH}',
        'expect = "deny"',
        'expect = "deny"\nbecause = "needs 2 more of managers"',
        f'expect = "deny"\nbecause = "needs 1 more"\nauthors = ["alice"]\n{BOTH}',
        f'expect = "deny"\nbecause = "findings"\nvotes = [{{ person = "{ALICE}" }}, {{ person = "{BOB}" }}]',
        f'expect = "deny"\nbecause = "too long ago"\nreleased_at = "2026-03-02T11:00:00Z"\n{BOTH}',
        f'expect = "deny"\nbecause = "needs 2"\nrequested_at = "2026-03-02T08:00:00Z"\n{BOTH}',
        'expect = "allow"\nfindings = { high = 0 }\nvotes = [EVE]',
    ],
)
def test_a_case_that_comes_out_as_expected_passes(text: str) -> None:
    found = run(text)

    assert found.passed, found
    assert found.rule == "production"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ('expect = "allow"', "deny"),
        (f'expect = "deny"\n{BOTH}', "allow"),
        ('expect = "deny"\nbecause = "the findings of yesterday"', "deny"),
    ],
)
def test_a_case_that_comes_out_otherwise_or_for_another_reason_fails(text: str, got: str) -> None:
    found = run(text)

    assert not found.passed
    assert found.got == got


def test_what_needs_nobody_is_allowed_by_no_rule() -> None:
    found = run('expect = "allow"', policy(rule(when=When(environment="staging")), people={}))
    nobody = run_case(
        Policy(),
        parse_cases({"case": [{"name": "x", "now": "2026-03-02T12:00:00Z", "expect": "allow"}]}, file="c")[0],
    )

    assert (found.passed, found.rule) == (False, "default-guarded")
    assert (nobody.passed, nobody.rule) == (True, None)


CASE = {"name": "x", "now": "2026-03-02T12:00:00Z", "expect": "deny"}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"case": []},
        {"cases": [CASE]},
        {"case": [{**CASE, "expects": "deny"}]},
        {"case": [{**CASE, "expect": "maybe"}]},
        {"case": [{"name": "x", "now": CASE["now"]}]},
        {"case": [{**CASE, "now": "noon"}]},
        {"case": [{**CASE, "now": "2026-03-02T12:00:00"}]},
        {"case": [{**CASE, "requested_at": "earlier"}]},
        {"case": [{**CASE, "released_at": "earlier"}]},
        {"case": [{**CASE, "votes": [{"person": "a", "at": "earlier"}]}]},
        {"case": [{**CASE, "votes": [{"person": "a", "method": "fax"}]}]},
        {"case": [{**CASE, "votes": [{"person": "a", "decision": "aprove"}]}]},
        {"case": [{**CASE, "gate": {"taks": "deploy"}}]},
    ],
)
def test_a_file_that_would_check_something_else_or_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"cases\.toml"):
        parse_cases(wrong, file="cases.toml")
