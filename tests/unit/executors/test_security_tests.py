"""Security tests as effects: in the task's sandbox, of the state that is there, a report as the result."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from babysitter.executors.security_tests import SecurityTestsExecutor
from babysitter.model.effects import Sandbox
from babysitter.model.errors import ReviewError
from babysitter.model.runner import Attempt, Ended, OutputSink, Program, StopToken
from babysitter.model.security_tests import CATEGORIES, SecurityReport
from tests.unit.changes.places import changes_of, write
from tests.unit.executors.fakes import FakeSink, attempt

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G16")]
TEST = "test_app.py::test_all"
LISTED = {
    "tests": [
        {"id": TEST, "path": "test_app.py", "names": ["test_all"], "marks": [["security", list(CATEGORIES)]]}
    ]
}


class Pytest:
    """Answers as pytest does where the one test passed and executed the one function."""

    name = "none"

    def __init__(self, root: Path, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._lines = {str(root / "app.py"): {"2": [TEST]}}
        self._meanwhile = meanwhile
        self.started: list[tuple[Program, Sandbox, StopToken]] = []

    def profile_sha256(self, sandbox: Sandbox) -> str:
        return ""

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        self.started.append((program, sandbox, stop))
        self._meanwhile()
        stdout.write(b"1 passed")
        plan = msgspec.json.decode(program.input or b"")
        told = {"outcomes": {TEST: "passed"}, "lines": self._lines} if "run" in plan else LISTED
        return Ended(why="exit", status=0, result=msgspec.json.encode(told))


def asked(since: str = "run", **fields: Any) -> Attempt:
    return attempt("tests", {"since": since, "python": "", "arguments": ["-x"]}, **fields)


def begun(root: Path) -> str:
    """Make a workspace in which a function has changed since the run began; return its beginning."""
    write(root, {"app.py": "def f():\n    return 1\n", "test_app.py": "def test_all(): pass\n"})
    tree = changes_of(root).begin()
    write(root, {"app.py": "def f():\n    return 2\n"})
    return tree


def test_the_result_is_a_report_of_the_state_that_is_there(tmp_path: Path) -> None:
    began, one = begun(tmp_path), asked(sandbox=Sandbox(memory_mb=99), timeout_s=7)
    runner = Pytest(tmp_path)

    outcome = SecurityTestsExecutor(runner, tmp_path, changes_of(tmp_path), began).perform(one)

    report = msgspec.convert(outcome.value, SecurityReport)
    assert report.held == CATEGORIES
    assert [(each.path, each.name) for each in report.functions] == [("app.py", "f")]
    assert report.tree == changes_of(tmp_path).now(began)
    program, sandbox, stop = runner.started[-1]
    assert (program.timeout_s, sandbox.memory_mb, stop, program.argv[-1]) == (7, 99, one.stop, "-x")
    assert isinstance(one.stdout, FakeSink)
    assert b"1 passed" in one.stdout.kept


def test_a_workspace_that_changes_while_it_is_tested_leaves_nothing_that_counts(tmp_path: Path) -> None:
    began = begun(tmp_path)
    runner = Pytest(tmp_path, meanwhile=lambda: write(tmp_path, {"app.py": "def f():\n    return 3\n"}))

    outcome = SecurityTestsExecutor(runner, tmp_path, changes_of(tmp_path), began).perform(asked())

    report = msgspec.convert(outcome.value, SecurityReport)
    assert report.held == ()
    assert "changed while its tests ran" in "\n".join(report.lines())


def test_where_no_beginning_was_kept_the_task_fails_and_says_so(tmp_path: Path) -> None:
    begun(tmp_path)
    executor = SecurityTestsExecutor(Pytest(tmp_path), tmp_path, changes_of(tmp_path), "")

    with pytest.raises(ReviewError, match="was not kept"):
        executor.perform(asked())
