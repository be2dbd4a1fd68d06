"""The bytes behind a question, for whoever checks for themselves what they sign: journal and shown files.

Given as they are kept, in pieces: nothing here says that they are right, and nobody need believe it.
"""

from dataclasses import dataclass

from babysitter.journal.layout import JOURNAL, shown_path
from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.errors import NotFoundError, UsageError
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.visit import Visit

PIECE_BYTES_MAX = 4 * 1024 * 1024
"""How much is given at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Which bytes are wanted, of how many there are: from ``offset`` to before ``until``.

    ``until`` 0: as many as are given at once. Making one raises UsageError for a piece that is too large, or
    none.
    """

    offset: int = 0
    until: int = 0

    def __post_init__(self) -> None:
        end = self.until or self.offset + PIECE_BYTES_MAX
        if self.offset < 0 or not self.offset < end <= self.offset + PIECE_BYTES_MAX:
            raise UsageError(
                f"offset is {self.offset} and until {self.until}.",
                hint=f"Ask for 1 to {PIECE_BYTES_MAX} bytes at once, from offset 0 or more.",
            )

    @property
    def size(self) -> int:
        """How many bytes are given at most."""
        return (self.until or self.offset + PIECE_BYTES_MAX) - self.offset


@dataclass(frozen=True, slots=True)
class VisitedEvidence:
    """Use cases of a visitor who believes no page."""

    visit: Visit

    def journal(self, run_id: str, piece: Piece, workspace: str = "") -> bytes:
        """Return a piece of a run's journal; fewer bytes than wanted: that is all there is yet."""
        hosted = self.visit.run("run.read", run_id, workspace)
        store = hosted.workspace.store
        return store.read_piece(run_id, JOURNAL, offset=piece.offset, bytes_max=piece.size).data

    def file(self, named: tuple[str, str], path: str, piece: Piece, workspace: str = "") -> bytes:
        """Return a piece of a file that a question shows, or of the document that shows it.

        Args:
            named: the run and its breakpoint.
            path: as the question's line names it, below the run's folder.
            piece: which bytes.
            workspace: which one; empty: whichever has the run.

        Raises:
            NotFoundError: the run never asked that, or does not show this file with it.
        """
        run_id, breakpoint_id = named
        hosted = self.visit.run("breakpoint.read", run_id, workspace)
        if path not in _shown(hosted, run_id, breakpoint_id):
            raise NotFoundError(
                f"{breakpoint_id[:80]} does not show {path[:200]}.",
                hint="What it shows is in its line of the journal: BREAKPOINT_REQUESTED, files.",
            )
        found = hosted.workspace.store.read_piece(run_id, path, offset=piece.offset, bytes_max=piece.size)
        return found.data


def _shown(hosted: Hosted, run_id: str, breakpoint_id: str) -> set[str]:
    """Return the paths that a question names; none where it was never asked."""
    for record in read_records(hosted.workspace.store, run_id, torn_tail_ok=True):
        if record.type != ev.BreakpointRequested.type:
            continue
        event = record.event()
        if isinstance(event, ev.BreakpointRequested) and event.breakpoint_id == breakpoint_id:
            return {shown_path(breakpoint_id), *(ref.path for ref in event.files)}
    return set()
