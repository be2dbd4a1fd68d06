"""Scans as effects: the tools in the task's sandbox, what they write kept, a scan as the result."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from babysitter.executors.scan import ScanExecutor
from babysitter.model.effects import Sandbox
from babysitter.model.errors import InvalidValueError, NotFoundError
from babysitter.model.findings import Scan
from babysitter.model.runner import Attempt
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.scanning import Scanning
from babysitter.testing.clocks import FakeClock
from tests.unit.executors.fakes import FakeSink, attempt
from tests.unit.scanners.grounds import SayingRunner, ground_of, tools_folder

REPORT = b'{"errors": [], "results": [], "metrics": {"./a.py": {"loc": 1}, "_totals": {"loc": 1}}}'


def performing(tmp_path: Path, runner: SayingRunner, **settings: Any) -> ScanExecutor:
    """Return an executor in a workspace of one Python file."""
    ground = ground_of(tmp_path / "w", {"a.py": "x = 1\n"})
    table = ScanTable(path=(str(tools_folder(tmp_path, "bandit")),), **settings)
    return ScanExecutor(
        runner, Scanning(root=ground.root, settings=table, clock=FakeClock(), environ={"A": "b"})
    )


def saying(stdout: bytes = REPORT) -> SayingRunner:
    return SayingRunner(lambda p: (0, b"bandit 1.9" if "--version" in p.argv else stdout, b"told"))


def scan_attempt(tools: list[str], **fields: Any) -> Attempt:
    return attempt("scan", {"tools": tools, "paths": []}, **fields)


def test_the_result_is_a_scan_and_the_report_is_the_effects_output(tmp_path: Path) -> None:
    one = scan_attempt(["bandit"])

    outcome = performing(tmp_path, saying()).perform(one)

    scan = msgspec.convert(outcome.value, Scan)
    assert (scan.complete, scan.tools[0].examined) == (True, 1)
    assert isinstance(one.stdout, FakeSink)
    assert REPORT in one.stdout.kept


def test_a_tool_that_did_not_look_leaves_a_result_without_counts(tmp_path: Path) -> None:
    outcome = performing(tmp_path, saying(b"")).perform(scan_attempt(["bandit"]))

    assert outcome.error is None
    assert msgspec.convert(outcome.value, Scan).counts() == {}


def test_the_tasks_timeout_and_limits_are_the_tools(tmp_path: Path) -> None:
    runner = saying()

    performing(tmp_path, runner).perform(
        scan_attempt(["bandit"], timeout_s=7.0, sandbox=Sandbox(memory_mb=77, write=("out/",)))
    )

    assert {program.timeout_s for program in runner.programs} == {7.0}
    assert {(sandbox.memory_mb, sandbox.write) for sandbox in runner.sandboxes} == {(77, ())}


def test_without_names_the_settings_tools_look(tmp_path: Path) -> None:
    outcome = performing(tmp_path, saying(), tools=("bandit",)).perform(scan_attempt([]))

    assert [run.tool for run in msgspec.convert(outcome.value, Scan).tools] == ["bandit"]


def test_a_scan_that_can_t_be_made_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        performing(tmp_path, saying()).perform(scan_attempt(["bandid"]))
    with pytest.raises(InvalidValueError):
        performing(tmp_path, saying()).perform(attempt("scan", {"tools": ["bandit"], "paths": ["gone"]}))
