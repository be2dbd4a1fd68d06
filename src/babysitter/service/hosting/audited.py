"""What an auditor sees of a workspace: emergencies, who answered what, what of each run is proven."""

import tempfile
from dataclasses import dataclass
from typing import IO

from babysitter.model.errors import NotFoundError, RefusedError, UsageError
from babysitter.service.approvals_list import ApprovalView, Wanted, list_approvals
from babysitter.service.auditing import AuditReport, audit
from babysitter.service.exporting import run_archive
from babysitter.service.handing_over import pack
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.verified import VerifiedRun
from babysitter.service.hosting.visit import Visit
from babysitter.service.views import View

PAGE = 50
ARCHIVE_BYTES_MAX = 64 * 1024 * 1024


class RunProof(View, frozen=True, kw_only=True):
    """A run, and what verifying it found; None: this server has not verified it.

    grown: how many lines have come since it was verified.
    """

    run_id: str
    process_id: str
    status: str
    created_at: str
    lines: int
    verified: VerifiedRun | None
    grown: int
    problem: str


class Audited(View, frozen=True, kw_only=True):
    """A workspace. ``emergencies``: questions whose glass was broken and that nobody has reviewed yet.

    runs: a page of them, newest first, from ``skip`` on. sound, broken, unverified: of all its runs.
    """

    workspace: str
    emergencies: tuple[str, ...]
    runs: tuple[RunProof, ...]
    skip: int
    total: int
    sound: int
    broken: int
    unverified: int


class ApprovalsPage(View, frozen=True, kw_only=True):
    """Some answers, newest first. people, rules, environments: all that occur, to filter by."""

    workspace: str
    approvals: tuple[ApprovalView, ...]
    skip: int
    total: int
    people: tuple[str, ...]
    rules: tuple[str, ...]
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VisitedAudit:
    """Use cases of a visitor who audits."""

    visit: Visit

    def overview(self, workspace: str = "", *, skip: int = 0) -> Audited:
        """Return what is proven of each run, a page at a time."""
        hosted = self.visit.at("audit.read", workspace)
        entries = hosted.catalogue.all()
        found = [hosted.verified.get(entry.run_id) for entry in entries]
        skip = _checked(skip)
        runs = tuple(
            RunProof(
                run_id=entry.run_id,
                process_id=entry.process_id,
                status=entry.status,
                created_at=entry.created_at,
                lines=entry.seq,
                verified=verified,
                grown=max(0, entry.seq - verified.found.lines) if verified is not None else 0,
                problem=entry.problem,
            )
            for entry, verified in list(zip(entries, found, strict=True))[skip : skip + PAGE]
        )
        return Audited(
            workspace=hosted.id,
            emergencies=_emergencies(hosted),
            runs=runs,
            skip=skip,
            total=len(entries),
            sound=sum(1 for each in found if each is not None and each.found.ok),
            broken=sum(1 for each in found if each is not None and not each.found.ok),
            unverified=sum(1 for each in found if each is None),
        )

    def approvals(self, wanted: Wanted, workspace: str = "", *, skip: int = 0) -> ApprovalsPage:
        """Return the answers that are wanted, newest first, a page at a time."""
        hosted = self.visit.at("audit.read", workspace)
        skip = _checked(skip)
        every = list_approvals(hosted.workspace, Wanted())
        found = [view for view in reversed(every) if wanted.takes(view)]
        return ApprovalsPage(
            workspace=hosted.id,
            approvals=tuple(found[skip : skip + PAGE]),
            skip=skip,
            total=len(found),
            people=tuple(sorted({view.approver for view in every})),
            rules=tuple(sorted({view.rule for view in every})),
            environments=tuple(sorted({view.environment for view in every if view.environment})),
        )

    def archive(self, run_id: str, workspace: str = "") -> bytes:
        """Return a run's files, all but what is derived, as one tar file.

        Raises:
            RefusedError: they are larger than ``ARCHIVE_BYTES_MAX``.
        """
        hosted = self.visit.run("audit.read", run_id, workspace)
        return run_archive(hosted.workspace, run_id, bytes_max=ARCHIVE_BYTES_MAX)[0]

    def export(self, run_ids: tuple[str, ...], workspace: str = "") -> IO[bytes]:
        """Return what ``babysitter audit export`` writes, as an open file that has no name; none: all runs.

        Raises:
            NotFoundError: the workspace has no such run.
        """
        hosted = self.visit.at("audit.read", workspace)
        chosen = self._known(hosted, run_ids) or hosted.workspace.store.run_ids()
        # It has no name, so it is gone when it is closed, whatever becomes of this process.
        file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever sends it closes it)
        try:
            pack(hosted.workspace, chosen, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    def report(self, run_ids: tuple[str, ...], since: str, workspace: str = "") -> str:
        """Return a page on these runs, or on those that began then or later, that needs nothing else.

        Raises:
            UsageError: neither is given, or both.
            NotFoundError: the workspace has no such run.
        """
        from babysitter.service.report_pages import as_html  # noqa: PLC0415 (only here)
        from babysitter.service.reporting import report_on  # noqa: PLC0415 (imports cryptography)

        hosted = self.visit.at("audit.read", workspace)
        if bool(run_ids) == bool(since):
            raise UsageError("say which runs, or since when.", hint="Give runs=A,B or since=2026-01-01.")
        chosen = self._known(hosted, run_ids) or [
            entry.run_id for entry in reversed(hosted.catalogue.all()) if entry.created_at >= since
        ]
        what = f"since {since}" if since else f"of {hosted.id}"
        title = f"Report on {len(chosen)} run{'' if len(chosen) == 1 else 's'} {what}"
        return as_html(title, report_on(hosted.workspace, chosen, title=title))

    def _known(self, hosted: Hosted, run_ids: tuple[str, ...]) -> list[str]:
        known = set(hosted.workspace.store.run_ids()) if run_ids else ()
        for run_id in run_ids:
            if run_id not in known:
                raise NotFoundError(f"there is no run {run_id[:80]}.", hint="See which there are at /runs.")
        return list(dict.fromkeys(run_ids))

    def verify(self, workspace: str = "") -> AuditReport:
        """Verify every run, the log, signatures and rules; what is unproven is said.

        Raises:
            RefusedError: somebody else's verification of this workspace is under way.
        """
        hosted = self.visit.at("audit.read", workspace)
        if not hosted.verified.whole.acquire(blocking=False):
            raise RefusedError("this workspace is being verified just now.", hint="Ask again later.")
        try:
            return audit(hosted.workspace.store, hosted.workspace.log_folder)
        finally:
            hosted.verified.whole.release()


def _emergencies(hosted: Hosted) -> tuple[str, ...]:
    workspace = hosted.workspace
    return tuple(workspace.unreviewed()) if workspace.log_folder.is_dir() else ()


def _checked(skip: int) -> int:
    if skip < 0:
        raise UsageError(f"skip is {skip}.", hint="Skip none or more.")
    return skip
