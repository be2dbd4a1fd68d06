"""What the tests of the Atlas share: records of other atlases, folders of documents, and every page."""

import os
from collections.abc import Iterator
from pathlib import Path

from babysitter.config import load_place
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.atlas.records import Page
from babysitter.service.wiring import Workspace
from babysitter.testing.memory_store import MemoryStore

REFERENCE_PAGE = os.environ.get("BABYSITTER_REFERENCE_PAGE", "")
"""The path of a record that is not ours to keep here, where somebody has one."""

FOREIGN = (
    "{\n"
    ' "id": "page:guide-keys",\n'
    ' "_kind": "Page",\n'
    ' "_file": "wiki/guide/keys.md",\n'
    ' "_cluster": "wiki",\n'
    ' "attributes": {\n'
    '  "nodeKind": "Page",\n'
    '  "sourcePath": "guide/keys.md",\n'
    '  "sourceKind": "repo-docs",\n'
    '  "title": "Keys",\n'
    '  "displayName": "Keys",\n'
    '  "slug": "guide/keys",\n'
    '  "articlePath": "wiki/guide/keys.md",\n'
    '  "article": "\\n# Keys\\n\\nA \\"key\\" \\\\ a tab\\t, \\u001b, a slash /, <r>, ü, \U0001f511.\\n",\n'
    '  "documents": []\n'
    " },\n"
    ' "outgoingEdges": [],\n'
    ' "incomingEdges": [\n'
    "  {\n"
    '   "from": "page:guide",\n'
    '   "to": "page:guide-keys",\n'
    '   "kind": "contains_page"\n'
    "  }\n"
    " ]\n"
    "}"
).encode()
"""Written out by hand, as other atlases write: nothing of ours made these bytes."""


def foreign_records() -> list[bytes]:
    """Return records in the form of other atlases: ours, and the one that is given from outside."""
    return [FOREIGN, *([Path(REFERENCE_PAGE).read_bytes()] if REFERENCE_PAGE else [])]


def folder(root: Path, files: dict[str, str | bytes]) -> Workspace:
    """Return a workspace with these files, and no runs."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Workspace(load_place(root), store=MemoryStore())


def every_page(atlas: Atlas) -> Iterator[Page]:
    """Yield all pages of an Atlas."""
    offset = 0
    while hits := atlas.search("", limit=500, offset=offset):
        yield from (atlas.get(hit.id) for hit in hits)
        offset += len(hits)
