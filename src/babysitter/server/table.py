"""Every route of the server, gathered."""

from babysitter.server.api import questions, runs, system
from babysitter.server.routes import Table

TABLE: Table = (*system.ROUTES, *runs.ROUTES, *questions.ROUTES)
