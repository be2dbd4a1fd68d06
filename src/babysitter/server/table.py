"""Every route of the server, gathered."""

from babysitter.server import mcp_mount
from babysitter.server.api import (
    audits,
    breakpoints,
    evidence,
    login,
    people,
    questions,
    retention,
    runs,
    scan,
    system,
)
from babysitter.server.exchange import Reply
from babysitter.server.openapi import document_bytes
from babysitter.server.pages import atlas, audit, doors, frame, inbox, me, question
from babysitter.server.pages import run as run_page
from babysitter.server.pages import runs as runs_page
from babysitter.server.routes import Route, Table

_DOCUMENT = Route(
    method="GET",
    path="/api/v1/openapi.json",
    name="system.openapi",
    answer=lambda _: Reply(body=document_bytes(TABLE)),
    summary="Describe this API, as OpenAPI 3.1.",
    open=True,
    gives_type="application/json",
)
TABLE: Table = (
    _DOCUMENT,
    *system.ROUTES,
    *runs.ROUTES,
    *questions.ROUTES,
    *doors.ROUTES,
    *me.ROUTES,
    *breakpoints.ROUTES,
    *evidence.ROUTES,
    *retention.ROUTES,
    *audits.ROUTES,
    *scan.ROUTES,
    *login.ROUTES,
    *people.ROUTES,
    *mcp_mount.ROUTES,
    *frame.ROUTES,
    *inbox.ROUTES,
    *question.ROUTES,
    *runs_page.ROUTES,
    *run_page.ROUTES,
    *audit.ROUTES,
    *atlas.ROUTES,
)
