"""The API of retention: what is due to be removed, and what is held. Nothing is removed by it."""

from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.retention import LIMIT_MAX, RetentionPlan, VisitedRetention


def plan(asked: Asked) -> Reply:
    """Say what is due."""
    found = VisitedRetention(asked.visit).plan(
        asked.workspace, skip=asked.number("skip", 0), limit=asked.number("limit", 50)
    )
    return as_json(found)


ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/retention",
        name="retention.plan",
        answer=plan,
        summary="Say which runs are due by the rules of retention, and which are held; removes nothing.",
        action="audit.read",
        gives=RetentionPlan,
        query={
            "skip": "How many of each list to leave out.",
            "limit": f"How many of each list, 1 to {LIMIT_MAX}.",
            "workspace": "The id of a workspace; without it, the first that you may audit.",
        },
    ),
)
