"""A category counts only where its tests ran, passed and executed each changed function."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.findings import ToolRun
from babysitter.model.rules import Rule
from babysitter.model.security_tests import CATEGORIES, ChangedFunction, FoundTest, SecurityReport
from babysitter.policy import requirements

pytestmark = pytest.mark.promise("G16")
RAN = ToolRun(tool="pytest", state="passed", examined=3, unit="tests")
MISSING = ToolRun(tool="pytest", state="missing", why="no pytest.", fix="Install it.")


def found(outcome: Any, *categories: Any) -> FoundTest:
    return FoundTest(runner="pytest", name="t.py::test", categories=categories, told="name", outcome=outcome)


def function(**executed: int) -> ChangedFunction:
    by: Any = {name.replace("_", "-"): count for name, count in executed.items()}
    return ChangedFunction(path="a.py", name="f", line=1, end_line=2, executed_by=by)


def report(
    tests: tuple[FoundTest, ...], functions: tuple[ChangedFunction, ...] = (), tool: ToolRun = RAN
) -> SecurityReport:
    return SecurityReport(since="main..", tools=(tool,), tests=tests, functions=functions)


def test_tests_that_passed_and_executed_every_changed_function_count() -> None:
    whole = report(
        (found("passed", "authorization"),), (function(authorization=1), function(authorization=2))
    )

    assert whole.held == ("authorization",)
    assert whole.findings()["securityTests"] == ["authorization"]


@pytest.mark.parametrize(
    ("whole", "why"),
    [
        (report(()), "no tests were found"),
        (report((found("failed", "authorization"),)), "1 of 1 tests failed"),
        (report((found("passed", "authorization"), found("failed", "authorization"))), "1 of 2 tests failed"),
        (report((found("skipped", "authorization"),)), "none of 1 tests ran"),
        (
            report(
                (found("passed", "authorization"),), (function(authorization=1), function(authentication=1))
            ),
            "1 of 2 changed functions are not executed",
        ),
    ],
)
def test_everything_else_is_no(whole: SecurityReport, why: str) -> None:
    assert whole.held == ()
    assert whole.lacking("authorization") == why
    assert any(line.startswith("NOT COVERED: authorization: " + why) for line in whole.lines())


def test_a_runner_that_did_not_run_leaves_nothing_that_counts() -> None:
    whole = report((found("passed", *CATEGORIES),), tool=MISSING)

    assert whole.held == ()
    assert "NOT COVERED: pytest did not run: no pytest. Install it." in whole.lines()


def test_a_rule_that_asks_for_tests_is_decided_by_it() -> None:
    rule = Rule(id="r", security_tests=("authorization",))

    assert requirements.tests_hold(rule, report((found("passed", "authorization"),)).findings())
    assert not requirements.tests_hold(rule, report((found("failed", "authorization"),)).findings())
    assert not requirements.tests_hold(rule, report(()).findings())


OUTCOMES = st.sampled_from(["passed", "failed", "skipped"])
TESTS = st.lists(st.builds(found, OUTCOMES, st.sampled_from(CATEGORIES)), max_size=6).map(tuple)
FUNCTIONS = st.lists(
    st.dictionaries(st.sampled_from([name.replace("-", "_") for name in CATEGORIES]), st.integers(0, 2)).map(
        lambda executed: function(**executed)
    ),
    max_size=3,
).map(tuple)


@given(TESTS, FUNCTIONS)
def test_nothing_that_is_taken_away_makes_a_category_count(
    tests: tuple[FoundTest, ...], functions: tuple[ChangedFunction, ...]
) -> None:
    held = set(report(tests, functions).held)

    without_passed = tuple(test for test in tests if test.outcome != "passed")
    assert not set(report(without_passed, functions).held)
    for category in held:
        assert any(category in test.categories and test.outcome == "passed" for test in tests)
        assert all(each.executed_by.get(category) for each in functions)
        assert category not in report((*tests, found("failed", category)), functions).held
        assert category not in report(tests, (*functions, function())).held
