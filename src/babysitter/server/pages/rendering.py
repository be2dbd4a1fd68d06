"""Templates and what stands in them: everything is escaped, and what people wrote is made harmless.

A page is made of views alone, so it shows what the journal holds. Markdown is rendered without raw
HTML and then cleaned again: two locks, since one of them will have a hole some day.
"""

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import nh3
import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from babysitter.changes.visible import visible
from babysitter.model.errors import NotFoundError
from babysitter.server.exchange import Asked, Reply
from babysitter.service.hosting.questions import VisitedQuestions

HTML = "text/html; charset=utf-8"
SECTIONS = (("Inbox", "/inbox"), ("Runs", "/runs"), ("Audit", "/audit"), ("Atlas", "/atlas"))
PART_CHARS_MAX = 70_000
"""Of one value on a page: more than a value that was cut where it was read has, with the word that it was."""
_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "webmanifest": "application/json",
}
_TAGS = set(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre strong table tbody td th thead tr".split()
) | {"ul"}


@cache
def environment() -> Environment:
    """Return what renders templates."""
    made = Environment(
        loader=PackageLoader("babysitter.server", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["json"] = pretty
    made.filters["brief_json"] = brief
    made.filters["markdown"] = markdown
    made.filters["visible"] = visible
    made.filters["visible_part"] = visible_part
    made.globals["asset"] = asset
    return made


def page(asked: Asked, template: str, /, *, section: str = "", status: int = 200, **facts: Any) -> Reply:  # noqa: ANN401 (views)
    """Return a whole page, with the frame that every page has."""
    waiting = 0
    if asked.caller is not None:
        waiting = sum(1 for question in VisitedQuestions(asked.visit).inbox().breakpoints if question.for_me)
    return fragment(
        template,
        status=status,
        caller=asked.caller,
        section=section,
        sections=SECTIONS,
        waiting=waiting,
        **facts,
    )


def fragment(template: str, /, *, status: int = 200, **facts: Any) -> Reply:  # noqa: ANN401 (views)
    """Return a part of a page."""
    text = environment().get_template(template).render(**facts)
    return Reply(status=status, body=text.encode(), type=HTML)


def problem(asked: Asked, *, status: int, heading: str, message: str, hint: str = "") -> Reply:
    """Return a page that says what went wrong, and what to do."""
    facts = {"title": heading, "heading": heading, "message": message, "hint": hint}
    # Not a page like the others: what counts the questions for those may be what went wrong.
    frame = {"caller": asked.caller, "section": "", "sections": SECTIONS, "waiting": 0}
    return fragment("problem.html", status=status, **frame, **facts)


def pretty(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """Return a value as JSON over several lines."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def visible_part(text: str) -> str:
    """Return a text with what hides in it written out, which may take thirty times its room; cut then."""
    shown = visible(text)
    return shown if len(shown) <= PART_CHARS_MAX else f"{shown[: PART_CHARS_MAX - 1]}…"


def brief(value: Any, chars_max: int) -> str:  # noqa: ANN401 (any JSON)
    """Return a value as JSON that a page may cut; over several lines where all of it is shown.

    Indented, JSON may grow a hundredfold: what is cut anyway is not indented first.
    """
    plain = orjson.dumps(value)
    return plain.decode() if len(plain) > chars_max else pretty(value)


@lru_cache(maxsize=16)
def markdown(text: str) -> Markup:
    """Return what somebody wrote as harmless HTML: no raw HTML, no images, no links but to web pages.

    Some texts take seconds to render, so the last ones are kept: asking again and again costs nobody else.
    """
    html = _parser().render(text)
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "code": {"class"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)  # noqa: S704 (nh3 made it harmless one line above)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@cache
def assets() -> Mapping[str, bytes]:
    """Return the files that pages load, by name."""
    folder = files("babysitter.server") / "static"
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }


@cache
def _digest() -> str:
    """Return what changes when any of the files does: modules import each other by names beside their own."""
    whole = hashlib.sha256()
    for name, data in sorted(assets().items()):
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()[:12]


def asset(name: str) -> str:
    """Return the URL of a file that pages load; it changes when one of them does."""
    assert name in assets(), name
    return f"/static/{_digest()}/{name}"


def static(asked: Asked) -> Reply:
    """Give a file that pages load; one of that digest never changes, so it may be kept."""
    name = asked.params["name"]
    if name not in assets() or asset(name) != asked.path:
        raise NotFoundError("there is nothing here.", hint="Load the page again.")
    return Reply(
        body=assets()[name],
        type=f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
