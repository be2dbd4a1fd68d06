"""Every route of the server, gathered."""

from babysitter.server.api import questions, runs, system
from babysitter.server.pages import frame, inbox
from babysitter.server.routes import Table

TABLE: Table = (
    *system.ROUTES,
    *runs.ROUTES,
    *questions.ROUTES,
    *frame.ROUTES,
    *inbox.ROUTES,
)
