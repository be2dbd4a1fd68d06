"""Babysitter's own documentation, as pages: what the wheel brings, or what the clone has in its place."""

from functools import lru_cache
from pathlib import Path

import babysitter
from babysitter.model.errors import NotFoundError
from babysitter.service.atlas.documents import Document, Shelf, document_graph
from babysitter.service.atlas.files import find_named
from babysitter.service.atlas.graph import Graph

SHELF = Shelf(prefix="page", kind="Page", cluster="babysitter", source_kind="repo-docs")
PATTERNS = ("*.md", "docs/**/*.md")


def documentation_root() -> Path:
    """Return the folder that has ``docs/`` and the pages beside it.

    Raises:
        NotFoundError: this installation has none.
    """
    package = Path(babysitter.__file__).resolve().parent
    for folder in (package / "documentation", package.parent.parent):
        if (folder / "docs" / "index.md").is_file():
            return folder
    raise NotFoundError(
        "this installation of Babysitter has no documentation.", hint="Install it anew, from a wheel of ours."
    )


@lru_cache(maxsize=1)
def shipped_graph() -> Graph:
    """Return the pages. They are the same as long as the program runs."""
    found = find_named(documentation_root(), PATTERNS, "documentation")
    documents = [Document(path=path, text=text.decode()) for path, text in found.texts()]
    return document_graph(SHELF, documents, {})
