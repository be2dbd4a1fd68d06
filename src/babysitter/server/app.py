"""The application: every request passes one gate, and every reply leaves by it.

The gate, in this order; each step answers by itself when it says no:

    1. the address may reach us at all, and the ``Host`` is ours            (403, 421)
    2. the route is known                                                    (404, 405)
    3. no other site's page caused it                                        (403)
    4. a credential says who is asking, unless the route is open to all     (401)
    5. who it is has not asked too often; an address has not guessed so     (429)
    6. the body is there in time, and no larger than allowed                (408, 413)
    7. the use case asks whether the caller may                              (403, 404)

Whatever happens is one line in the access log, and no reply ever holds a traceback.
"""

import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match, Router
from starlette.routing import Route as StarletteRoute
from starlette.types import Message, Receive, Scope, Send

from babysitter.access.access_log import TEXT_MAX, AccessLog, Requested
from babysitter.access.door import Door
from babysitter.access.entrance import Entrance
from babysitter.access.rates import Rates
from babysitter.access.roles import Caller
from babysitter.model.errors import BabysitterError, CredentialError, NotFoundError, StoreError
from babysitter.server.credentials import COOKIE, bearer, cookies, renewed
from babysitter.server.exchange import Asked, Reply
from babysitter.server.headers import Ground, neighbourhood
from babysitter.server.mcp_mount import McpMount
from babysitter.server.pages.refusals import told
from babysitter.server.refused import (
    BODY_BYTES_MAX,
    HEAD_BYTES_MAX,
    OPEN_BODY_BYTES_MAX,
    Refused,
    defect_reply,
    read_body,
)
from babysitter.server.routes import Route, Table
from babysitter.server.streams import Streams
from babysitter.server.turns import Turns
from babysitter.service.hosting.hosting import Hosting
from babysitter.service.hosting.premises import Masks

FAILURES_PER_MINUTE = 20
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is made of. ``mask``: masks credentials in what the access log keeps."""

    hosting: Hosting
    ground: Ground
    door: Door
    entrance: Entrance
    log: AccessLog
    rates: Rates
    failures: Rates
    table: Table
    streams: Streams
    mcp: McpMount
    mask: Masks


@dataclass(slots=True)
class _Passage:
    """One request on its way through the gate."""

    scope: Scope
    headers: Mapping[str, str]
    peer: str
    address: str
    began_s: float
    route: Route | None = None
    caller: Caller | None = None
    refused: str = ""
    status: int = 0
    sent: int = 0
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def counted_as(self) -> str:
        """Who it is, where what one caller may have is bounded."""
        return self.caller.credential if self.caller is not None else neighbourhood(self.address)


class App:
    """An ASGI application; see the module."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turns = Turns()
        self._routes = {route.name: route for route in parts.table}
        self._router = Router(
            routes=[
                StarletteRoute(route.path, endpoint=_never, methods=[route.method], name=route.name)
                for route in parts.table
            ]
        )

    @property
    def ground(self) -> Ground:
        """Where the server stands."""
        return self._parts.ground

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        peer = scope["client"][0] if scope.get("client") else ""
        address = self._parts.ground.caller_address(peer, _forwarded(scope))
        passage = _Passage(scope, headers, peer, address, time.perf_counter())
        leaving = partial(self._send, passage, send)
        try:
            await self._pass(passage, receive, leaving)
        except ClientDisconnect:
            passage.refused = "gone"
        except Exception as defect:
            if passage.status:
                raise
            await self._leave(passage, defect_reply(defect), receive, leaving)
        finally:
            # A log that can't be written is dead from now on, and so is the gate until it can.
            with suppress(StoreError):
                self._note(passage)

    async def _pass(self, passage: _Passage, receive: Receive, send: Send) -> None:
        try:
            self._admit(passage)
            route = passage.route
            assert route is not None, "what has no route was refused"
            if route.streams:
                await self._parts.streams.run(
                    Request(passage.scope, receive), self._asked(passage, b""), send, self._still(passage)
                )
                return
            most = OPEN_BODY_BYTES_MAX if route.open else BODY_BYTES_MAX
            body = await read_body(Request(passage.scope, receive), most)
            if route.asgi:
                await self._parts.mcp.run(passage.scope, receive, send, self._asked(passage, body))
                return
            assert route.answer is not None, "only streams have none"
            async with self._turns.of(passage.counted_as):
                reply = await to_thread.run_sync(_answered, route, self._asked(passage, body))
        except BabysitterError as error:
            passage.refused = error.code
            guessed = self._guessed(passage) if isinstance(error, CredentialError) else None
            reply = (
                guessed
                if guessed is not None
                else await to_thread.run_sync(told, self._asked(passage, b""), error)
            )
        except Refused as refused:
            passage.refused = refused.code
            reply = refused.reply
        await self._leave(passage, reply, receive, send)

    def _admit(self, passage: _Passage) -> None:
        """Steps 1 to 5."""
        parts, headers, method = self._parts, passage.headers, passage.scope["method"]
        if parts.log.is_dead:
            # What nobody could read of later is not done now.
            parts.log.open()
        if _head_bytes(passage.scope) > HEAD_BYTES_MAX:
            raise Refused("usage.head", f"the head has more than {HEAD_BYTES_MAX} bytes.")
        if not parts.ground.may_connect(passage.peer) or not parts.ground.may_reach(passage.address):
            raise Refused("refused.network", "this address may not reach the server.")
        if not parts.ground.is_ours(headers.get("host", "")):
            raise Refused("refused.host", "this server is not called so.")
        passage.route, passage.params = self._match(passage.scope)
        credential = bearer(headers) or cookies(headers).get(COOKIE, "")
        if parts.ground.is_cross_site(method, headers, has_session=not bearer(headers) and bool(credential)):
            raise Refused("refused.cross_site", "another site's page may not ask for this.")
        if not passage.route.open:
            passage.caller = self._who(headers, with_cookie=not passage.route.asgi)
        self._check_rate(passage.counted_as)

    def _check_rate(self, key: str) -> None:
        wait_s = self._parts.rates.wait_s(key)
        if wait_s:
            raise Refused("refused.rate", "too many requests.", _later(wait_s))

    def _match(self, scope: Scope) -> tuple[Route, Mapping[str, str]]:
        allowed: set[str] = set()
        for route in self._router.routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                assert isinstance(route, StarletteRoute), "the table makes no others"
                return self._routes[route.name], child.get("path_params", {})
            if match is Match.PARTIAL and isinstance(route, StarletteRoute):
                allowed |= route.methods or set()
        if allowed:
            raise Refused("usage.method", "not so.", {"Allow": ", ".join(sorted(allowed))})
        raise NotFoundError("there is nothing here.", hint="See /api/v1/openapi.json, or begin at /.")

    def _who(self, headers: Mapping[str, str], *, with_cookie: bool = True, is_use: bool = True) -> Caller:
        """Return who asks. ``is_use``: somebody does, and not a stream that was left open."""
        token, cookie = bearer(headers), cookies(headers).get(COOKIE, "") if with_cookie else ""
        if not token and not cookie:
            raise CredentialError("nobody is signed in.", hint="Sign in at /sign-in, or send a token.")
        door = self._parts.door
        return door.by_token(token) if token else door.by_session(cookie, is_use=is_use)

    def _guessed(self, passage: _Passage) -> Reply | None:
        """Count a credential that is none; return what an address gets that has guessed too often."""
        route = passage.route
        is_guess = bearer(passage.headers) or cookies(passage.headers).get(COOKIE) or (route and route.open)
        wait_s = self._parts.failures.wait_s(neighbourhood(passage.address)) if is_guess else 0.0
        if not wait_s:
            return None
        passage.refused = "refused.rate"
        return Refused("refused.rate", "too many failures.", _later(wait_s)).reply

    def _still(self, passage: _Passage) -> "partial[Caller | None]":
        """Return what tells whether a stream's credential still counts."""
        return partial(self._again, passage)

    def _again(self, passage: _Passage) -> Caller | None:
        try:
            return self._who(passage.headers, is_use=False)
        except (BabysitterError, Refused):
            return None

    def _asked(self, passage: _Passage, body: bytes) -> Asked:
        request = Request(passage.scope)
        return Asked(
            hosting=self._parts.hosting,
            entrance=self._parts.entrance,
            caller=passage.caller,
            method=passage.scope["method"],
            path=passage.scope["path"],
            params=passage.params,
            query=dict(request.query_params),
            headers=passage.headers,
            cookies=cookies(passage.headers),
            body=body,
            address=passage.address,
        )

    async def _leave(self, passage: _Passage, reply: Reply, receive: Receive, send: Send) -> None:
        with reply.file or nullcontext():
            response = (
                Response(reply.body, status_code=reply.status, media_type=reply.type)
                if reply.file is None
                else StreamingResponse(
                    iter(partial(reply.file.read, _PIECE_BYTES), b""),
                    status_code=reply.status,
                    media_type=reply.type,
                )
            )
            for name, value in reply.headers.items():
                response.headers.append(name, value)
            await response(passage.scope, receive, send)

    async def _send(self, passage: _Passage, send: Send, message: Message) -> None:
        """Put on every reply what every reply carries, and count."""
        if message["type"] == "http.response.start":
            passage.status = message["status"]
            own = {name.lower() for name, _ in message.get("headers", [])}
            message["headers"] = [
                *message.get("headers", []),
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in self._parts.ground.headers().items()
                    if name.lower().encode() not in own
                ),
            ]
        elif message["type"] == "http.response.body":
            passage.sent += len(message.get("body", b""))
        await send(message)

    def _note(self, passage: _Passage) -> None:
        """Write the request's line."""
        route, caller = passage.route, passage.caller
        # Cut only now: of a token that is cut nobody can tell what it is, and most of a secret is one.
        path = self._parts.mask.mask_string(passage.scope["path"])[:TEXT_MAX]
        line = Requested(
            who=caller.name if caller is not None else "",
            credential=caller.credential if caller is not None else "",
            method_of_credential=caller.method if caller is not None else "",
            address=passage.address,
            method=passage.scope["method"][:16],
            route=route.name if route is not None else "",
            path=path,
            workspace=passage.params.get("workspace", ""),
            status=passage.status,
            ms=int((time.perf_counter() - passage.began_s) * 1000),
            bytes=passage.sent,
            refused=passage.refused,
        )
        self._parts.log.write(line)


def _head_bytes(scope: Scope) -> int:
    headers = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return headers + len(scope.get("raw_path") or b"") + len(scope["query_string"])


def _forwarded(scope: Scope) -> str:
    """Return who forwarded for whom: several lines of one name are one list."""
    return ", ".join(
        value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
    )


def _later(wait_s: float) -> Mapping[str, str]:
    return {"Retry-After": str(int(wait_s) + 1)}


def _answered(route: Route, asked: Asked) -> Reply:
    """Call the route's function; a defect of ours becomes a reply that names no more than its place."""
    assert route.answer is not None, "only streams have none"
    try:
        reply = route.answer(asked)
        fresh = renewed(asked.entrance, asked.headers) if asked.caller is not None else {}
        return replace(reply, headers={**fresh, **reply.headers}) if fresh else reply
    except BabysitterError:
        raise
    except Exception as defect:  # noqa: BLE001 (the last boundary: the caller gets a sentence, and the server stays)
        return defect_reply(defect)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _never(request: Request) -> Response:
    """Stand where the router wants a function; the gate calls the table's."""
    raise AssertionError(request.url.path)
