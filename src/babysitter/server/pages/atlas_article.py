"""An article of the Atlas as harmless HTML, with headings that can be led to and links that lead to pages."""

import re
from collections import Counter
from html import unescape

import nh3
from markupsafe import Markup

from babysitter.server.pages.atlas_links import Links
from babysitter.server.pages.rendering import markdown
from babysitter.service.atlas.leads import Leads

RENDERED_CHARS_MAX = 100_000
_ABSOLUTE = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_HEADING = re.compile(r"<(h[1-6])>(.*?)</\1>", re.DOTALL)
_MARKS = re.compile(r"<[^>]*>")
# An id of an article must not be one that a script of ours looks for.
_ANCHOR = "article-"
_SCROLLED = (
    ("<pre>", '<pre tabindex="0">'),
    ("<table>", '<div class="wide" tabindex="0"><table>'),
    ("</table>", "</table></div>"),
)


def article(text: str, leads: Leads, links: Links) -> Markup:
    """Return the article. A link that leads to no page of the Atlas, and out of it neither, is no link."""
    html = nh3.clean(
        str(markdown(text)),
        attributes={"a": {"href"}, "code": {"class"}},
        attribute_filter=lambda tag, _, value: _led(value, leads, links) if tag == "a" else value,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    # What scrolls by itself is reached by the keyboard too.
    for plain, reached in _SCROLLED:
        html = html.replace(plain, reached)
    seen: Counter[str] = Counter()
    return Markup(_HEADING.sub(lambda found: _anchored(found, seen), html))  # noqa: S704 (nh3 made it harmless)


def _led(link: str, leads: Leads, links: Links) -> str | None:
    """Return where a link goes."""
    if _ABSOLUTE.match(link):
        return link
    target, _, fragment = link.partition("#")
    anchor = f"#{_ANCHOR}{_slug(fragment)}" if fragment else ""
    if not target:
        return anchor or None
    if ":" in target or target.startswith("/"):
        return None
    found = leads.to(target)
    return f"{links.page(found)}{anchor}" if found else None


def _anchored(found: re.Match[str], seen: Counter[str]) -> str:
    """Give a heading its id, as readers of Markdown count them: the second of a name has ``-1`` behind it."""
    slug = _slug(unescape(_MARKS.sub("", found[2])))
    name = f"{slug}-{seen[slug]}" if seen[slug] else slug
    seen[slug] += 1
    level = min(int(found[1][1]) + 2, 6)
    # The page's own headings are the first and second level.
    return f'<h{level} id="{_ANCHOR}{name}">{found[2]}</h{level}>'


def _slug(text: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
