"""The API of questions and answers."""

from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.questions import Asked as Word
from babysitter.service.hosting.questions import (
    Given,
    PassedOn,
    Questions,
    QuestionShown,
    ToSign,
    VisitedQuestions,
    Wanted,
)
from babysitter.service.hosting.runs import SentView
from babysitter.service.policing import ExplanationView

_ONE = "/api/v1/runs/{run}/breakpoints/{breakpoint}"
_WHERE = {"workspace": "The id of a workspace; without it, whichever has the run."}


def inbox(asked: Asked) -> Reply:
    """List what waits for people."""
    return as_json(VisitedQuestions(asked.visit).inbox(asked.workspace))


def show(asked: Asked) -> Reply:
    """Show a question with all that an approver is shown."""
    return as_json(VisitedQuestions(asked.visit).show(*_named(asked)))


def document(asked: Asked) -> Reply:
    """Give ``shown.md``, byte for byte."""
    found = VisitedQuestions(asked.visit).show(*_named(asked))
    return Reply(
        body=found.document.encode(),
        type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="shown.md"'},
    )


def explain(asked: Asked) -> Reply:
    """Say which rule decides."""
    return as_json(VisitedQuestions(asked.visit).explain(*_named(asked)))


def to_sign(asked: Asked) -> Reply:
    """Give the statement that the caller would sign."""
    run, breakpoint_id, workspace = _named(asked)
    return as_json(VisitedQuestions(asked.visit).to_sign(run, breakpoint_id, asked.given(Wanted), workspace))


def answer(asked: Asked) -> Reply:
    """Answer a question."""
    run, breakpoint_id, workspace = _named(asked)
    return as_json(VisitedQuestions(asked.visit).answer(run, breakpoint_id, asked.given(Given), workspace))


def ask(asked: Asked) -> Reply:
    """Ask for more about a question."""
    run, breakpoint_id, workspace = _named(asked)
    return as_json(VisitedQuestions(asked.visit).ask(run, breakpoint_id, asked.given(Word), workspace))


def pass_on(asked: Asked) -> Reply:
    """Pass a question on."""
    run, breakpoint_id, workspace = _named(asked)
    return as_json(
        VisitedQuestions(asked.visit).pass_on(run, breakpoint_id, asked.given(PassedOn), workspace)
    )


def _named(asked: Asked) -> tuple[str, str, str]:
    return asked.params["run"], asked.params["breakpoint"], asked.workspace


ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/breakpoints",
        name="breakpoints.list",
        answer=inbox,
        summary="List what waits for people, oldest first.",
        action="breakpoint.read",
        gives=Questions,
        query={"workspace": "The id of a workspace; without it, all that you may look at."},
    ),
    Route(
        method="GET",
        path=_ONE,
        name="breakpoints.show",
        answer=show,
        summary="Show a question with all that an approver is shown.",
        action="breakpoint.read",
        gives=QuestionShown,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/shown.md",
        name="breakpoints.document",
        answer=document,
        summary="Give shown.md, whose digest the journal holds, byte for byte.",
        gives_type="text/markdown",
        action="breakpoint.read",
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/explanation",
        name="breakpoints.explain",
        answer=explain,
        summary="Say which rule decides, and what is missing.",
        action="policy.explain",
        gives=ExplanationView,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/statement",
        name="breakpoints.statement",
        answer=to_sign,
        summary="Give the statement that the caller would sign with this answer.",
        action="breakpoint.answer",
        takes=Wanted,
        gives=ToSign,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/answer",
        name="breakpoints.answer",
        answer=answer,
        summary="Approve, reject or defer, signed or unsigned.",
        action="breakpoint.answer",
        takes=Given,
        gives=SentView,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/word",
        name="breakpoints.ask",
        answer=ask,
        summary="Ask for more before answering, or give what was asked for.",
        action="breakpoint.answer",
        takes=Word,
        gives=SentView,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/reassignment",
        name="breakpoints.reassign",
        answer=pass_on,
        summary="Pass a question on to others of those who may answer it.",
        action="breakpoint.answer",
        takes=PassedOn,
        gives=SentView,
        query=_WHERE,
    ),
)
