"""``security_scan(…)``: a task as any other, whose work is a scan and whose result is one."""

import pytest

from babysitter import Sandbox, Scan, security_scan
from babysitter.model.errors import InvalidValueError, TaskError, UsageError
from babysitter.model.findings import ToolRun


def test_what_it_scans_is_its_input_which_an_approval_can_cover() -> None:
    look = security_scan(tools=["bandit"], paths=["src"])

    assert look.call().input == {"tools": ["bandit"], "paths": ["src"]}
    assert (look.spec.kind, look.spec.task_id, look.spec.idempotent) == ("scan", "security_scan", True)


def test_it_takes_the_options_of_any_task() -> None:
    look = security_scan(id="audit", sandbox=Sandbox(network=("*",)), timeout=60, labels=["review"])

    assert (look.spec.task_id, look.spec.sandbox.network, look.spec.timeout_s) == ("audit", ("*",), 60)
    assert look.spec.labels == ("review",)


def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no option network"):
        security_scan(network=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("tools", ["bandit", [1], [""], [None]])
def test_a_name_that_is_none_is_refused_where_it_is_written(tools: object) -> None:
    with pytest.raises(InvalidValueError, match="tools"):
        security_scan(tools=tools)  # type: ignore[arg-type]


def test_it_is_called_without_arguments() -> None:
    with pytest.raises(InvalidValueError, match="takes no arguments"):
        security_scan().bind(("src",), {})


def test_its_result_is_a_scan() -> None:
    value = {"tools": [{"tool": "bandit", "state": "passed", "examined": 3}], "findings": []}

    scan = security_scan().decode(value)

    assert scan == Scan(tools=(ToolRun(tool="bandit", state="passed", examined=3),), findings=())
    assert scan.counts()["high"] == 0


def test_a_result_that_is_no_scan_is_an_error() -> None:
    with pytest.raises(TaskError):
        security_scan().decode({"findings": "none"})
