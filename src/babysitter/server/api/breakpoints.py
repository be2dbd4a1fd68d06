"""The API of the guide's breakpoint server, on ours: programs post questions, people answer them.

Source for the shapes: the package ``@a5c-ai/babysitter-breakpoints`` 0.1.5, api/routes.js.
"""

from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.posted_questions import (
    Feedback,
    PostedQuestion,
    PostedQuestions,
    QuestionMade,
    QuestionRows,
    QuestionStatus,
    QuestionWhole,
    Which,
)

_WHERE = {"workspace": "The id of a workspace; without it, whichever fits."}
_WHICH = {
    **_WHERE,
    "status": "waiting, released, rejected, expired or cancelled.",
    "tag": "One of its tags.",
    "agentId": "What the program called itself.",
    "limit": "How many, 1 to 500; 50 where it is left out.",
    "offset": "So many of the newest are left out.",
}
_ONE = "/api/breakpoints/{run}"


def post(asked: Asked) -> Reply:
    """Put a question to people."""
    return as_json(PostedQuestions(asked.visit).post(asked.given(PostedQuestion), asked.workspace))


def page(asked: Asked) -> Reply:
    """List questions that were posted."""
    which = Which(
        status=asked.query.get("status", ""),
        tag=asked.query.get("tag", ""),
        agent_id=asked.query.get("agentId", ""),
        limit=asked.number("limit", 50),
        offset=asked.number("offset", 0),
    )
    return as_json(PostedQuestions(asked.visit).page(which, asked.workspace))


def show(asked: Asked) -> Reply:
    """Show a question with what was said to it."""
    return as_json(PostedQuestions(asked.visit).show(asked.params["run"], asked.workspace))


def status(asked: Asked) -> Reply:
    """Say where a question stands."""
    return as_json(PostedQuestions(asked.visit).status(asked.params["run"], asked.workspace))


def feedback(asked: Asked) -> Reply:
    """Say something to a question."""
    said = asked.given(Feedback)
    return as_json(PostedQuestions(asked.visit).say(asked.params["run"], said, asked.workspace))


ROUTES: Table = (
    Route(
        method="POST",
        path="/api/breakpoints",
        name="guide.post",
        answer=post,
        summary="Put a question to people, as the guide's programs do.",
        action="breakpoint.ask",
        takes=PostedQuestion,
        gives=QuestionMade,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path="/api/breakpoints",
        name="guide.list",
        answer=page,
        summary="List questions that programs posted, newest first.",
        action="breakpoint.read",
        gives=QuestionRows,
        query=_WHICH,
    ),
    Route(
        method="GET",
        path=_ONE,
        name="guide.show",
        answer=show,
        summary="Show a question that a program posted, with what was said to it.",
        action="breakpoint.read",
        gives=QuestionWhole,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/status",
        name="guide.status",
        answer=status,
        summary="Say where a question stands that a program posted.",
        action="breakpoint.read",
        gives=QuestionStatus,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/feedback",
        name="guide.feedback",
        answer=feedback,
        summary="Release or reject a question, or say a word that decides nothing.",
        action="breakpoint.answer",
        takes=Feedback,
        gives=QuestionStatus,
        query=_WHERE,
    ),
)
