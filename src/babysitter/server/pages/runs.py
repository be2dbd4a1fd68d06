"""The list of runs: which there are, where they stand, and links and one form that narrow them down."""

from urllib.parse import urlencode

import msgspec

from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.rendering import page
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.runs import VisitedRuns, Wish

STATES = ("running", "waiting", "completed", "failed", "cancelled")


def runs(asked: Asked) -> Reply:
    """List runs."""
    wish = asked.wish(Wish)
    found = VisitedRuns(asked.visit).page(wish)

    def link(**change: str) -> str:
        """Return where the list is with one of its filters changed; another page begins anew."""
        kept = {name: str(value) for name, value in msgspec.to_builtins(wish).items() if name in _FILTERS}
        query = {name: value for name, value in {**kept, **change}.items() if value}
        return f"/runs?{urlencode(query)}" if query else "/runs"

    return page(
        asked,
        "runs.html",
        section="Runs",
        title="Runs",
        found=found,
        wish=wish,
        states=STATES,
        workspaces=asked.visit.known(),
        link=link,
        here=link(cursor=wish.cursor),
    )


_FILTERS = ("workspace", "status", "process", "text")
ROUTES: Table = (
    Route(
        method="GET",
        path="/runs",
        name="page.runs",
        answer=runs,
        summary="Runs, newest first.",
        action="run.read",
        query={
            "workspace": "The id of a workspace.",
            "status": "running, waiting, completed, failed or cancelled.",
            "process": "The id of a process.",
            "text": "Part of the run's id, its process or who asked for it.",
            "cursor": "The cursor of the page before.",
            "limit": "How many, 1 to 500.",
        },
    ),
)
