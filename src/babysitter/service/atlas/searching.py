"""Searching pages: every word must occur; what is called so stands before what only speaks of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from babysitter.service.atlas.graph import Node
from babysitter.service.atlas.history import Summary
from babysitter.service.atlas.ids import page_id
from babysitter.service.atlas.imported import Imported
from babysitter.service.views import View

_SEARCHED = (
    "article", "about", "question", "label", "entry", "rule", "message", "sourcePath", "processId", "taskId",
    "state", "status", "requestedBy",
)  # fmt: skip
_EXCERPT_CHARS_MAX = 160


class Hit(View, frozen=True, kw_only=True):
    """A page that was found. ``excerpt``: the line that has the first word, where it is not the title."""

    id: str
    kind: str
    cluster: str
    title: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What of a page is searched."""

    id: str
    kind: str
    cluster: str
    title: str
    text: str


def of_node(node: Node) -> Entry:
    """Return what of a node is searched."""
    texts = (node.attributes.get(name) for name in _SEARCHED)
    text = "\n".join(text for text in texts if isinstance(text, str) and text)
    return Entry(id=node.id, kind=node.kind, cluster=node.cluster, title=node.title, text=text)


def of_imported(record: Imported) -> Entry:
    """Return what of an imported record is searched."""
    page = record.page
    text = str(page.attributes.get("article") or "")
    return Entry(id=page.id, kind=page.kind, cluster=page.cluster, title=page.title, text=text)


def of_summary(run: Summary) -> Entry:
    """Return what of a run is searched; no journal is read for it."""
    text = f"{run.process_id}\n{run.entry}\n{run.requested_by}\n{run.created_at}"
    node_id = page_id("run", run.run_id)
    return Entry(id=node_id, kind="Run", cluster="runs", title=run.run_id, text=text)


def search_in(entries: Iterable[Entry], text: str, kind: str | None) -> list[Hit]:
    """Return the hits among entries, best first; those that are equally good in the order they came."""
    words = text.casefold().split()
    found: list[tuple[int, Hit]] = []
    for entry in entries:
        if kind is not None and entry.kind != kind:
            continue
        rank = _rank(entry, words)
        if rank is not None:
            excerpt = _excerpt(entry, words)
            hit = Hit(id=entry.id, kind=entry.kind, cluster=entry.cluster, title=entry.title, excerpt=excerpt)
            found.append((rank, hit))
    return [hit for _, hit in sorted(found, key=lambda pair: pair[0])]


def _rank(entry: Entry, words: list[str]) -> int | None:
    """Return 0 for what is called exactly so, up to 2 for what only speaks of it; None: it does not."""
    whole, name = " ".join(words), entry.id.partition(":")[2].casefold()
    title = entry.title.casefold()
    if whole in (entry.id.casefold(), name, title):
        return 0
    if all(word in title or word in name for word in words):
        return 1
    text = entry.text.casefold()
    return 2 if all(word in title or word in name or word in text for word in words) else None


def _excerpt(entry: Entry, words: list[str]) -> str:
    if not words or words[0] in entry.title.casefold():
        return ""
    for line in entry.text.splitlines():
        if (at := line.casefold().find(words[0])) >= 0:
            begin = max(0, at - _EXCERPT_CHARS_MAX // 2)
            return line[begin : begin + _EXCERPT_CHARS_MAX].strip()
    return ""
