"""Verifying runs, as views."""

from collections.abc import Sequence

from babysitter.journal.reader import Store
from babysitter.journal.verify import Problem, Verification, verify_chain, verify_run
from babysitter.service.views import View


class VerificationView(View, frozen=True, kw_only=True):
    """What verifying one run found.

    checked: ``everything``, or ``chain`` alone: then nothing is known of what the lines say, or of the files.
    unproven: what this check can't show.
    """

    run_id: str
    checked: str
    ok: bool
    lines: int
    first_bad: int | None
    problems: tuple[str, ...]
    unproven: tuple[str, ...]


def verify_runs(store: Store, run_ids: Sequence[str], *, chain_only: bool = False) -> list[VerificationView]:
    """Verify runs; change nothing. ``chain_only``: look at nothing but the chain, and say so in each view."""
    verify = verify_chain if chain_only else verify_run
    return [verification_view(verify(store, run_id)) for run_id in run_ids]


def verification_view(found: Verification) -> VerificationView:
    """Return what was found, for people."""
    return VerificationView(
        run_id=found.run_id,
        checked=found.checked,
        ok=found.ok,
        lines=found.lines,
        first_bad=found.first_bad,
        problems=tuple(_sentence(problem) for problem in found.problems),
        unproven=tuple(found.unproven),
    )


def _sentence(problem: Problem) -> str:
    """Return what is wrong; its text names line and path already where it has them."""
    return problem.what[:1].upper() + problem.what[1:] + "."
