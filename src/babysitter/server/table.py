"""Every route of the server, gathered."""

from babysitter.server.api import evidence, login, people, questions, runs, system
from babysitter.server.exchange import Reply
from babysitter.server.openapi import document_bytes
from babysitter.server.pages import frame, inbox
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
    *evidence.ROUTES,
    *login.ROUTES,
    *people.ROUTES,
    *frame.ROUTES,
    *inbox.ROUTES,
)
