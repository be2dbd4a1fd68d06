"""Reading runs without driving them: no lease, no process code, no secret; values stay masked."""

from collections.abc import Iterable, Iterator

from babysitter.journal.reader import Store, read_more, read_records
from babysitter.model import events as ev
from babysitter.model.errors import CorruptJournalError, NotFoundError
from babysitter.model.lines import Chain, Record
from babysitter.service.state import RunState


def run_created(store: Store, run_id: str) -> ev.RunCreated:
    """Return a run's first event.

    Raises:
        NotFoundError, CorruptJournalError.
    """
    first = next(iter(read_records(store, run_id, torn_tail_ok=True)), None)
    event = first.event() if first is not None else None
    if not isinstance(event, ev.RunCreated):
        raise CorruptJournalError(
            f"the journal of {run_id} does not begin with RUN_CREATED.",
            hint="Nothing can be done with it.",
            line=1,
        )
    return event


def read_state(store: Store, run_id: str) -> RunState:
    """Return where a run stands, from its journal."""
    state = RunState()
    for record in read_records(store, run_id, torn_tail_ok=True):
        state.apply(record.event(), seq=record.seq, recorded_at=record.recorded_at)
    return state


def resolve_run_id(store: Store, text: str) -> str:
    """Return the id of the one run whose id is, or begins with, the text; ``last`` is the newest.

    Raises:
        NotFoundError: none, or several.
    """
    run_ids = store.run_ids()
    if text in run_ids:
        return text
    if text == "last" and run_ids:
        return max(run_ids, key=lambda run_id: run_created_at(store, run_id))
    found = [run_id for run_id in run_ids if run_id.startswith(text)]
    roots = [
        run_id
        for run_id in found
        if not any(run_id != other and run_id.startswith(other + ".") for other in found)
    ]
    if len(roots) == 1:
        return roots[0]
    if not found:
        raise NotFoundError(f"there is no run {text}.", hint="See them with: babysitter run list")
    raise NotFoundError(
        f"{text} begins the ids of {len(found)} runs.", hint="Give more of the id: " + ", ".join(found[:5])
    )


def run_created_at(store: Store, run_id: str) -> str:
    """Return when a run was created, RFC 3339; empty when its journal can't be read."""
    first = next(iter(read_records(store, run_id, torn_tail_ok=True)), None)
    return first.recorded_at if first is not None else ""


def find_breakpoint(store: Store, text: str) -> tuple[str, str]:
    """Return (run id, breakpoint id) of the one open breakpoint that the text names; see ``pick``."""
    return pick(
        (
            (run_id, breakpoint_id)
            for run_id, state in read_states(store)
            for breakpoint_id in state.breakpoints
        ),
        text,
    )


def pick(open_ones: Iterable[tuple[str, str]], text: str) -> tuple[str, str]:
    """Return (run id, breakpoint id) of the one of these that the text names.

    ``text``: ``<runId>/<breakpointId>``, or a beginning of it, or of the breakpoint's id alone.

    Raises:
        NotFoundError: none, or several.
    """
    found = [
        (run_id, breakpoint_id)
        for run_id, breakpoint_id in open_ones
        if f"{run_id}/{breakpoint_id}".startswith(text) or breakpoint_id.startswith(text)
    ]
    exact = [pair for pair in found if text in (f"{pair[0]}/{pair[1]}", pair[1])]
    if len(exact) == 1:
        return exact[0]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            f"no open breakpoint is named {text}.", hint="See what waits with: babysitter inbox"
        )
    names = ", ".join(f"{run_id}/{breakpoint_id}" for run_id, breakpoint_id in found[:5])
    raise NotFoundError(f"{text} names {len(found)} open breakpoints.", hint=f"Give one of: {names}")


def read_states(store: Store) -> Iterator[tuple[str, RunState]]:
    """Yield the id and state of every run whose journal can be read."""
    for run_id in store.run_ids():
        try:
            yield run_id, read_state(store, run_id)
        except CorruptJournalError:
            # ``run list`` and ``inbox`` must work although one run is broken; ``journal verify`` names it.
            continue


def read_records_of_all(store: Store) -> Iterator[tuple[ev.RunCreated, list[Record]]]:
    """Yield the first event and all lines of every run whose journal can be read."""
    for run_id in store.run_ids():
        try:
            yield run_created(store, run_id), list(read_records(store, run_id, torn_tail_ok=True))
        except CorruptJournalError:
            continue


class JournalTail:
    """Reads the lines that are new since the last look. What is being written is not there yet."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._chain = Chain()

    @property
    def offset(self) -> int:
        """How many bytes of the journal have been read."""
        return self._chain.offset

    def more(self) -> Iterator[Record]:
        """Yield the lines that have come since."""
        yield from read_more(self._store, self._run_id, self._chain, torn_tail_ok=True)
