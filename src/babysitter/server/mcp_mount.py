"""The Model Context Protocol behind the gate: a program's tools over HTTP, for whoever shows a token.

The gate has looked at everything before; here the workspace is found that is meant, and how much one
caller asks for at once is bounded. The protocol's library is slow to import, so the first request does.
"""

from collections import Counter
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from babysitter.model.errors import NotFoundError, RateError
from babysitter.server.exchange import Asked
from babysitter.server.refused import defect_reply
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.hosting import Hosted

if TYPE_CHECKING:
    from babysitter.mcp.over_http import OverHttp

PER_CALLER_MAX = 8
ALL_MAX = 128


class McpMount:
    """See the module."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._over_http: OverHttp | None = None

    async def run(self, scope: Scope, receive: Receive, send: Send, asked: Asked) -> None:
        """Answer one request, whose body has been read.

        Raises:
            NotFoundError: there is no such workspace that the caller knows of.
            RateError: the caller, or all together, ask for too much at once.
        """
        hosted, visit = _meant(asked), asked.visit
        key = visit.caller.credential
        if self._open[key] >= PER_CALLER_MAX or self._open.total() >= ALL_MAX:
            raise RateError("too many calls are open.", hint="Let one end, then ask again.")
        self._open[key] += 1
        try:
            if self._over_http is None:
                make = await to_thread.run_sync(_library)
                self._over_http = self._over_http or make(waits_max=ALL_MAX)
            began = _Began(send)
            try:
                await self._over_http.answer(visit, hosted, scope, _read(asked.body, receive), began.send)
            except Exception as defect:  # noqa: BLE001 (the boundary to the library: the server stays)
                if not began.has_begun:
                    reply = defect_reply(defect)
                    answer = Response(reply.body, status_code=reply.status, media_type=reply.type)
                    await answer(scope, receive, send)
        finally:
            self._open[key] -= 1
            self._open += Counter()


class _Began:
    """Sends, and knows whether a reply has begun."""

    def __init__(self, send: Send) -> None:
        self.has_begun = False
        self._send = send

    async def send(self, message: Message) -> None:
        """See ASGI."""
        self.has_begun = True
        await self._send(message)


def _library() -> "type[OverHttp]":
    from babysitter.mcp.over_http import OverHttp  # noqa: PLC0415 (about a second, and few servers need it)

    return OverHttp


def _meant(asked: Asked) -> Hosted:
    """Return the workspace that a request is about: the one it names, else the server's own."""
    visit, hosting = asked.visit, asked.hosting
    name = asked.params.get("workspace") or asked.workspace or hosting.home.id
    if name not in visit.known():
        raise NotFoundError(
            f"there is no workspace {name[:80]} for you here.",
            hint="Name one of yours: /mcp/WORKSPACE. An admin names people in [access] of a workspace.",
        )
    return hosting.all[name]


def _read(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that has been read, and then what else comes: that the caller is gone."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


_QUERY = {"workspace": "The id of a workspace; without it, the server's own."}
ROUTES: Table = (
    Route(
        method="POST",
        path="/mcp",
        name="mcp",
        answer=None,
        summary="Call the tools of a workspace, by the Model Context Protocol.",
        query=_QUERY,
        asgi=True,
    ),
    Route(
        method="POST",
        path="/mcp/{workspace}",
        name="mcp.workspace",
        answer=None,
        summary="Call the tools of the workspace that is named.",
        asgi=True,
    ),
)
