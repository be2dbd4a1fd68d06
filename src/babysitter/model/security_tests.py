"""What security tests there are, whether they passed, and which changed functions they execute.

A category counts only where something was executed and seen: at least one of its tests ran, each of those
that ran passed, and each changed function was executed by one of them. Everything else is no.
"""

from typing import Literal, get_args

from msgspec import Struct

from babysitter.model.findings import ToolRun
from babysitter.model.rules import SecurityTest
from babysitter.model.values import Json

CATEGORIES: tuple[SecurityTest, ...] = get_args(SecurityTest)
TESTED, REPORT, TREE = "securityTests", "securityTestsReport", "securityTestsTree"
"""In ``findings``: the categories that count, the report's lines for people, the state that was tested."""
Outcome = Literal["passed", "failed", "skipped"]
Told = Literal["marker", "name", "path"]
Granularity = Literal["test", "category", "file"]


class FoundTest(Struct, frozen=True, kw_only=True, rename="camel"):
    """A security test that was found and run.

    name: as its runner calls it: ``tests/test_login.py::test_refused``.
    categories: what it is a test of. told: by what that is known.
    """

    runner: str
    name: str
    categories: tuple[SecurityTest, ...]
    told: Told
    outcome: Outcome


class ChangedFunction(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A function with a changed line. ``line`` to ``end_line`` as the file has it now.

    executed_by: how many passed tests (or runs of a category's tests) of each category executed it.
    granularity: how exactly that is known: by each test, by all tests of a category in one file together,
        or by all tests of one file together, whatever they are tests of.
    """

    path: str
    name: str
    line: int
    end_line: int
    executed_by: dict[SecurityTest, int] = {}
    granularity: Granularity = "test"


class SecurityReport(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """All of it.

    tree: the state of the workspace that was tested, where a run knows it.
    notes: what could not be told, in sentences.
    """

    since: str
    tools: tuple[ToolRun, ...]
    tests: tuple[FoundTest, ...]
    functions: tuple[ChangedFunction, ...]
    notes: tuple[str, ...] = ()
    tree: str = ""

    @property
    def held(self) -> tuple[SecurityTest, ...]:
        """The categories that count."""
        if any(run.state != "passed" for run in self.tools):
            return ()
        return tuple(name for name in CATEGORIES if not self.lacking(name))

    def lacking(self, category: SecurityTest) -> str:
        """Return why a category does not count; empty when it does."""
        tests = [test for test in self.tests if category in test.categories]
        failed = [test for test in tests if test.outcome == "failed"]
        missed = [function for function in self.functions if not function.executed_by.get(category)]
        if not tests:
            return "no tests were found"
        if failed:
            return f"{len(failed)} of {len(tests)} tests failed"
        if not any(test.outcome == "passed" for test in tests):
            return f"none of {len(tests)} tests ran"
        if missed:
            return f"{len(missed)} of {len(self.functions)} changed functions are not executed"
        return ""

    def lines(self) -> tuple[str, ...]:
        """Return the report as lines for people; what is missing begins with a word in capitals."""
        told = [
            f"NOT COVERED: {run.tool} did not run: {run.why} {run.fix}".rstrip()
            for run in self.tools
            if run.state != "passed"
        ]
        for name in CATEGORIES:
            tests = [test for test in self.tests if name in test.categories]
            passed = sum(test.outcome == "passed" for test in tests)
            lacking = self.lacking(name)
            if lacking:
                told.append(f"NOT COVERED: {name}: {lacking}.")
            else:
                what = (
                    f"all {len(self.functions)} changed functions"
                    if self.functions
                    else "no function changed"
                )
                told.append(f"{name}: {passed} of {len(tests)} tests passed; {what}.")
        for function in self.functions:
            missed = [name for name in CATEGORIES if not function.executed_by.get(name)]
            if missed:
                place = f"{function.path}:{function.line}"
                told.append(f"NOT COVERED: {function.name} ({place}) by tests of {', '.join(missed)}.")
        return (*told, *self.notes)

    def findings(self) -> dict[str, Json]:
        """Return what a question passes as ``findings``: categories for the rules, lines for people."""
        told: dict[str, Json] = {TESTED: list(self.held), REPORT: list(self.lines())}
        return told | ({TREE: self.tree} if self.tree else {})


def only_of(tree: str, findings: Json) -> Json:
    """Return findings in which tests of another state of the workspace than ``tree`` count for nothing."""
    if not isinstance(findings, dict) or findings.get(TREE, tree) == tree:
        return findings
    lines = findings.get(REPORT)
    told = ["NOT COVERED: the workspace has changed since its tests ran, so none of them counts."]
    return {**findings, TESTED: [], REPORT: [*told, *(lines if isinstance(lines, list) else [])]}
