"""The tools over streamable HTTP: a request is heard by a server of its own, for the caller of that request.

Nothing outlives a request, so there is no session that another credential could take over. Whoever
mounts this has looked at the address, the host, the origin, the credential and the size before.
"""

from typing import Any

from anyio import CapacityLimiter
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from babysitter.access.roles import Caller as Visitor
from babysitter.mcp.hosted_hands import HostedHands
from babysitter.mcp.interface import Desk
from babysitter.mcp.sdk_log import log_without_content
from babysitter.mcp.server import CALLS_MAX, Bounds, make_server
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.visit import Visit


class _Named:
    """See interface.Caller: a visitor of the server, as the tools know them."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    @property
    def person(self) -> str | None:
        """See Caller."""
        return self._visitor.name if self._visitor.is_person else None

    def may(self, action: str, workspace: str) -> bool:
        """See Caller."""
        return self._visitor.may(action, workspace)


class OverHttp:
    """Answers requests of the protocol, each by itself."""

    def __init__(self, *, waits_max: int) -> None:
        """Args: ``waits_max``: how many calls may wait for runs at once."""
        self._bounds = Bounds(calls=CapacityLimiter(CALLS_MAX), waits=CapacityLimiter(waits_max))
        log_without_content()

    async def answer(self, visit: Visit, hosted: Hosted, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of somebody who knows of that workspace."""
        desk = Desk(
            name=hosted.id,
            open=lambda _caller: hosted.workspace,
            hands=HostedHands(visit=visit, hosted=hosted),
            acts_as=visit.caller.name,
        )
        caller = _Named(visit.caller)
        server: Any = make_server(desk, lambda _request: caller, self._bounds)
        manager = StreamableHTTPSessionManager(server, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)
