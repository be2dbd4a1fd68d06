"""The runs of a workspace as the Atlas reads them: all by their summaries, the newest by their journals.

A summary is ``run.json``, which is written once. A graph is kept for whoever asks next, while the journal
ends in the line that it ended in: each line holds the SHA-256 of all before it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from babysitter.journal.layout import RUN
from babysitter.journal.reader import Store
from babysitter.model.errors import CorruptJournalError, NotFoundError
from babysitter.service.atlas.graph import Graph
from babysitter.service.atlas.run_graph import run_graph

RUNS_READ = 200
"""So many journals are read, those of the newest runs, for what many runs speak of."""
_KEPT_GRAPHS = 256
_KEPT_EDGES_MAX = 2000


class Summary(Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``run.json`` says. Empty where it says nothing, or can't be read."""

    run_id: str = ""
    process_id: str = ""
    entry: str = ""
    created_at: str = ""
    requested_by: str = ""


class History:
    """The runs of one workspace. May be asked by several threads at once."""

    def __init__(self, store: Store, folder_of: Callable[[str], str], runs_read: int = RUNS_READ) -> None:
        self._store = store
        self._folder_of = folder_of
        self._runs_read = runs_read
        self._summaries: dict[str, Summary] = {}
        self._graphs: OrderedDict[str, tuple[Graph, int, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def summaries(self) -> list[Summary]:
        """Return a summary of every run, newest first."""
        run_ids = self._store.run_ids()
        with self._lock:
            known = self._summaries
        # Made anew each time, so that a run which was removed is gone.
        fresh = {run_id: known.get(run_id) or self._summary(run_id) for run_id in run_ids}
        with self._lock:
            self._summaries = {run_id: each for run_id, each in fresh.items() if each.entry}
        return sorted(fresh.values(), key=lambda each: (each.created_at, each.run_id), reverse=True)

    def newest(self, unreadable: list[str]) -> Iterator[Graph]:
        """Yield the graphs of the newest runs; the ids of those that can't be read go to ``unreadable``."""
        for each in self.summaries()[: self._runs_read]:
            try:
                yield self.graph(each.run_id)
            except CorruptJournalError:
                unreadable.append(each.run_id)
            except NotFoundError:
                # It was removed meanwhile.
                continue

    def graph(self, run_id: str) -> Graph:
        """Return the graph of one run, from its journal alone.

        Raises:
            NotFoundError, CorruptJournalError.
        """
        with self._lock:
            kept = self._graphs.get(run_id)
        if kept is not None and self._store.read_journal(run_id, offset=kept[1]) == kept[2]:
            return kept[0]
        graph, last = run_graph(self._store, run_id, self._folder_of(run_id))
        tail = self._store.read_journal(run_id, offset=last)
        # What came while it was read is not in the graph, so it would be kept as what it is not.
        if len(graph.edges) <= _KEPT_EDGES_MAX and tail.count(b"\n") == 1:
            with self._lock:
                self._graphs[run_id] = (graph, last, tail)
                self._graphs.move_to_end(run_id)
                while len(self._graphs) > _KEPT_GRAPHS:
                    self._graphs.popitem(last=False)
        return graph

    def _summary(self, run_id: str) -> Summary:
        try:
            said = msgspec.json.decode(self._store.read_file(run_id, RUN), type=Summary)
        except (NotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return Summary(run_id=run_id)
        return msgspec.structs.replace(said, run_id=run_id)
