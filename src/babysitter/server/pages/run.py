"""A run, to be watched: its status, its timeline, each effect, its lines, its code."""

from typing import Any
from urllib.parse import urlencode

from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.question_words import size
from babysitter.server.pages.rendering import fragment, page
from babysitter.server.pages.run_words import gist
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.amounts import duration, figure
from babysitter.service.hosting.watched_source import VisitedSource
from babysitter.service.hosting.watched_task import VisitedTask
from babysitter.service.hosting.watching import ROWS, VisitedWatching

_WORDS: dict[str, Any] = {"duration": duration, "figure": figure, "size": size}


def run(asked: Asked) -> Reply:
    """Show a run."""
    first = asked.number("row", 0) if "row" in asked.query else None
    found = VisitedWatching(asked.visit).run(asked.params["run"], asked.workspace, first=first)
    return page(
        asked,
        "run.html",
        section="Runs",
        title=f"{found.run.process_id} · {found.run.run_id}",
        found=found,
        here=_here(asked, "row"),
        rows_a_page=ROWS,
        **_WORDS,
    )


def verify(asked: Asked) -> Reply:
    """Verify a run now, and say what was found."""
    verified = VisitedWatching(asked.visit).verify(asked.params["run"], asked.workspace)
    return fragment(
        "run_verified.html", verified=verified, seq=verified.found.lines, part=asked.query.get("list", "")
    )


def task(asked: Asked) -> Reply:
    """Show one effect: as a pane where a page asks for a part, else as a page."""
    params = asked.params
    pane = VisitedTask(asked.visit).pane(
        params["run"], params["effect"], asked.workspace, attempt=asked.number("attempt", 0)
    )
    facts: dict[str, Any] = {"pane": pane, "here": _here(asked, "attempt"), **_WORDS}
    if _wants_a_part(asked):
        return fragment("run_task_pane.html", **facts)
    return page(asked, "run_task.html", section="Runs", title=f"{pane.label} · {pane.run_id}", **facts)


def events(asked: Asked) -> Reply:
    """Show a run's lines."""
    types = [name for name in asked.query.get("type", "").split(",") if name]
    begin = asked.number("begin", 0) if "begin" in asked.query else None
    shown = VisitedWatching(asked.visit).lines(asked.params["run"], asked.workspace, types=types, begin=begin)

    def link(*, begin: int | None = None, toggle: str = "", none: bool = False) -> str:
        """Return where the lines are, on that page or with a type more or less."""
        wanted = [] if none else [name for name in types if name != toggle]
        if toggle and toggle not in types:
            wanted = [*types, toggle]
        query = {
            "workspace": asked.workspace,
            "type": ",".join(wanted),
            "begin": "" if begin is None else str(begin),
        }
        text = urlencode({name: value for name, value in query.items() if value})
        return f"/runs/{shown.run_id}/events" + (f"?{text}" if text else "")

    facts: dict[str, Any] = {"shown": shown, "types": types, "link": link, "gist": gist, "figure": figure}
    if _wants_a_part(asked):
        return fragment("run_lines.html", is_part=True, **facts)
    title = f"Events · {shown.run_id}"
    return page(asked, "run_events.html", section="Runs", title=title, is_part=False, **facts)


def source(asked: Asked) -> Reply:
    """Show the code of a run's process."""
    file = asked.query.get("file", "")
    shown = VisitedSource(asked.visit).show(asked.params["run"], asked.workspace, file=file)
    return page(asked, "run_source.html", section="Runs", title=f"Code · {shown.run_id}", shown=shown)


def _wants_a_part(asked: Asked) -> bool:
    """Tell whether a script of ours asks, for a part of a page."""
    return asked.headers.get("hx-request", "") == "true"


def _here(asked: Asked, *names: str) -> str:
    """Return the page's own address, with what of its query means anything."""
    query = {name: asked.query[name] for name in ("workspace", *names) if name in asked.query}
    return asked.path + (f"?{urlencode(query)}" if query else "")


_WHERE = {"workspace": "The id of a workspace; without it, whichever has the run."}
_RUN = "/runs/{run}"
ROUTES: Table = (
    Route(
        method="GET",
        path=_RUN,
        name="page.run",
        answer=run,
        summary="A run, with its timeline.",
        action="run.read",
        query={"row": "The first row of the timeline's page.", **_WHERE},
    ),
    Route(
        method="GET",
        path=f"{_RUN}/verification",
        name="page.run.verification",
        answer=verify,
        summary="Verify a run now; what was found.",
        action="run.verify",
        query={"list": "yes: as it stands in a list of runs.", **_WHERE},
    ),
    Route(
        method="GET",
        path=f"{_RUN}/events",
        name="page.run.events",
        answer=events,
        summary="A run's lines.",
        action="run.read",
        query={
            "type": "Types of events, with commas between.",
            "begin": "How many lines stand before the page.",
            **_WHERE,
        },
    ),
    Route(
        method="GET",
        path=f"{_RUN}/source",
        name="page.run.source",
        answer=source,
        summary="The code of a run's process.",
        action="run.read",
        query={"file": "A file of the process.", **_WHERE},
    ),
    Route(
        method="GET",
        path=f"{_RUN}/tasks/{{effect}}",
        name="page.run.task",
        answer=task,
        summary="One effect of a run.",
        action="task.read",
        query={"attempt": "Whose output.", **_WHERE},
    ),
)
