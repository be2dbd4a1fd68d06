"""Running the security tests of a workspace: which categories hold for what has changed."""

import sys
from collections.abc import Sequence
from pathlib import Path

from babysitter.changes.patches import changed_lines
from babysitter.model.effects import Sandbox
from babysitter.model.errors import MissingToolError, UsageError
from babysitter.model.findings import ToolRun
from babysitter.model.rules import SecurityTest
from babysitter.model.security_tests import SecurityReport
from babysitter.scanners.security_tests.running import Place, Ran, Tests, Wanted
from babysitter.scanners.security_tests.with_javascript import JavascriptRunner
from babysitter.scanners.security_tests.with_pytest import PytestRunner
from babysitter.service.wiring import Workspace

TASK = "security-tests"
"""``[[sandbox.tasks]]`` with this name grants the tests what they need besides."""
SINCE = "HEAD.."
TESTS_S_MAX = 1800.0
"""So long may the tests of one runner take."""
_CODE = (".py", ".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx")


def run_security_tests(
    workspace: Workspace, *, since: str = SINCE, python: Path | None = None, arguments: tuple[str, ...] = ()
) -> SecurityReport:
    """Run the security tests and hold them against what has changed.

    Args:
        workspace: whose tests.
        since: ``base..``.
        python: the interpreter with the workspace's pytest; None: that of its virtual environment.
        arguments: more for pytest.

    Raises:
        UsageError: ``since`` does not end at the workspace.
        ReviewError: what has changed can't be told.
        SandboxError: programs can't be confined here.
    """
    if not since.endswith(".."):
        raise UsageError(
            f"the tests run in the workspace as it is, not in {since}.",
            hint="Use --since main.. with nothing behind.",
        )
    compared = workspace.changes.compare(since, "")
    lines = changed_lines(compared.found.files, compared.found.patch)
    here = {file.path for file in compared.found.files if file.change != "deleted"}
    wanted = Wanted(
        files=workspace.changes.files(compared.tree),
        changed={path: changed for path, changed in lines.items() if path in here},
    )
    place = Place(
        runner=workspace.runner,
        root=workspace.root,
        sandbox=workspace.place.settings.granted(TASK, Sandbox()),
        timeout_s=TESTS_S_MAX,
        python=python or own_python(workspace.root),
        node=_node(workspace),
        arguments=arguments,
    )
    ran = [runner.run(wanted) for runner in _runners(place) if runner.is_used(wanted.files)]
    return _told(since, ran, wanted)


def own_python(root: Path) -> Path:
    """Return the interpreter of a workspace's virtual environment; ours when it has none."""
    found = [root / name / "bin" / "python" for name in (".venv", "venv")]
    return next((python for python in found if python.exists()), Path(sys.executable))


def gate(report: SecurityReport, required: Sequence[SecurityTest]) -> bool:
    """Tell whether every category that is required counts."""
    return set(required) <= set(report.held)


def _node(workspace: Workspace) -> Path | None:
    try:
        return workspace.node()
    except MissingToolError:
        return None


def _runners(place: Place) -> tuple[Tests, ...]:
    return (
        PytestRunner(place=place),
        JavascriptRunner(place=place, kind="node"),
        JavascriptRunner(place=place, kind="jest"),
        JavascriptRunner(place=place, kind="vitest"),
    )


def _told(since: str, ran: Sequence[Ran], wanted: Wanted) -> SecurityReport:
    """Return the report. Without any runner there is a tool that is missing: no tests are no pass."""
    tools = tuple(run.tool for run in ran)
    if not ran:
        why = "there are no tests of pytest, node:test, jest or vitest."
        tools = (ToolRun(tool=TASK, state="missing", why=why, fix="Write some."),)
    told = {function.path for run in ran for function in run.functions}
    code = [path for path in wanted.changed if path.endswith(_CODE)]
    notes = [note for run in ran for note in run.notes]
    rest = [path for path in code if path not in told]
    if rest:
        names = ", ".join(sorted(rest))
        notes.append(f"No function of these has a changed line, or they are tests themselves: {names}.")
    return SecurityReport(
        since=since,
        tools=tools,
        tests=tuple(test for run in ran for test in run.tests),
        functions=tuple(function for run in ran for function in run.functions),
        notes=tuple(notes),
    )
