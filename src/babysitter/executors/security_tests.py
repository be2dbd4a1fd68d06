"""Perform the security tests of a workspace: each runner in the task's sandbox, a report as the result.

What was tested is what the report is about: it names the state of the workspace, and when that changes while
the tests run, none of them counts.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from babysitter.changes.patches import lines_there
from babysitter.changes.workspace import WorkspaceChanges
from babysitter.executors.node import node_if_any
from babysitter.model.effects import Outcome
from babysitter.model.findings import ToolRun
from babysitter.model.runner import Attempt, Runner
from babysitter.model.security_tests import SecurityReport
from babysitter.scanners.security_tests.running import Place, Wanted
from babysitter.scanners.security_tests.testing import TASK, TESTS_S_MAX, own_python, report_on_changes


@dataclass(frozen=True, slots=True)
class SecurityTestsExecutor:
    """Implements ``model.runner.Executor`` for kind ``tests``.

    Input: ``{"since", "python", "arguments"}``. Result: a ``model.security_tests.SecurityReport``.

    root: the workspace. began: the tree of the run's beginning; empty where none was kept.
    """

    runner: Runner
    root: Path
    changes: WorkspaceChanges
    began: str

    def perform(self, attempt: Attempt) -> Outcome:
        """Run the tests; see ``model.runner.Executor.perform``."""
        asked, spec = attempt.input, attempt.spec
        compared = self.changes.compare(asked["since"], self.began)
        wanted = Wanted(
            files=self.changes.files(compared.tree),
            changed=lines_there(compared.found.files, compared.found.patch),
        )
        place = Place(
            runner=self.runner,
            root=self.root,
            sandbox=spec.sandbox,
            timeout_s=spec.timeout_s or TESTS_S_MAX,
            python=self.root / asked["python"] if asked["python"] else own_python(self.root),
            node=node_if_any(),
            arguments=tuple(asked["arguments"]),
            stop=attempt.stop,
            output=attempt.stdout,
        )
        report = replace(report_on_changes(place, wanted, asked["since"]), tree=compared.tree)
        if self.changes.now(self.began) != compared.tree:
            report = _moved(report)
        return Outcome(value=msgspec.to_builtins(report))


def _moved(report: SecurityReport) -> SecurityReport:
    why = "the workspace changed while its tests ran, so nobody knows what they tested."
    fix = "Let what writes to it finish (await its task first), and run the tests after it."
    return replace(report, tools=(*report.tools, ToolRun(tool=TASK, state="failed", why=why, fix=fix)))
