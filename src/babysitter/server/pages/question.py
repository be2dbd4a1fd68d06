"""A question's page: all that is signed with an answer, who decides, and the forms to answer by."""

import re
from urllib.parse import quote

from babysitter.changes.visible import visible
from babysitter.model.errors import NotFoundError
from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages import question_words
from babysitter.server.pages.rendering import page
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.question_parts import VisitedParts

_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_WHERE = {"workspace": "The id of a workspace; without it, whichever has the run."}


def show(asked: Asked) -> Reply:
    """Show one question."""
    run, breakpoint_id = asked.params["run"], asked.params["breakpoint"]
    parts = VisitedParts(asked.visit).parts(run, breakpoint_id, asked.workspace)
    question = parts.question
    requested = next(event for event in question.events if event.type == "BREAKPOINT_REQUESTED")
    facts = requested.data if isinstance(requested.data, dict) else {}
    title = visible(question.breakpoint.title) or "Breakpoint"
    return page(
        asked,
        "question.html",
        section="Inbox",
        title=title,
        parts=parts,
        question=question,
        asked=question.breakpoint,
        shown=question.shown,
        yours=parts.yours,
        requested=facts,
        seq=requested.seq,
        state=question_words.state_of(question.breakpoint.state),
        told=question_words.history(question.events),
        words=question_words,
        origin=_origin(asked),
        api=f"/api/v1/runs/{quote(run)}/breakpoints/{quote(breakpoint_id)}",
    )


def _origin(asked: Asked) -> str:
    """Return how this very page is reached, for a command that is shown; the gate has checked the host."""
    settings = asked.hosting.home.workspace.place.settings.server
    scheme = "https" if settings.tls_cert else "http"
    return settings.public_url or f"{scheme}://{asked.headers.get('host', '')}"


def file(asked: Asked) -> Reply:
    """Give a file that the question lists, to be kept and never to be shown by the browser."""
    run, breakpoint_id, number = (asked.params[name] for name in ("run", "breakpoint", "number"))
    if not (number.isascii() and number.isdecimal() and len(number) < 6):
        raise NotFoundError("the question lists no such file.", hint="Load the page again.")
    listed, data = VisitedParts(asked.visit).file(run, breakpoint_id, int(number), asked.workspace)
    name = _SAFE.sub("-", listed.path.rpartition("/")[2]).strip(".-") or "file"
    return Reply(
        body=data,
        type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES: Table = (
    Route(
        method="GET",
        path="/inbox/{run}/{breakpoint}",
        name="page.question",
        answer=show,
        summary="A question with all that an approver is shown.",
        action="breakpoint.read",
        query=_WHERE,
    ),
    Route(
        method="GET",
        path="/inbox/{run}/{breakpoint}/files/{number}",
        name="page.question.file",
        answer=file,
        summary="A file that a question lists.",
        action="breakpoint.read",
        query=_WHERE,
    ),
)
