"""What runners of tests answer, and what becomes of an answer that is no good: never a pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from babysitter.model.effects import Sandbox
from babysitter.model.errors import MissingToolError
from babysitter.model.runner import Ended, OutputSink, Program, StopToken
from babysitter.scanners.security_tests.running import Place, Wanted
from babysitter.scanners.security_tests.with_javascript import JavascriptRunner
from babysitter.scanners.security_tests.with_pytest import PytestRunner

pytestmark = pytest.mark.promise("G16")
Answer = Callable[[dict[str, Any]], Ended]


def ended(result: Any = None, status: int = 0, why: str = "exit") -> Ended:
    return Ended(why=why, status=status, result=b"" if result is None else msgspec.json.encode(result))


class ScriptedRunner:
    """See model.runner.Runner. Answers as the test says, by the plan that a program gets."""

    name = "none"

    def __init__(self, answer: Answer, said: bytes = b"") -> None:
        self.answer, self.said = answer, said
        self.plans: list[dict[str, Any]] = []
        self.programs: list[Program] = []

    def profile_sha256(self, sandbox: Sandbox) -> str:
        return ""

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        plan = msgspec.json.decode(program.input or b"{}")
        self.plans.append(plan)
        self.programs.append(program)
        stderr.write(self.said)
        return self.answer(plan)


def place(root: Path, runner: ScriptedRunner) -> Place:
    return Place(
        runner=runner,
        root=root,
        sandbox=Sandbox(),
        timeout_s=5,
        python=Path("/venv/bin/python"),
        node=Path("/usr/bin/node"),
    )


WANTED = Wanted(files=("app.py", "tests/test_app.py"), changed={"app.py": None})
LISTED = {
    "tests": [
        {
            "id": "tests/test_app.py::test_login",
            "path": "tests/test_app.py",
            "names": ["test_login"],
            "marks": [],
        }
    ]
}


def with_pytest(root: Path, answer: Answer, said: bytes = b"") -> Any:
    (root / "app.py").write_text("def f():\n    return 1\n")
    return PytestRunner(place=place(root, ScriptedRunner(answer, said))).run(WANTED)


@pytest.mark.parametrize(
    ("answer", "said", "state", "why"),
    [
        (
            lambda _plan: ended(status=1),
            b"/venv/bin/python: No module named pytest\n",
            "missing",
            "has no pytest",
        ),
        (
            lambda plan: ended({**LISTED, "missing": "coverage" if "run" in plan else ""}),
            b"",
            "missing",
            "no coverage",
        ),
        (
            lambda _plan: ended({"errors": ["tests/test_app.py"]}, status=2),
            b"E  boom\n",
            "failed",
            "can't be collected",
        ),
        (lambda _plan: ended(LISTED, status=4), b"usage: nonsense\n", "failed", "nonsense"),
        (lambda _plan: ended(status=0), b"", "failed", "it said nothing"),
        (lambda _plan: ended(why="timeout"), b"", "failed", "did not end within 5 s"),
        (lambda _plan: ended(why="signal", status=9), b"", "failed", "ended by a signal"),
    ],
)
def test_an_answer_that_is_no_good_is_no_pass(
    tmp_path: Path, answer: Answer, said: bytes, state: str, why: str
) -> None:
    ran = with_pytest(tmp_path, answer, said)

    assert ran.tool.state == state
    assert why in ran.tool.why
    assert ran.tool.fix
    assert ran.tests == ()
    assert [function.executed_by for function in ran.functions] == [{}]


def test_a_program_that_is_not_there_is_missing(tmp_path: Path) -> None:
    def answer(_plan: dict[str, Any]) -> Ended:
        raise MissingToolError("python is not on this machine.", hint="Install it.")

    assert with_pytest(tmp_path, answer).tool.state == "missing"


def test_a_test_whose_end_nobody_saw_was_not_passed(tmp_path: Path) -> None:
    ran = with_pytest(tmp_path, lambda _plan: ended(LISTED))

    assert [test.outcome for test in ran.tests] == ["skipped"]


def test_only_lines_that_a_passed_test_executed_cover_a_function(tmp_path: Path) -> None:
    def answer(plan: dict[str, Any]) -> Ended:
        if "run" not in plan:
            return ended(LISTED)
        lines = {str(tmp_path / "app.py"): {"2": ["tests/test_app.py::test_login"]}}
        return ended({**LISTED, "outcomes": {"tests/test_app.py::test_login": outcome}, "lines": lines})

    outcome = "passed"
    assert with_pytest(tmp_path, answer).functions[0].executed_by == {"authentication": 1}
    outcome = "failed"
    assert with_pytest(tmp_path, answer).functions[0].executed_by == {}


def test_a_file_that_is_no_python_is_a_function_that_nothing_executes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def f(:\n")
    runner = PytestRunner(place=place(tmp_path, ScriptedRunner(lambda _plan: ended(LISTED))))

    ran = runner.run(WANTED)

    assert [function.name for function in ran.functions] == ["(the whole file)"]
    assert ran.notes[0].startswith("NOT COVERED: app.py can't be read as Python")


JS = Wanted(files=("package.json", "app.js", "app.test.js"), changed={"app.js": frozenset({2})})


def with_javascript(root: Path, answer: Answer, kind: Any = "jest") -> tuple[Any, ScriptedRunner]:
    scripted = ScriptedRunner(answer)
    runner = JavascriptRunner(place=place(root, scripted), kind=kind)
    (root / "node_modules" / str(kind)).mkdir(parents=True, exist_ok=True)
    return runner.run(JS), scripted


def run_of(*tests: tuple[str, str], functions: Any = None) -> dict[str, Any]:
    told = [{"names": ["shop", name], "outcome": outcome, "isSuite": False} for name, outcome in tests]
    return {"file": "app.test.js", "tests": told, "said": "", "functions": functions or {}}


@pytest.mark.parametrize("kind", ["jest", "vitest"])
def test_a_category_is_measured_by_its_own_tests(tmp_path: Path, kind: str) -> None:
    functions = {
        "app.js": [
            {"name": "f", "line": 1, "end": 3, "count": 1},
            {"name": "g", "line": 5, "end": 6, "count": 0},
        ]
    }

    def answer(plan: dict[str, Any]) -> Ended:
        if plan["runs"][0]["names"] is None:
            return ended({"runs": [run_of(("login", "passed"), ("admin", "passed"))], "version": "v20"})
        ran = [
            run_of(("login", "passed"), ("admin", "skipped"), functions=functions),
            run_of(("login", "skipped"), ("admin", "passed")),
        ]
        return ended({"runs": ran, "version": "v20"})

    ran, scripted = with_javascript(tmp_path, answer, kind)

    assert [test.categories for test in ran.tests] == [("authentication",), ("authorization",)]
    assert [(each.name, each.executed_by, each.granularity) for each in ran.functions] == [
        ("f", {"authentication": 1}, "category")
    ]
    assert [run["names"] for run in scripted.plans[1]["runs"]] == [[["shop", "login"]], [["shop", "admin"]]]


def test_a_run_that_could_not_leave_others_out_says_that_it_is_of_the_whole_file(tmp_path: Path) -> None:
    functions = {"app.js": [{"name": "f", "line": 1, "end": 3, "count": 1}]}
    both = run_of(("login", "passed"), ("admin", "passed"), functions=functions)

    ran, _ = with_javascript(tmp_path, lambda _plan: ended({"runs": [both, both], "version": "v20"}))

    assert ran.functions[0].granularity == "file"


def test_a_file_that_no_test_loads_is_a_function_that_nothing_executes(tmp_path: Path) -> None:
    ran, _ = with_javascript(
        tmp_path, lambda _plan: ended({"runs": [run_of(("login", "passed"))], "version": "v20"})
    )

    assert [(each.name, each.executed_by) for each in ran.functions] == [("(the whole file)", {})]


def test_a_report_that_a_runner_did_not_write_is_no_pass(tmp_path: Path) -> None:
    failed = {**run_of(), "failed": True, "said": "SyntaxError: boom"}

    ran, _ = with_javascript(tmp_path, lambda _plan: ended({"runs": [failed], "version": "v20"}))

    assert (ran.tool.state, ran.tool.why) == ("failed", "app.test.js: SyntaxError: boom")


def test_a_suite_that_fails_fails_its_tests(tmp_path: Path) -> None:
    suite = {"names": ["shop"], "outcome": "failed", "isSuite": True}
    run = run_of(("login", "passed"))

    ran, _ = with_javascript(
        tmp_path, lambda _plan: ended({"runs": [{**run, "tests": [*run["tests"], suite]}], "version": "v20"})
    )

    assert [test.outcome for test in ran.tests] == ["failed"]


def test_packages_that_are_not_installed_are_missing(tmp_path: Path) -> None:
    runner = JavascriptRunner(place=place(tmp_path, ScriptedRunner(lambda _plan: ended())), kind="vitest")

    ran = runner.run(JS)

    assert (ran.tool.state, ran.tool.fix) == ("missing", "Install the project's packages: npm ci")


@pytest.mark.parametrize(
    ("package", "kind"),
    [
        ('{"devDependencies": {"vitest": "1"}}', "vitest"),
        ('{"scripts": {"test": "jest"}}', "jest"),
        ("{}", "node"),
    ],
)
def test_the_workspace_says_which_runner_it_uses(tmp_path: Path, package: str, kind: str) -> None:
    (tmp_path / "package.json").write_text(package)
    (tmp_path / "app.test.js").write_text("require('node:test')\n")
    scripted = ScriptedRunner(lambda _plan: ended())
    kinds: Any = ("node", "jest", "vitest")

    used = [
        each
        for each in kinds
        if JavascriptRunner(place=place(tmp_path, scripted), kind=each).is_used(JS.files)
    ]

    assert used == [kind]
