"""What somebody who watches a run is shown: where it stands, its timeline, its lines, its verification."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from babysitter.journal.reader import read_records
from babysitter.model.errors import UsageError
from babysitter.model.events import EVENT_TYPES
from babysitter.model.lines import Record
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.runs import row_of
from babysitter.service.hosting.timeline import Timeline
from babysitter.service.hosting.timeline_rows import Row, TimelineView
from babysitter.service.hosting.verified import VerifiedRun
from babysitter.service.hosting.visit import Visit
from babysitter.service.state import RunState
from babysitter.service.verifying import verify_runs
from babysitter.service.views import EventView, RunView, View, event_view, run_view

ROWS = 200
"""Rows of a timeline on one page."""
LINES = 100
"""Lines of a journal on one page."""


class RunWatched(View, frozen=True, kw_only=True):
    """A run as its page shows it.

    rows: of the timeline, from the ``first`` on; ``rows_total``: how many there are.
    problem: why a driver can't go on with it. may: which actions the caller's roles allow here.
    """

    workspace: str
    run: RunView
    digest: str
    trust: str
    parent_run_id: str | None
    timeline: TimelineView
    rows: tuple[Row, ...]
    first: int
    rows_total: int
    problem: str
    verified: VerifiedRun | None
    may: frozenset[str]


class LinesShown(View, frozen=True, kw_only=True):
    """Some lines of a journal. ``counts``: how many there are of each type; ``total``: of those wanted.

    before, after: cursors of the pages on either side; None: there is none.
    """

    workspace: str
    run_id: str
    lines: tuple[EventView, ...]
    counts: dict[str, int]
    total: int
    begin: int
    before: int | None
    after: int | None


_ACTIONS = ("run.create", "run.cancel", "run.signal", "run.verify", "breakpoint.answer", "audit.read")


@dataclass(frozen=True, slots=True)
class VisitedWatching:
    """Use cases of a visitor who watches."""

    visit: Visit

    def run(self, run_id: str, workspace: str = "", *, first: int | None = None) -> RunWatched:
        """Return a run with a page of its timeline.

        Args:
            run_id: which.
            workspace: where; empty: whichever has it.
            first: the first row of the page; None: the page on which something goes on, else the last.

        Raises:
            NotFoundError, ForbiddenError: as ``Visit``.
        """
        hosted = self.visit.run("run.read", run_id, workspace)
        state, timeline = RunState(), Timeline()
        for record in read_records(hosted.workspace.store, run_id, torn_tail_ok=True):
            event = record.event()
            state.apply(event, seq=record.seq, recorded_at=record.recorded_at)
            timeline.apply(event, seq=record.seq, recorded_at=record.recorded_at)
        view = timeline.view(hosted.workspace.clock.now_ns())
        begin = _page_of(view.rows) if first is None else max(0, first)
        entry = hosted.catalogue.get(run_id)
        assert state.created is not None, "a run that is found begins with RUN_CREATED"
        return RunWatched(
            workspace=hosted.id,
            run=run_view(run_id, state),
            digest=state.digest,
            trust=state.trust[0],
            parent_run_id=state.created.parent_run_id,
            timeline=view,
            rows=view.rows[begin : begin + ROWS],
            first=begin,
            rows_total=len(view.rows),
            problem=row_of(hosted, entry).problem if entry is not None else "",
            verified=hosted.verified.get(run_id),
            may=frozenset(action for action in _ACTIONS if self.visit.caller.may(action, hosted.id)),
        )

    def lines(
        self, run_id: str, workspace: str = "", *, types: Sequence[str] = (), begin: int | None = None
    ) -> LinesShown:
        """Return a page of a run's lines.

        Args:
            run_id: which run.
            workspace: where; empty: whichever has it.
            types: only events of these types; none: all.
            begin: how many of the wanted lines stand before the page; None: the last page.

        Raises:
            UsageError: there is no event of such a type.
        """
        unknown = [name for name in types if name not in EVENT_TYPES]
        if unknown:
            raise UsageError(
                f"there is no event of type {unknown[0][:40]!r}.", hint="docs/reference/events.md has them."
            )
        hosted = self.visit.run("run.read", run_id, workspace)
        counts: Counter[str] = Counter()
        wanted: list[Record] = []
        for record in read_records(hosted.workspace.store, run_id, torn_tail_ok=True):
            counts[record.type] += 1
            if not types or record.type in types:
                wanted.append(record)
        if begin is None:
            begin = _last_page(len(wanted), LINES)
        begin = min(max(0, begin), len(wanted))
        part = wanted[begin : begin + LINES]
        end = begin + len(part)
        return LinesShown(
            workspace=hosted.id,
            run_id=run_id,
            lines=tuple(event_view(record) for record in part),
            counts=dict(sorted(counts.items())),
            total=len(wanted),
            begin=begin,
            before=max(0, begin - LINES) if begin else None,
            after=end if end < len(wanted) else None,
        )

    def verify(self, run_id: str, workspace: str = "") -> VerifiedRun:
        """Verify a run's journal and files now, and remember what was found; nothing of it is changed."""
        hosted = self.visit.run("run.verify", run_id, workspace)
        return verified_now(hosted, run_id)


def verified_now(hosted: Hosted, run_id: str) -> VerifiedRun:
    """Verify a run and remember what was found."""
    store, clock = hosted.workspace.store, hosted.workspace.clock
    (found,) = verify_runs(store, [run_id])
    return hosted.verified.keep(found, at_ns=clock.now_ns())


def _page_of(rows: Sequence[Row]) -> int:
    """Return where the page begins on which the first open row stands; on the last one, a full one."""
    place = next((index for index, row in enumerate(rows) if any(bar.open for bar in row.bars)), None)
    return _last_page(len(rows), ROWS) if place is None or place >= len(rows) - ROWS else place - place % ROWS


def _last_page(total: int, size: int) -> int:
    """Return where the last page begins: a full one, since a few lines alone tell nobody what led to them."""
    return max(0, total - size)
