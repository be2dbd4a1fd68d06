"""``security_tests(…)``: a task as any other, whose work is to run tests and whose result is a report."""

from typing import Any

import pytest

from babysitter import Sandbox, Scan, SecurityReport, security_tests
from babysitter.authoring.findings import told_to_rules
from babysitter.model.errors import InvalidValueError, UsageError
from babysitter.model.findings import ToolRun
from babysitter.model.security_tests import CATEGORIES, FoundTest

pytestmark = pytest.mark.promise("G16")
PASSED = ToolRun(tool="pytest", state="passed", examined=1, unit="tests")


def report(**more: Any) -> SecurityReport:
    test = FoundTest(runner="pytest", name="t", categories=CATEGORIES, told="name", outcome="passed")
    return SecurityReport(since="run", tools=(PASSED,), tests=(test,), functions=(), **more)


def test_what_it_tests_is_its_input_which_an_approval_can_cover() -> None:
    look = security_tests(since="main..", arguments=["-k", "login"])

    assert look.call().input == {"since": "main..", "python": "", "arguments": ["-k", "login"]}
    assert (look.spec.kind, look.spec.task_id, look.spec.idempotent) == ("tests", "security-tests", True)
    assert security_tests().call().input["since"] == "run"


def test_it_takes_the_options_of_any_task() -> None:
    look = security_tests(id="tests", sandbox=Sandbox(network=("*",)), timeout=60)

    assert (look.spec.task_id, look.spec.sandbox.network, look.spec.timeout_s) == ("tests", ("*",), 60)
    with pytest.raises(UsageError, match="no option network"):
        security_tests(network=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("since", ["main", "main..topic", "", "..", 5, "--all.."])
def test_changes_that_do_not_end_at_the_workspace_are_refused_where_they_are_written(since: Any) -> None:
    with pytest.raises(InvalidValueError, match="names no changes of the workspace"):
        security_tests(since=since)


@pytest.mark.parametrize("wrong", [{"arguments": "-k"}, {"arguments": [1]}, {"python": None}])
def test_what_is_no_text_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidValueError):
        security_tests(**wrong)


def test_it_takes_no_arguments() -> None:
    with pytest.raises(InvalidValueError, match="takes no arguments"):
        security_tests().bind(("main..",), {})


def test_its_result_is_a_report_whose_categories_a_question_hands_on() -> None:
    read = security_tests().decode(
        {"since": "run", "tools": [{"tool": "pytest", "state": "failed"}], "tests": [], "functions": []}
    )

    assert isinstance(read, SecurityReport)
    assert told_to_rules(read) == read.findings()
    assert read.findings()["securityTests"] == []


def test_a_scan_and_a_report_are_handed_on_together() -> None:
    scan = Scan(tools=(PASSED,), findings=())

    told = told_to_rules([scan, report(tree="t")])

    assert told is not None
    assert (told["high"], told["securityTests"], told["securityTestsTree"]) == (0, list(CATEGORIES), "t")
