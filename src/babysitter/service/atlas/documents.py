"""Markdown files as pages: titles, folders, and the links between them as edges."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from babysitter.model.values import sha256_hex
from babysitter.service.atlas.graph import Graph, Node
from babysitter.service.atlas.ids import page_id

_FENCED = re.compile(r"^ {0,3}(```+|~~~+).*?^ {0,3}\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_LINK = re.compile(r"\]\(\s*<?([^()\s<>]+)>?[^()]{0,200}\)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a set of documents is called. source_kind: said in each record, for readers of other atlases."""

    prefix: str
    kind: str
    cluster: str
    source_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document to show. path: relative to the root of its set, with ``/``. text: masked already."""

    path: str
    text: str


def document_graph(
    shelf: Shelf, documents: Iterable[Document], processes: Mapping[str, tuple[str, ...]]
) -> Graph:
    """Return the documents and their folders as pages, with the edges between them.

    processes: path of a file to the ids of the processes in it, which a link to the file documents.
    """
    taken = {document.path: document for document in documents}
    graph = Graph()
    ids = _ids(shelf, taken)
    for path in ids:
        if (folder := posixpath.dirname(path)) in ids:
            graph.join(ids[folder], "contains_page", ids[path])
    for path, node_id in ids.items():
        told: list[str] = []
        document = taken.get(path)
        if document is not None:
            for target in _targets(document):
                told += processes.get(target, ())
                if target in ids and ids[target] != node_id:
                    graph.join(node_id, "links_to", ids[target])
        told = list(dict.fromkeys(told))
        for process in told:
            graph.join(node_id, "documents", process)
        graph.add(_node(shelf, node_id, path, document, told))
    return graph


def slug_of(path: str) -> str:
    """Return a document's path without what says that it is Markdown."""
    return re.sub(r"\.(md|markdown)$", "", path, flags=re.IGNORECASE)


def title_of(text: str) -> str:
    """Return a document's first heading, without marks; empty when it has none."""
    found = _HEADING.search(_FENCED.sub("", text))
    return re.sub(r"[`*]|\[(.*?)\]\(.*?\)", lambda mark: mark[1] or "", found[1]).strip() if found else ""


def _ids(shelf: Shelf, documents: Mapping[str, Document]) -> dict[str, str]:
    """Return the id of each folder and document; of two alike the later tells its path."""
    folders = {str(folder): None for path in documents for folder in PurePosixPath(path).parents}
    folders.pop(".", None)
    ids: dict[str, str] = {}
    used: set[str] = set()
    for path in (*sorted(folders), *sorted(documents)):
        node_id = page_id(shelf.prefix, slug_of(path).replace("/", "-"))
        if node_id in used:
            node_id += f"~7E{sha256_hex(path.encode())[:8]}"
        used.add(node_id)
        ids[path] = node_id
    return ids


def _node(shelf: Shelf, node_id: str, path: str, document: Document | None, told: list[str]) -> Node:
    title = (title_of(document.text) if document is not None else "") or PurePosixPath(slug_of(path)).name
    file = f"{shelf.cluster}/{path}"
    return Node(
        id=node_id,
        kind=shelf.kind,
        file=file,
        cluster=shelf.cluster,
        attributes={
            "nodeKind": shelf.kind,
            "sourcePath": path,
            "sourceKind": shelf.source_kind if document is not None else "folder",
            "title": title,
            "displayName": title,
            "slug": slug_of(path),
            "articlePath": file,
            "article": document.text if document is not None else "",
            "documents": told,
        },
    )


def _targets(document: Document) -> Iterator[str]:
    """Yield the paths that a document links to, relative to the root of its set; none that leave it."""
    folder = posixpath.dirname(document.path)
    for link in _LINK.finditer(_FENCED.sub("", document.text)):
        target = link[1]
        if _SCHEME.match(target) or target.startswith("/"):
            continue
        path = posixpath.normpath(posixpath.join(folder, unquote(target.partition("#")[0])))
        if path != "." and not path.startswith("../"):
            yield path
