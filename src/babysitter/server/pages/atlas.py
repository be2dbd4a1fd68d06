"""The Atlas: a search, lists, and a page for everything that there is to see, with its record as JSON."""

import json

from babysitter.model.errors import UsageError
from babysitter.server.exchange import JSON, Asked, Reply
from babysitter.server.pages.atlas_links import Links
from babysitter.server.pages.atlas_words import GROUP_MAX, article_of, facts_of, groups_of, whole
from babysitter.server.pages.rendering import page
from babysitter.server.routes import Route, Table
from babysitter.service.atlas.history import RUNS_READ
from babysitter.service.hosting.atlases import HITS_MAX, Place, VisitedAtlas

RECORD_BYTES_MAX = 512 * 1024
"""A record that is larger does not stand in its page, which would be slow to open: it has its own address."""
_WORKSPACE = {"workspace": "The id of a workspace."}


def index(asked: Asked) -> Reply:
    """Show what there is, or what was searched for."""
    if asked.query.get("id"):
        return _shown(asked, asked.query["id"])
    visited = VisitedAtlas(asked.visit)
    text, kind = asked.query.get("q", ""), asked.query.get("kind", "")
    contents = visited.contents(asked.workspace)
    found = None
    if text.strip() or kind:
        offset = asked.number("offset", 0)
        found = visited.search(text, kind=kind, offset=offset, workspace=contents.place.workspace)
    return page(
        asked,
        "atlas.html",
        section="Atlas",
        title="Atlas",
        contents=contents,
        links=_links(contents.place),
        found=found,
        text=text,
        kind=kind,
        step=HITS_MAX,
        runs_read=RUNS_READ,
        whole=whole,
    )


def one(asked: Asked) -> Reply:
    """Show a page."""
    return _shown(asked, asked.params["id"])


def record(asked: Asked) -> Reply:
    """Give a page's record, as it is."""
    id_ = asked.params.get("id") or asked.query.get("id", "")
    return Reply(body=VisitedAtlas(asked.visit).record(id_, asked.workspace), type=JSON)


def _shown(asked: Asked, id_: str) -> Reply:
    shown = VisitedAtlas(asked.visit).page(id_, asked.workspace)
    links = _links(shown.place)
    edge, direction = asked.query.get("edge", ""), asked.query.get("direction", "")
    offset = asked.number("offset", 0)
    if offset < 0:
        raise UsageError("offset is negative.", hint="The first edge is at 0.")
    return page(
        asked,
        "atlas_page.html",
        section="Atlas",
        title=whole(shown.page.title),
        record=shown.page,
        place=shown.place,
        links=links,
        way=[(whole(crumb.title), _step(crumb.id, crumb.kind, links)) for crumb in shown.way[:-1]],
        facts=facts_of(shown.page),
        article=article_of(shown.page, links),
        groups=groups_of(shown.around, links, only=(direction, edge) if edge else None, offset=offset),
        is_part=bool(edge),
        elsewhere=links.elsewhere(shown.page.id),
        step=GROUP_MAX,
        record_json=_text_of(shown.record),
        record_bytes=len(shown.record),
        whole=whole,
    )


def _step(id_: str, kind: str, links: Links) -> str:
    """Return where a step on the way to a page leads."""
    return links.page(id_) if id_ else links.list(kind=kind)


def _text_of(data: bytes) -> str:
    """Return a record as text, to be shown; empty when it is too large for that."""
    if len(data) > RECORD_BYTES_MAX:
        return ""
    return data.decode(json.detect_encoding(data), "replace")


def _links(place: Place) -> Links:
    return Links(place.workspace if place.others else "")


_EDGES = {
    "edge": "Only edges of this kind.",
    "direction": "Those that begin there (out) or end there (in).",
    "offset": "So many are left out before.",
}
ROUTES: Table = (
    Route(
        method="GET",
        path="/atlas",
        name="page.atlas",
        answer=index,
        summary="What there is to see, and a search.",
        action="atlas.read",
        query={
            **_WORKSPACE,
            "q": "Words, all of which must occur.",
            "kind": "Only pages of this kind.",
            "id": "The page of this id, where it can't stand in an address.",
            **_EDGES,
        },
    ),
    Route(
        method="GET",
        path="/atlas.json",
        name="page.atlas.record.by_query",
        answer=record,
        summary="The record of a page whose id can't stand in an address.",
        action="atlas.read",
        query={**_WORKSPACE, "id": "The page's id."},
        gives_type=JSON,
    ),
    # Before the page's own: an id of ours never ends so.
    Route(
        method="GET",
        path="/atlas/{id:path}.json",
        name="page.atlas.record",
        answer=record,
        summary="The record of a page, byte for byte.",
        action="atlas.read",
        query=_WORKSPACE,
        gives_type=JSON,
    ),
    Route(
        method="GET",
        path="/atlas/{id:path}",
        name="page.atlas.one",
        answer=one,
        summary="A page of the Atlas.",
        action="atlas.read",
        query={**_WORKSPACE, **_EDGES},
    ),
)
