"""What the journals of a workspace say by their form alone: whole or not, until when, and who holds them."""

from dataclasses import dataclass

from babysitter.journal.recovery import survey
from babysitter.model.errors import CorruptJournalError, NotFoundError
from babysitter.model.events import END_NAMES
from babysitter.service.wiring import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFacts:
    """One journal. ``last``: the time of its last good line, or empty.

    problem: why a line does not chain.
    torn: the problem is a tail that a crash can leave, and that the next driver cuts off.
    """

    run_id: str
    lines: int
    last: str
    ended: bool
    problem: str = ""
    torn: bool = False


def read_journals(workspace: Workspace) -> tuple[JournalFacts, ...]:
    """Return the facts of every run's journal. A run that is being driven right now may end in half a line.

    Raises:
        StoreFailedError: the disk could not be read.
    """
    return tuple(_facts(workspace, run_id) for run_id in workspace.store.run_ids())


def _facts(workspace: Workspace, run_id: str) -> JournalFacts:
    try:
        data = workspace.store.read_journal(run_id)
    except NotFoundError:
        return JournalFacts(run_id=run_id, lines=0, last="", ended=False, problem="there is no journal")
    try:
        found = survey(run_id, data)
    except CorruptJournalError as error:
        problem = f"line {error.facts['line']} {error.facts['problem']}"
        return JournalFacts(run_id=run_id, lines=0, last="", ended=False, problem=problem)
    last = found.records[-1]
    return JournalFacts(
        run_id=run_id,
        lines=found.chain.seq,
        last=last.recorded_at,
        ended=last.type in END_NAMES,
        problem=f"{len(found.tail)} bytes after line {found.chain.seq} are torn" if found.tail else "",
        torn=bool(found.tail),
    )
