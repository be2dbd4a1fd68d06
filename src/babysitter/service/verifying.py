"""Verifying runs, as views."""

from collections.abc import Sequence

from babysitter.journal.verify import Problem, verify_run
from babysitter.service.views import View
from babysitter.service.wiring import Workspace


class VerificationView(View, frozen=True, kw_only=True):
    """What verifying one run found. ``unproven``: what no chain can show."""

    run_id: str
    ok: bool
    lines: int
    first_bad: int | None
    problems: tuple[str, ...]
    unproven: tuple[str, ...]


def verify_runs(workspace: Workspace, run_ids: Sequence[str]) -> list[VerificationView]:
    """Verify runs; change nothing."""
    views = []
    for run_id in run_ids:
        found = verify_run(workspace.store, run_id)
        views.append(
            VerificationView(
                run_id=run_id,
                ok=found.ok,
                lines=found.lines,
                first_bad=found.first_bad,
                problems=tuple(_sentence(problem) for problem in found.problems),
                unproven=tuple(found.unproven),
            )
        )
    return views


def _sentence(problem: Problem) -> str:
    """Return what is wrong; its text names line and path already where it has them."""
    return problem.what[:1].upper() + problem.what[1:] + "."
