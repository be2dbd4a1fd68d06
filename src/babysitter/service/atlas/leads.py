"""Where the links in an article lead: to the pages that its page's edges say, and else nowhere.

A link is no edge by itself. What somebody wrote can so lead to no page that its record does not name.
"""

import posixpath
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote

from babysitter.model.values import sha256_hex
from babysitter.service.atlas.documents import slug_of
from babysitter.service.atlas.ids import page_id
from babysitter.service.atlas.records import Page

_EDGES = frozenset({"links_to", "documents"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """See the module. prefix: of the page's own id. folder: of the article's file. ends: of its edges."""

    prefix: str
    folder: str
    ends: tuple[str, ...]

    @classmethod
    def of(cls, page: Page) -> Self:
        """Return where the links of a page's article lead."""
        source = page.attributes.get("sourcePath")
        return cls(
            prefix=page.id.partition(":")[0],
            folder=posixpath.dirname(source) if isinstance(source, str) else "",
            ends=tuple(edge.to for edge in page.outgoing_edges if edge.kind in _EDGES),
        )

    def to(self, link: str) -> str:
        """Return the id of the page that a relative link leads to; empty when no edge does."""
        path = posixpath.normpath(posixpath.join(self.folder, unquote(link.partition("#")[0])))
        plain = page_id(self.prefix, slug_of(path).replace("/", "-"))
        # Of two documents that would have one id, the later has a few digits behind it.
        for wanted in (f"{plain}~7E{sha256_hex(path.encode('utf-8', 'replace'))[:8]}", plain):
            if wanted in self.ends:
                return wanted
        in_file = page_id("process", f"{path}:")
        return next((end for end in self.ends if end.startswith(in_file)), "")
