"""The Atlas of a workspace: a page by its id, its JSON, its neighbours, the way to it, and a search.

What one run tells is read from that run's journal alone. What many runs speak of (a process, a task, a
person, a rule) has the edges of the newest ``history.RUNS_READ`` runs, and says so. Everything that is shown
was masked: journals when they were written, files of the workspace before they are shown.
Reference: docs/reference/atlas.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from babysitter.model.errors import NotFoundError, UsageError
from babysitter.service.atlas.graph import Graph, Node, page_of
from babysitter.service.atlas.history import RUNS_READ, History, Summary
from babysitter.service.atlas.ids import name_in, page_id, prefix_of, process_page_id, run_in
from babysitter.service.atlas.imported import Imported
from babysitter.service.atlas.records import Page, page_bytes
from babysitter.service.atlas.rules import person_node
from babysitter.service.atlas.searching import Entry, Hit, of_imported, of_node, of_summary, search_in
from babysitter.service.atlas.shipped import shipped_graph
from babysitter.service.atlas.vocabulary import KINDS, OF_A_RUN, SHARED, KindView
from babysitter.service.atlas.workspace_graph import WorkspaceGraph
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

LIMIT_MAX = 500
_TEXT_CHARS_MAX = 400
_DEPTH_MAX = 32


class Neighbour(View, frozen=True, kw_only=True):
    """A page at the other end of an edge. ``direction``: out or in; ``edge``: the kind of the edge."""

    direction: str
    edge: str
    id: str
    title: str


class Crumb(View, frozen=True, kw_only=True):
    """A step on the way to a page. ``id`` is empty for the Atlas itself and for the list of a ``kind``."""

    id: str
    kind: str
    title: str


class Atlas:
    """The use cases. One may be kept for as long as a server runs, and asked by several threads at once."""

    def __init__(self, workspace: Workspace, *, runs_read: int = RUNS_READ) -> None:
        self._own = WorkspaceGraph(workspace)
        self._history = History(workspace.store, lambda run_id: _folder(workspace, run_id), runs_read)

    def get(self, id_: str) -> Page:
        """Return a page.

        Raises:
            NotFoundError: there is none of that id.
            CorruptJournalError: the journal that it is read from does not verify.
        """
        if (record := self._imported(id_)) is not None:
            return record.page
        if prefix_of(id_) in SHARED:
            return self._shared(id_)
        graph = self._graph_of(id_)
        node = graph.nodes.get(id_)
        if node is None:
            raise _not_found(id_)
        return page_of(node, [graph])

    def page_json(self, id_: str) -> bytes:
        """Return the record of a page as JSON: an imported one byte for byte. Errors as above."""
        record = self._imported(id_)
        return record.data if record is not None else page_bytes(self.get(id_))

    def read(self, id_: str) -> tuple[Page, bytes]:
        """Return a page and its record as JSON, both of one reading. Errors as above."""
        if (record := self._imported(id_)) is not None:
            return record.page, record.data
        page = self.get(id_)
        return page, page_bytes(page)

    def neighbors(self, id_: str) -> list[Neighbour]:
        """Return the pages around a page, those that it points at first. Errors as above."""
        return self.around(self.get(id_))

    def around(self, page: Page) -> list[Neighbour]:
        """Return the pages around a page that was read already."""
        title = self._titles(page.id)
        out = [
            Neighbour(direction="out", edge=edge.kind, id=edge.to, title=title(edge.to))
            for edge in page.outgoing_edges
        ]
        return out + [
            Neighbour(direction="in", edge=edge.kind, id=edge.from_, title=title(edge.from_))
            for edge in page.incoming_edges
        ]

    def breadcrumb(self, id_: str) -> tuple[Crumb, ...]:
        """Return the way from the Atlas to a page, which stands last. Errors as above."""
        return self.way_to(self.get(id_))

    def way_to(self, page: Page) -> tuple[Crumb, ...]:
        """Return the way from the Atlas to a page that was read already."""
        listed = next((each.title for each in KINDS if each.kind == page.kind), page.kind)
        way = [Crumb(id="", kind="", title="Atlas"), Crumb(id="", kind=page.kind, title=listed)]
        if (prefix := prefix_of(page.id)) in OF_A_RUN and prefix != "run":
            run_id = run_in(page.id)
            way.append(Crumb(id=page_id("run", run_id), kind="Run", title=run_id))
        return (*way, *self._folders(page), Crumb(id=page.id, kind=page.kind, title=page.title))

    def search(self, text: str, *, kind: str | None = None, limit: int = 50, offset: int = 0) -> list[Hit]:
        """Return the pages that have every word of the text, best first; with no text, all of a kind.

        Runs are found by id, process, entry and who started them, all of them; effects, breakpoints and
        findings in the newest ``history.RUNS_READ`` runs.

        Args:
            text: words, in any order, upper case or lower.
            kind: of ``kinds()``; None: every kind.
            limit: at most ``LIMIT_MAX``.
            offset: so many hits are left out before, for the next page of a list.

        Raises:
            UsageError: the text or the limit is too large, or there is no such kind.
        """
        if len(text) > _TEXT_CHARS_MAX or not 0 < limit <= LIMIT_MAX or offset < 0:
            raise UsageError(
                f"a search takes {_TEXT_CHARS_MAX} characters and gives at most {LIMIT_MAX} pages at once.",
                hint="Search for less.",
            )
        known = [each.kind for each in self.kinds()]
        if kind is not None and kind not in known:
            raise UsageError(f"the Atlas has no kind {kind!r}.", hint=f"There are: {', '.join(known)}.")
        return search_in(self._entries(kind), text, kind)[offset : offset + limit]

    def kinds(self) -> tuple[KindView, ...]:
        """Return the kinds of pages: ours, then those of imported records."""
        ours = {each.kind for each in KINDS}
        theirs = {
            record.page.kind: record.page.cluster
            for record in self._own.imported().pages.values()
            if record.page.kind not in ours
        }
        more = [
            KindView(kind=kind, prefix="", cluster=cluster, title=kind, means="an imported record")
            for kind, cluster in theirs.items()
        ]
        return (*KINDS, *more)

    def notes(self) -> tuple[str, ...]:
        """Return what of the workspace's files is not in the Atlas, and why, a sentence each."""
        return self._own.notes()

    def _imported(self, id_: str) -> Imported | None:
        return self._own.imported().pages.get(id_)

    def _graph_of(self, id_: str) -> Graph:
        prefix = prefix_of(id_)
        if prefix == "page":
            return shipped_graph()
        if prefix == "document":
            return self._own.documents()
        if prefix in OF_A_RUN:
            return self._run(id_)
        raise _not_found(id_)

    def _run(self, id_: str) -> Graph:
        try:
            return self._history.graph(run_in(id_))
        except (NotFoundError, UsageError):
            raise _not_found(id_) from None

    def _shared(self, id_: str) -> Page:
        """Return the page of what many runs speak of."""
        unreadable: list[str] = []
        summaries = self._history.summaries()
        read = list(self._history.newest(unreadable))
        graphs = [*self._settled(prefix_of(id_)), *read]
        node = (
            next((graph.nodes[id_] for graph in graphs if id_ in graph.nodes), None)
            or next((graph.mentioned[id_] for graph in graphs if id_ in graph.mentioned), None)
            or next((each for each in _named_in(summaries) if each.id == id_), None)
        )
        if node is None:
            raise _not_found(id_)
        told: dict[str, Any] = {"runs": len(summaries), "runsRead": len(read)}
        if unreadable:
            told["runsUnreadable"] = unreadable
        return page_of(replace(node, attributes={**node.attributes, **told}), graphs)

    def _settled(self, prefix: str) -> list[Graph]:
        """Return what the workspace's files tell of such pages."""
        if prefix in ("person", "rule"):
            return [self._own.rules()]
        return [self._own.processes(), self._own.documents()]

    def _titles(self, id_: str) -> Callable[[str], str]:
        """Return what titles the neighbours of a page, without reading more than the page itself does."""
        imported = self._own.imported().pages
        prefix = prefix_of(id_)
        graphs: list[Graph] = []
        if id_ not in imported and prefix:
            graphs += self._settled(prefix) if prefix in SHARED else [self._graph_of(id_)]

        def title(other: str) -> str:
            if other in imported:
                return imported[other].page.title
            for graph in graphs:
                if (node := graph.nodes.get(other) or graph.mentioned.get(other)) is not None:
                    return node.title
            return name_in(other)

        return title

    def _entries(self, kind: str | None) -> Iterator[Entry]:
        """Yield what is searched for a kind, each page once; nothing is read that can't be of it."""
        seen: set[str] = set()
        for entry in self._all_entries(kind):
            if entry.id not in seen:
                seen.add(entry.id)
                yield entry

    def _all_entries(self, kind: str | None) -> Iterator[Entry]:
        own, history = self._own, self._history
        newest = {each.kind for each in KINDS} - {"Page", "Document", "Run"}
        sources: tuple[tuple[set[str], Callable[[], Iterable[Entry]]], ...] = (
            ({"Page"}, lambda: map(of_node, shipped_graph().nodes.values())),
            ({"Document"}, lambda: map(of_node, own.documents().nodes.values())),
            ({"Process", "Task"}, lambda: map(of_node, own.processes().nodes.values())),
            ({"Person", "Rule"}, lambda: map(of_node, own.rules().nodes.values())),
            ({"Run"}, lambda: map(of_summary, history.summaries())),
            ({"Process", "Person"}, lambda: map(of_node, _named_in(history.summaries()))),
            (newest, lambda: chain.from_iterable(map(_nodes, history.newest([])))),
        )
        yield from map(of_imported, own.imported().pages.values())
        for kinds, entries in sources:
            if kind is None or kind in kinds:
                yield from entries()

    def _folders(self, page: Page) -> list[Crumb]:
        """Return the folders that a page is in, outermost first."""
        way: list[Crumb] = []
        current = page
        while len(way) < _DEPTH_MAX:
            above = next((each.from_ for each in current.incoming_edges if each.kind == "contains_page"), "")
            if not above or above == page.id or any(crumb.id == above for crumb in way):
                break
            try:
                current = self.get(above)
            except NotFoundError:
                # A record may name a folder that nobody brought along.
                way.append(Crumb(id=above, kind=page.kind, title=name_in(above)))
                break
            way.append(Crumb(id=above, kind=current.kind, title=current.title))
        return way[::-1]


def _named_in(summaries: Iterable[Summary]) -> Iterator[Node]:
    """Yield what summaries of runs name, each once: processes, and who started the runs."""
    runs = list(summaries)
    for entry, process_id in dict.fromkeys((each.entry, each.process_id) for each in runs if each.entry):
        about = {"nodeKind": "Process", "title": process_id, "displayName": process_id}
        yield Node(
            id=process_page_id(entry),
            kind="Process",
            file="",
            cluster="processes",
            attributes={**about, "processId": process_id, "entry": entry},
        )
    for name in dict.fromkeys(each.requested_by for each in runs if each.requested_by):
        yield person_node(name, {})


def _nodes(graph: Graph) -> Iterator[Entry]:
    yield from map(of_node, chain(graph.nodes.values(), graph.mentioned.values()))


def _folder(workspace: Workspace, run_id: str) -> str:
    """Return the folder of a run as pages name it: never a path of this machine outside of the workspace."""
    runs_dir, root = workspace.place.runs_dir.resolve(), workspace.root.resolve()
    inside = runs_dir.is_relative_to(root)
    return f"{runs_dir.relative_to(root).as_posix() if inside else 'runs'}/{run_id}"


def _not_found(id_: str) -> NotFoundError:
    return NotFoundError(
        f"the Atlas has no page {id_[:200]}.", hint="Look for it with: babysitter atlas search WORDS"
    )
