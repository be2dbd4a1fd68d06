"""What a workspace's own files tell: documents, processes and tasks, rules and people, each as a graph.

A graph is made again when one of its files has changed, and not otherwise. Nothing of it comes from a run.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from babysitter.config import Settings
from babysitter.service.atlas.documents import Document, Shelf, document_graph
from babysitter.service.atlas.files import Found, find_ending, find_named, stamp_of_file
from babysitter.service.atlas.graph import Graph, Node
from babysitter.service.atlas.imported import ImportedPages, read_imported
from babysitter.service.atlas.processes import Code, code_graph, read_code
from babysitter.service.atlas.rules import policy_graph
from babysitter.service.atlas.screen import Screening
from babysitter.service.people import KeyView, People
from babysitter.service.wiring import Workspace

T = TypeVar("T")
SHELF = Shelf(prefix="document", kind="Document", cluster="workspace", source_kind="workspace-docs")


@dataclass(slots=True)
class Kept(Generic[T]):
    """A value, of what it was made (files with their times and sizes), and what was left out of it."""

    value: T
    stamp: object = None
    notes: tuple[str, ...] = ()

    def is_of(self, stamp: object) -> bool:
        """Tell whether the value was made of exactly this."""
        return self.stamp is not None and self.stamp == stamp

    def get(self, stamp: object, make: Callable[[list[str]], T]) -> T:
        """Return the value that is made of this, making it where it was made of something else.

        ``make`` is given a list for what it leaves out, a sentence each.
        """
        if not self.is_of(stamp):
            notes: list[str] = []
            self.value = make(notes)
            self.stamp, self.notes = stamp, tuple(dict.fromkeys(notes))
        return self.value


class WorkspaceGraph:
    """Makes and keeps the graphs of one workspace. May be asked by several threads at once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._place = workspace.place
        self._screening = Screening(workspace.place)
        self._lock = threading.RLock()
        self._code: Kept[Code] = Kept(Code())
        self._processes: Kept[Graph] = Kept(Graph())
        self._documents: Kept[Graph] = Kept(Graph())
        self._imported: Kept[ImportedPages] = Kept(ImportedPages())

    def documents(self) -> Graph:
        """Return the workspace's documents.

        Raises:
            SettingsError: ``[atlas]`` names what is no file of the workspace.
            DetectionError: the search for credentials failed, so nothing is shown.
        """
        with self._lock:
            settings = self._settings_now()
            named = find_named(self._workspace.root, settings.atlas.documents, "[atlas] documents")
            code, stamp = self._read_code()
            return self._documents.get(
                (settings.atlas, settings.secrets, named.stamp, stamp),
                lambda notes: self._shelved(named, code, notes),
            )

    def processes(self) -> Graph:
        """Return the processes and tasks of the workspace's code. Errors as above."""
        with self._lock:
            secrets = self._settings_now().secrets
            code, read = self._read_code()
            stamp = (secrets, read)
            # A process may consist of more than Python files.
            known = [*self._processes.value.nodes.values()]
            others = {path for node in known for path in node.attributes.get("files", ())}
            now = [stamp_of_file(self._workspace.root, path) for path in sorted(others)]
            if self._processes.is_of((stamp, now)):
                return self._processes.value
            graph = self._screened(code_graph(code, self._workspace.root))
            paths = {path for node in graph.nodes.values() for path in node.attributes.get("files", ())}
            now = [stamp_of_file(self._workspace.root, path) for path in sorted(paths)]
            return self._processes.get((stamp, now), lambda _: graph)

    def notes(self) -> tuple[str, ...]:
        """Return what was left out of all this, a sentence each. Errors as above."""
        self.documents()
        self.imported()
        with self._lock:
            notes = (*self._code.notes, *self._documents.notes, *self._imported.notes)
            return tuple(self._screening.text(note) for note in notes)

    def _read_code(self) -> tuple[Code, object]:
        found = find_ending(self._workspace.root, ".py")

        def make(notes: list[str]) -> Code:
            code = read_code(found.texts())
            notes += found.notes
            return code

        return self._code.get(found.stamp, make), found.stamp

    def _shelved(self, named: Found, code: Code, notes: list[str]) -> Graph:
        documents = []
        for path, content in named.texts():
            if self._is_shown(path):
                text = self._screening.text(content.decode("utf-8", "replace"))
                documents.append(Document(path=path, text=text))
            else:
                notes.append("A document is left out: its name looks like a credential.")
        notes += named.notes
        return document_graph(SHELF, documents, code.by_file())

    def imported(self) -> ImportedPages:
        """Return the records of ``[atlas] pages``. Errors as above."""
        with self._lock:
            settings = self._settings_now()
            named = find_named(self._workspace.root, settings.atlas.pages, "[atlas] pages")
            return self._imported.get(
                (settings.atlas, settings.secrets, named.stamp), lambda notes: self._records(named, notes)
            )

    def _records(self, named: Found, notes: list[str]) -> ImportedPages:
        found = read_imported(named.texts(), self._screening)
        notes += (*named.notes, *found.notes)
        return found

    def rules(self) -> Graph:
        """Return what the settings tell of rules and people, as they are at this moment.

        Raises:
            SettingsError, SignersError: the settings, or the file of signers, can't be used.
        """
        workspace = self._workspace
        with self._lock:
            self._settings_now()
            keys: list[KeyView] = People(workspace).keys() if workspace.signers_path.is_file() else []
            return self._screened(policy_graph(workspace.policy_now(), keys))

    def _settings_now(self) -> Settings:
        """Return the settings as they are now; what they say of credentials counts from here on."""
        self._workspace.policy_now()
        if self._workspace.place is not self._place:
            self._place = self._workspace.place
            self._screening = Screening(self._place)
        return self._place.settings

    def _screened(self, graph: Graph) -> Graph:
        """Return a graph with what looks like a credential masked; a page that is named so is left out."""
        shown = Graph()
        for node in graph.nodes.values():
            if self._is_shown(node.id):
                shown.add(replace(node, attributes=self._shown(node)))
        for node in graph.mentioned.values():
            if self._is_shown(node.id):
                shown.mention(node)
        for edge in graph.edges:
            if self._is_shown(edge.from_) and self._is_shown(edge.to):
                shown.join(edge.from_, edge.kind, edge.to)
        return shown

    def _is_shown(self, text: str) -> bool:
        return self._screening.text(text) == text

    def _shown(self, node: Node) -> dict[str, Any]:
        shown: dict[str, Any] = self._screening.value(node.attributes)
        return shown
