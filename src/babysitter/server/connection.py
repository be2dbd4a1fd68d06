"""One connection, bounded: a head that drips, a reader that does not read and one too many are left.

The HTTP is h11's and uvicorn's; what they wait for without end is what is bounded here. How
long a body may take is the gate's matter, how long silence between requests, uvicorn's.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from babysitter.server.connection_bounds import ConnectionBounds

HEAD_S_MAX = 10.0
"""From the first moment of a connection, or the end of a reply, to the end of the next request's head."""
UNREAD_S_MAX = 30.0
"""How long somebody may take nothing of what is sent to them."""


class BoundedProtocol(H11Protocol):
    """See the module."""

    _head_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _counted: str | None = None

    def __init__(self, *parts: Any, bounds: ConnectionBounds | None = None, **more: Any) -> None:  # noqa: ANN401 (uvicorn's)
        """Args: ``bounds``: how many connections there may be; the others: as uvicorn gives them."""
        super().__init__(*parts, **more)
        self._bounds = bounds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        address = (transport.get_extra_info("peername") or ("",))[0]
        if self._bounds is not None:
            if not self._bounds.take(address):
                transport.abort()
                return
            self._counted = address
        self._head_timer = self.loop.call_later(HEAD_S_MAX, self._leave)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_timers()
        if self._bounds is not None and self._counted is not None:
            self._bounds.give_back(self._counted)
            self._counted = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        elif self.cycle is not None and self.cycle.response_complete and self._head_timer is None:
            # The next request has begun to come.
            self._head_timer = self.loop.call_later(HEAD_S_MAX, self._leave)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD_S_MAX, self._leave)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _leave(self) -> None:
        self._stop_timers()
        # Not closed: what waits to be sent would keep it open for as long as nobody reads.
        self.transport.abort()

    def _stop_timers(self) -> None:
        timers: tuple[Any, ...] = (self._head_timer, self._unread_timer)
        for timer in timers:
            if timer is not None:
                timer.cancel()
        self._head_timer = self._unread_timer = None
