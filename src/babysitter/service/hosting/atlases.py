"""The Atlas as somebody visits it: of the workspaces that they may look into, one at a time."""

from dataclasses import dataclass

from babysitter.service.atlas.atlas import Crumb, Neighbour
from babysitter.service.atlas.records import Page
from babysitter.service.atlas.searching import Hit
from babysitter.service.atlas.vocabulary import KindView
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.visit import Visit

ACTION = "atlas.read"
HITS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which workspace is looked at. others: ids of those that the visitor may look into besides."""

    workspace: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an Atlas has. notes: what of the workspace's files is not in it, and why."""

    place: Place
    kinds: tuple[KindView, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Pages that were found, from ``offset`` on. has_more: there are others after them."""

    hits: tuple[Hit, ...]
    offset: int
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page, and its record as JSON: what the page shows is what the bytes say.

    way: from the Atlas to the page, which stands last. around: the pages at the other ends of its edges.
    """

    place: Place
    page: Page
    record: bytes
    way: tuple[Crumb, ...]
    around: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class VisitedAtlas:
    """The use cases. Each asks first whether the visitor may: see ``Visit.at`` for how it says no."""

    visit: Visit

    def contents(self, workspace: str = "") -> Contents:
        """Return what there is."""
        hosted = self._at(workspace)
        atlas = hosted.atlas
        return Contents(place=self._place(hosted), kinds=atlas.kinds(), notes=atlas.notes())

    def search(self, text: str, *, kind: str = "", offset: int = 0, workspace: str = "") -> Found:
        """Return the pages that have every word, best first; with no text, all of a kind.

        Raises:
            UsageError: the text is too long, the offset negative, or there is no such kind.
        """
        atlas = self._at(workspace).atlas
        hits = atlas.search(text, kind=kind or None, limit=HITS_MAX + 1, offset=offset)
        return Found(hits=tuple(hits[:HITS_MAX]), offset=offset, has_more=len(hits) > HITS_MAX)

    def page(self, id_: str, workspace: str = "") -> Shown:
        """Return a page with what is around it.

        Raises:
            NotFoundError: there is none of that id.
            CorruptJournalError: the journal that it is read from does not verify.
        """
        hosted = self._at(workspace)
        atlas = hosted.atlas
        page, record = atlas.read(id_)
        return Shown(
            place=self._place(hosted),
            page=page,
            record=record,
            way=atlas.way_to(page),
            around=tuple(atlas.around(page)),
        )

    def record(self, id_: str, workspace: str = "") -> bytes:
        """Return the record of a page as JSON. Errors as above."""
        return self._at(workspace).atlas.page_json(id_)

    def _at(self, workspace: str) -> Hosted:
        return self.visit.at(ACTION, workspace)

    def _place(self, hosted: Hosted) -> Place:
        others = [each for each in self.visit.known() if self.visit.caller.may(ACTION, each)]
        return Place(workspace=hosted.id, others=tuple(each for each in others if each != hosted.id))
