"""What every page needs: the way in, the files it loads, word that something has moved."""

from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.rendering import static
from babysitter.server.routes import Route, Table


def home(asked: Asked) -> Reply:
    """Lead to the inbox."""
    del asked
    return Reply(status=303, headers={"Location": "/inbox"})


ROUTES: Table = (
    Route(
        method="GET",
        path="/",
        name="page.home",
        answer=home,
        summary="Leads to the inbox.",
        open=True,
        status=303,
    ),
    Route(
        method="GET",
        path="/static/{digest}/{name}",
        name="page.static",
        answer=static,
        summary="A file that pages load.",
        open=True,
    ),
    Route(
        method="GET",
        path="/stream",
        name="page.stream",
        answer=None,
        summary="Says which runs have moved, as server-sent events.",
        action="run.read",
        query={"workspace": "The id of a workspace."},
        streams=True,
    ),
)
