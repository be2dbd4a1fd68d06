"""What no runner can look at counts as not executed; what a runner wrote is not believed unread."""

from pathlib import Path
from typing import Any

import pytest

from babysitter.model.runner import Ended
from babysitter.model.security_tests import CATEGORIES
from babysitter.scanners.security_tests.running import Wanted
from babysitter.scanners.security_tests.testing import report_on_changes
from babysitter.scanners.security_tests.with_javascript import JavascriptRunner
from tests.unit.scanners.security_tests.test_runners import ScriptedRunner, ended, place

pytestmark = pytest.mark.promise("G16")
TEST = "tests/test_app.py::test_all"
LISTED = {
    "tests": [
        {
            "id": TEST,
            "path": "tests/test_app.py",
            "names": ["test_all"],
            "marks": [["security", list(CATEGORIES)]],
        }
    ]
}


def passing(plan: dict[str, Any], file: Path) -> Ended:
    """Answer as pytest does where the one test passed and executed the one function."""
    if "run" not in plan:
        return ended(LISTED)
    return ended({"outcomes": {TEST: "passed"}, "lines": {str(file): {"2": [TEST]}}})


def report_of(root: Path, *changed: str) -> Any:
    (root / "app.py").write_text("def f():\n    return 1\n")
    wanted = Wanted(
        files=("app.py", "tests/test_app.py", *changed), changed=dict.fromkeys(("app.py", *changed))
    )
    runner = ScriptedRunner(lambda plan: passing(plan, root / "app.py"))
    return report_on_changes(place(root, runner), wanted, "HEAD..")


def test_what_is_measured_and_executed_holds(tmp_path: Path) -> None:
    assert report_of(tmp_path, "README.md", "settings.toml", "tests/test_more.py").held == CATEGORIES


@pytest.mark.parametrize("path", ["web/shop.js", "web/shop.mts", "main.go", "deploy.sh", "Shop.PHP"])
def test_changed_code_that_no_runner_of_the_workspace_measures_is_not_executed(
    tmp_path: Path, path: str
) -> None:
    """The workspace has tests of pytest alone, which say nothing of it."""
    report = report_of(tmp_path, path)

    assert report.held == ()
    assert [(each.path, each.executed_by) for each in report.functions if each.path == path] == [(path, {})]
    assert f"NOT COVERED: (the whole file) ({path}:1)" in "\n".join(report.lines())


@pytest.mark.parametrize("result", [b"{", b'{"tests": 5}', b"\xff", b'{"runs": [], "version"'])
def test_a_result_that_is_cut_off_or_another_is_a_runner_that_failed(tmp_path: Path, result: bytes) -> None:
    """A test of the workspace can write where the probe does."""
    (tmp_path / "app.py").write_text("def f():\n    return 1\n")
    (tmp_path / "app.js").write_text("function f() {}\n")
    (tmp_path / "app.test.js").write_text("import test from 'node:test'\n")
    runner = ScriptedRunner(lambda _plan: Ended(why="exit", status=0, result=result))
    files = ("app.py", "test_app.py", "app.js", "app.test.js")

    report = report_on_changes(
        place(tmp_path, runner), Wanted(files=files, changed={"app.py": None, "app.js": None}), "HEAD.."
    )

    assert [(run.tool, run.state) for run in report.tools] == [("pytest", "failed"), ("node:test", "failed")]
    assert report.held == ()


@pytest.mark.parametrize("content", ["-" * 100_000 + "1", "x = 1" + "+1" * 100_000, "x = '\0'"])
def test_a_file_that_python_can_not_parse_at_all_is_a_function_that_nothing_executes(
    tmp_path: Path, content: str
) -> None:
    runner = ScriptedRunner(lambda plan: passing(plan, tmp_path / "app.py"))
    (tmp_path / "app.py").write_text(content)
    wanted = Wanted(files=("app.py", "tests/test_app.py"), changed={"app.py": None})

    report = report_on_changes(place(tmp_path, runner), wanted, "HEAD..")

    assert [(each.name, each.executed_by) for each in report.functions] == [("(the whole file)", {})]
    assert "can't be read as Python" in "\n".join(report.notes)


@pytest.mark.parametrize("package", ["[]", '{"scripts": 1}', "[" * 100_000])
def test_a_package_json_that_is_none_names_no_runner(tmp_path: Path, package: str) -> None:
    (tmp_path / "package.json").write_text(package)
    (tmp_path / "a.test.js").write_text("import test from 'node:test'\n")

    runner = JavascriptRunner(place=place(tmp_path, ScriptedRunner(lambda _plan: ended())), kind="node")

    assert runner.is_used(("package.json", "a.test.js"))
