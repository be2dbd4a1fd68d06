"""Have every runner of a workspace's tests look at what changed, and say what none of them can look at.

A file of program code that no runner measures is one that nothing executes: a change in a language without
tests of ours is no more covered than one that no test loads.
"""

import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from babysitter.model.findings import ToolRun
from babysitter.model.security_tests import ChangedFunction, SecurityReport
from babysitter.scanners.security_tests import with_javascript, with_pytest
from babysitter.scanners.security_tests.running import Place, Ran, Tests, Wanted, whole_file
from babysitter.scanners.security_tests.with_javascript import JavascriptRunner
from babysitter.scanners.security_tests.with_pytest import PytestRunner

TASK = "security-tests"
"""What the tests are called in ``[[sandbox.tasks]]``, where they are granted what they need besides."""
TESTS_S_MAX = 1800.0
"""So long may the tests of one runner take."""
_OTHER_CODE = frozenset(
    ".bash .c .cc .clj .cpp .cs .cxx .dart .ex .exs .go .groovy .h .hpp .java .kt .kts .lua .m .mm .php "
    ".pl .pm .ps1 .rb .rs .scala .sh .svelte .swift .vue .zsh".split()
)
"""Endings of program code of which no runner tells what executes it."""


def report_on_changes(place: Place, wanted: Wanted, since: str) -> SecurityReport:
    """Return which security tests there are, how they ended, and which changed functions they execute."""
    used = [runner for runner in _runners(place) if runner.is_used(wanted.files)]
    ran = [runner.run(wanted) for runner in used]
    functions = [function for run in ran for function in run.functions]
    tools = tuple(run.tool for run in ran)
    if not ran:
        why = "there are no tests of pytest, node:test, jest or vitest."
        tools = (ToolRun(tool=TASK, state="missing", why=why, fix="Write some."),)
    unmeasured = _unmeasured(wanted, ran, used)
    return SecurityReport(
        since=since,
        tools=tools,
        tests=tuple(test for run in ran for test in run.tests),
        functions=(*functions, *map(whole_file, unmeasured)),
        notes=(*(note for run in ran for note in run.notes), *_notes(wanted, functions, unmeasured)),
    )


def own_python(root: Path) -> Path:
    """Return the interpreter of a workspace's virtual environment; ours when it has none."""
    found = [root / name / "bin" / "python" for name in (".venv", "venv")]
    return next((python for python in found if python.exists()), Path(sys.executable))


def _runners(place: Place) -> tuple[Tests, ...]:
    return (
        PytestRunner(place=place),
        JavascriptRunner(place=place, kind="node"),
        JavascriptRunner(place=place, kind="jest"),
        JavascriptRunner(place=place, kind="vitest"),
    )


def _unmeasured(wanted: Wanted, ran: Sequence[Ran], used: Sequence[Tests]) -> list[str]:
    """Return the changed files of code that no runner looks at."""
    told = {function.path for run in ran for function in run.functions}
    return [
        path
        for path in wanted.changed
        if path not in told and _is_code(path) and not any(runner.measures(path) for runner in used)
    ]


def _is_code(path: str) -> bool:
    if _is_test(path):
        return False
    measured = (*with_pytest.SUFFIXES, *with_javascript.SUFFIXES)
    return path.endswith(measured) or PurePosixPath(path).suffix.lower() in _OTHER_CODE


def _is_test(path: str) -> bool:
    return with_pytest.is_test_file(path) or with_javascript.is_test_file(path)


def _notes(wanted: Wanted, functions: Sequence[ChangedFunction], unmeasured: Sequence[str]) -> list[str]:
    told = {*unmeasured, *(function.path for function in functions)}
    rest = sorted(path for path in wanted.changed if path not in told and (_is_code(path) or _is_test(path)))
    if not rest:
        return []
    return [f"No function of these has a changed line, or they are tests themselves: {', '.join(rest)}."]
