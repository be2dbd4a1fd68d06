"""Running the security tests of a workspace: which categories hold for what has changed."""

from collections.abc import Sequence
from pathlib import Path

from babysitter.changes.patches import lines_there
from babysitter.model.effects import Sandbox
from babysitter.model.errors import UsageError
from babysitter.model.rules import SecurityTest
from babysitter.model.security_tests import SecurityReport
from babysitter.scanners.security_tests.running import Place, Wanted
from babysitter.scanners.security_tests.testing import TASK, TESTS_S_MAX, own_python, report_on_changes
from babysitter.service.wiring import Workspace

SINCE = "HEAD.."


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
    wanted = Wanted(
        files=workspace.changes.files(compared.tree),
        changed=lines_there(compared.found.files, compared.found.patch),
    )
    place = Place(
        runner=workspace.runner,
        root=workspace.root,
        sandbox=workspace.place.settings.granted(TASK, Sandbox()),
        timeout_s=TESTS_S_MAX,
        python=python or own_python(workspace.root),
        node=workspace.node_if_any(),
        arguments=arguments,
    )
    return report_on_changes(place, wanted, since)


def gate(report: SecurityReport, required: Sequence[SecurityTest]) -> bool:
    """Tell whether every category that is required counts."""
    return set(required) <= set(report.held)
