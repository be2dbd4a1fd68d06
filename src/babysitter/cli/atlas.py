"""``atlas``: everything that there is to see as pages with edges: documents, runs, people, rules and more."""

from typing import TYPE_CHECKING, Any

import click
import msgspec

from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, style, workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from babysitter.service.atlas.atlas import Atlas, Crumb, Neighbour
    from babysitter.service.atlas.records import Page
    from babysitter.service.atlas.searching import Hit

_SHOWN_ELSEWHERE = frozenset({"nodeKind", "title", "displayName", "article", "articlePath"})
_VALUE_CHARS_MAX = 200
_EDGES_SHOWN_MAX = 50


@click.group(cls=Verbs, epilog="Example: babysitter atlas search 'revoked key'")
def atlas() -> None:
    """Look things up: everything that there is to see is a page, and edges lead from one to the next.

    Documents, processes, tasks, runs, effects, breakpoints, findings, people and rules of this workspace,
    Babysitter's own documentation, and the pages that [atlas] pages names.
    """


@atlas.command("get", epilog="Example: babysitter atlas get page:docs-reference-commands")
@click.argument("page_id", metavar="ID")
@json_option
@runs_dir_option
def get(*, page_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Print a page. With --json its record, byte for byte, without a line break at the end."""
    found = _open(runs_dir)
    if as_json:
        click.echo(found.page_json(page_id), nl=False)
    else:
        click.echo(_page_text(found.get(page_id), found.breadcrumb(page_id), found.neighbors(page_id)))


@atlas.command("search", epilog="Example: babysitter atlas search 'production deployment' --kind Breakpoint")
@click.argument("text")
@click.option("--kind", metavar="KIND", help="Only pages of this kind: Run, Process, Document, Person …")
@click.option(
    "--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="So many pages at most."
)
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many before: the next page.")
@json_option
@runs_dir_option
def search(
    *, text: str, kind: str | None, limit: int, offset: int, as_json: bool, runs_dir: str | None
) -> None:
    """List the pages that have every word of TEXT, best first. An empty TEXT lists all of a kind.

    Runs are found by id, process, entry and who started them; effects, breakpoints and findings in the
    newest 200 runs. Leaves with 1 when nothing is found.
    """
    found = _open(runs_dir)
    hits = found.search(text, kind=kind, limit=limit, offset=offset)
    notes = found.notes()
    show({"hits": hits, "notes": notes}, as_json=as_json, text=lambda: _hits_text(hits, notes))
    if not hits:
        click.get_current_context().exit(1)


@atlas.command("neighbors", epilog="Example: babysitter atlas neighbors page:docs-reference-log")
@click.argument("page_id", metavar="ID")
@json_option
@runs_dir_option
def neighbors(*, page_id: str, as_json: bool, runs_dir: str | None) -> None:
    """List the pages around a page, with the edge that leads to each or comes from it."""
    views = _open(runs_dir).neighbors(page_id)
    show(
        {"neighbors": views},
        as_json=as_json,
        text=lambda: "\n".join(map(_edge_line, views)) or "No edge begins or ends there.",
    )


def _open(runs_dir: str | None) -> "Atlas":
    from babysitter.service.atlas.atlas import Atlas  # noqa: PLC0415 (not for --help)

    return Atlas(workspace(runs_dir))


def _page_text(page: "Page", way: "Sequence[Crumb]", around: "Sequence[Neighbour]") -> str:
    lines = [style(" / ".join(plain(crumb.title) for crumb in way), dim=True)]
    lines += [style(f"{plain(page.kind)}  {plain(page.title)}", bold=True)]
    facts = [("id", page.id), ("file", page.file), ("cluster", page.cluster), *page.attributes.items()]
    told = [(plain(name), text) for name, value in facts if (text := _value(name, value))]
    width = max(len(name) for name, _ in told)
    lines += [f"  {name.ljust(width)}  {text}" for name, text in told]
    if around:
        lines += [style("Edges", bold=True), *map(_edge_line, around[:_EDGES_SHOWN_MAX])]
        if len(around) > _EDGES_SHOWN_MAX:
            lines.append(f"  … {len(around) - _EDGES_SHOWN_MAX} more: babysitter atlas neighbors {page.id}")
    article = page.attributes.get("article")
    if isinstance(article, str) and article:
        lines += ["", plain_lines(article).rstrip()]
    return "\n".join(lines)


def _value(name: str, value: Any) -> str:  # noqa: ANN401 (any JSON)
    """Return an attribute in one line, cut where it is long; empty for what says nothing."""
    if name in _SHOWN_ELSEWHERE or value in (None, "", [], {}, ()):
        return ""
    text = " ".join(value.split()) if isinstance(value, str) else msgspec.json.encode(value).decode()
    short = text if len(text) <= _VALUE_CHARS_MAX else f"{text[:_VALUE_CHARS_MAX]} …"
    return plain(short)


def _edge_line(view: "Neighbour") -> str:
    arrow = "→" if view.direction == "out" else "←"
    title = f"  {plain(view.title)}" if view.title not in view.id else ""
    return f"  {arrow} {plain(view.edge)}  {plain(view.id)}{title}"


def _hits_text(hits: "Sequence[Hit]", notes: "Sequence[str]") -> str:
    lines = []
    for hit in hits:
        lines.append(f"{style(plain(hit.id), bold=True)}  {plain(hit.kind)}: {plain(hit.title)}")
        if hit.excerpt:
            lines.append(f"    {plain(hit.excerpt)}")
    return "\n".join([*(lines or ["Nothing is found."]), *map(plain, notes)])
