"""The inbox: what waits for the person who looks, the most urgent first, then what waits for others."""

from collections.abc import Sequence
from typing import NamedTuple

from babysitter.model.clock import parse_time
from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.rendering import fragment, page
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.questions import Question, VisitedQuestions

SOON_S = 3600
"""A question that nobody may answer after an hour from now stands above all others."""


class Group(NamedTuple):
    """Questions of one urgency."""

    key: str
    heading: str
    questions: tuple[Question, ...]


def inbox(asked: Asked) -> Reply:
    """List what waits."""
    every = VisitedQuestions(asked.visit).inbox(asked.workspace).breakpoints
    rule = asked.query.get("rule", "")
    found = tuple(question for question in every if rule in ("", question.breakpoint.rule))
    now_ns = asked.hosting.home.workspace.clock.now_ns()
    return page(
        asked,
        "inbox.html",
        section="Inbox",
        title="Inbox",
        groups=grouped(found, now_ns),
        mine=sum(question.for_me for question in found),
        workspace=asked.workspace,
        rule=rule,
        workspaces=asked.visit.known(),
        rules=sorted({question.breakpoint.rule for question in every} | ({rule} if rule else set())),
        batch=rule and [question for question in found if question.for_me],
    )


def grouped(questions: Sequence[Question], now_ns: int) -> list[Group]:
    """Return the questions by urgency; within each, those that end first, else the oldest first."""
    mine = [question for question in questions if question.for_me]
    soon = sorted(
        (question for question in mine if _ends_soon(question, now_ns)),
        key=lambda question: question.breakpoint.expires_at or "",
    )
    rest = [question for question in mine if question not in soon]
    groups = (
        Group("soon", "Expires within the hour", tuple(soon)),
        Group("guarded", "Production and critical", tuple(each for each in rest if each.guarded)),
        Group("rest", "Waiting for you", tuple(each for each in rest if not each.guarded)),
        Group("others", "Waiting for others", tuple(each for each in questions if not each.for_me)),
    )
    return [group for group in groups if group.questions]


def _ends_soon(question: Question, now_ns: int) -> bool:
    expires_at = question.breakpoint.expires_at
    return expires_at is not None and parse_time(expires_at) - now_ns <= SOON_S * 1_000_000_000


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
        query={"workspace": "The id of a workspace.", "rule": "Only questions under this rule."},
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
