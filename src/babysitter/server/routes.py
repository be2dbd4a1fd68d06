"""The table of routes: what the application, its OpenAPI document and the tests of access are made from.

A route that is not ``open`` needs a credential before anything else is looked at. ``action`` is what
its use case asks the caller's role for; the table is held against what really happens by a test
that visits every route as everybody.
"""

from dataclasses import dataclass
from typing import Any

from babysitter.server.exchange import Answerer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """One route.

    name: stable, for the access log and OpenAPI. action: None: nothing but a credential is needed.
    takes, gives: types of the bodies. query: the names of what the query may hold, each with its words.
    streams: it is answered with server-sent events; then ``answer`` is not called.
    asgi: it is answered by an application of its own, likewise; a session's cookie counts for nothing there.
    gives_type: the media type of what it gives, where that is no JSON.
    """

    method: str
    path: str
    name: str
    answer: Answerer | None
    summary: str
    action: str | None = None
    open: bool = False
    takes: Any = None
    gives: Any = None
    status: int = 200
    query: dict[str, str] | None = None
    streams: bool = False
    asgi: bool = False
    gives_type: str = "text/plain"


Table = tuple[Route, ...]
