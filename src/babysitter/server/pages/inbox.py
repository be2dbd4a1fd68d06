"""The inbox: what waits for the person who looks, and each question with all that it shows."""

from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.rendering import fragment, page
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.questions import VisitedQuestions


def inbox(asked: Asked) -> Reply:
    """List what waits."""
    found = VisitedQuestions(asked.visit).inbox(asked.workspace)
    return page(asked, "inbox.html", section="Inbox", title="Inbox", questions=found.breakpoints)


def count(asked: Asked) -> Reply:
    """Give the number that stands beside the word Inbox."""
    found = VisitedQuestions(asked.visit).inbox()
    return fragment("count.html", waiting=sum(1 for question in found.breakpoints if question.for_me))


ROUTES: Table = (
    Route(
        method="GET",
        path="/inbox",
        name="page.inbox",
        answer=inbox,
        summary="What waits for people.",
        action="breakpoint.read",
        query={"workspace": "The id of a workspace."},
    ),
    Route(
        method="GET",
        path="/inbox/count",
        name="page.inbox.count",
        answer=count,
        summary="How many questions wait for the person who looks.",
        action="breakpoint.read",
    ),
)
