"""What a page of the Atlas says besides its record: facts, the article, and edges by kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from babysitter.server.pages.atlas_article import RENDERED_CHARS_MAX, article
from babysitter.server.pages.atlas_links import Links
from babysitter.service.atlas.atlas import Neighbour
from babysitter.service.atlas.leads import Leads
from babysitter.service.atlas.records import Page, as_json
from babysitter.service.atlas.vocabulary import EDGE_KINDS

GROUP_MAX = 200
FACT_CHARS_MAX = 20_000
_OPEN_CHARS_MAX = 1_500
_NO_FACTS = frozenset({"article"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An attribute. is_block: over several lines. is_long: shut until it is opened. is_cut: not all of it."""

    name: str
    text: str
    is_block: bool
    is_long: bool
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page at the other end of an edge. url: empty where there can be none."""

    url: str
    title: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Edges of one kind and direction, from ``offset`` on. count: of all of them. means: in words."""

    direction: str
    edge: str
    means: str
    count: int
    offset: int
    links: tuple[Link, ...]


def facts_of(page: Page) -> list[Fact]:
    """Return a page's attributes, in their order. An article that is a text is none of them."""
    attributes = page.attributes.items()
    return [
        _fact(name, value)
        for name, value in attributes
        if name not in _NO_FACTS or (value and not isinstance(value, str))
    ]


def article_of(page: Page, links: Links) -> Markup | str:
    """Return a page's article as harmless HTML; as text, which a template escapes, where it is very long."""
    text = page.attributes.get("article")
    if not isinstance(text, str) or not text.strip():
        return ""
    if len(text) > RENDERED_CHARS_MAX:
        return whole(text)
    return article(whole(text), Leads.of(page), links)


def groups_of(
    around: Iterable[Neighbour], links: Links, *, only: tuple[str, str] | None = None, offset: int = 0
) -> list[Group]:
    """Return what is around a page by direction and kind, in the order of the record.

    only: a direction and a kind, of which others than the first ``GROUP_MAX`` are wanted, from ``offset`` on.
    """
    by_kind: dict[tuple[str, str], list[Neighbour]] = {}
    for each in around:
        by_kind.setdefault((each.direction, each.edge), []).append(each)
    return [
        _group(key, found, links, offset if only else 0)
        for key, found in by_kind.items()
        if only is None or only == key
    ]


def whole(text: str) -> str:
    """Return a text that has a form in UTF-8: names of files, and texts that programs cut, may have none."""
    return text.encode("utf-8", "backslashreplace").decode()


def _group(key: tuple[str, str], found: list[Neighbour], links: Links, offset: int) -> Group:
    direction, edge = key
    shown = found[offset : offset + GROUP_MAX]
    return Group(
        direction=direction,
        edge=whole(edge),
        means=EDGE_KINDS.get(edge, ""),
        count=len(found),
        offset=offset,
        links=tuple(
            Link(url=links.page(each.id), title=whole(each.title) or whole(each.id), id=whole(each.id))
            for each in shown
        ),
    )


def _fact(name: str, value: Any) -> Fact:  # noqa: ANN401 (any JSON)
    text = whole(value) if isinstance(value, str) else as_json(value).decode()
    return Fact(
        name=whole(name),
        text=text[:FACT_CHARS_MAX],
        is_block="\n" in text,
        is_long=len(text) > _OPEN_CHARS_MAX,
        is_cut=len(text) > FACT_CHARS_MAX,
    )
