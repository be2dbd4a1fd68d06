"""One connection of a task through the proxy: its head, whether it may, and then bytes both ways.

Invariants, each with a test in tests/unit/executors/test_proxy.py:
    - a client gets so long for its head, and so long without a byte; then it is closed;
    - one direction may end while the other goes on;
    - of plain HTTP, one request is passed on, and of it no more than its head says.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from babysitter.executors.sandbox.egress.head import (
    HEAD_BYTES_MAX,
    HEAD_END,
    BadRequestError,
    Head,
    parse_head,
)
from babysitter.executors.sandbox.egress.reach import Patience, Reach, RefusedError
from babysitter.executors.sandbox.egress.tally import Tally, Traffic

_CHUNK_BYTES = 128 * 1024
_TURNS = 16
"""Chunks of one direction before the others get their turn."""
_LEFT_BYTES_MAX = 256 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"
_REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


class Connection:
    """Serves one client to its end."""

    def __init__(self, client: socket.socket, reach: Reach, tally: Tally, patience: Patience) -> None:
        self.client = client
        self._reach = reach
        self._tally = tally
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._moved_at = self._loop.time()
        self.sending: asyncio.Task[None] | None = None
        """What passes the client's bytes on, once there is somebody to pass them to."""

    async def serve(self) -> None:
        """Afterwards what the client was connected to is closed; the client is its owner's to close."""
        upstream: socket.socket | None = None
        try:
            try:
                head, rest = await self._head()
                entry = self._reach.permitted(head)
                upstream = await self._reach.connect(head)
            except (RefusedError, BadRequestError) as refusal:
                self._count(refusal)
                await self._answer(refusal.status, str(refusal))
                return
            traffic = self._tally.of(entry)
            traffic.connections += 1
            await self._pass_on(head, rest, upstream, traffic)
        except OSError:
            # Either side may vanish at any moment.
            return
        finally:
            if upstream is not None:
                upstream.close()

    def is_idle(self) -> bool:
        """Tell whether nothing has moved for too long."""
        return self._loop.time() - self._moved_at > self._patience.idle_s

    async def _head(self) -> tuple[Head, bytes]:
        raw = bytearray()
        try:
            async with asyncio.timeout(self._patience.head_s):
                while (end := raw.find(HEAD_END)) < 0:
                    _check_size(len(raw))
                    chunk = await self._loop.sock_recv(self.client, HEAD_BYTES_MAX)
                    if not chunk and not raw:
                        raise ConnectionResetError
                    if not chunk:
                        raise BadRequestError(400, "The request ends before its head does.")
                    raw += chunk
        except TimeoutError:
            raise RefusedError(408, "The request's head did not come in time.") from None
        _check_size(end)
        end += len(HEAD_END)
        return parse_head(bytes(raw[:end])), bytes(raw[end:])

    async def _pass_on(self, head: Head, rest: bytes, upstream: socket.socket, traffic: Traffic) -> None:
        left = None
        if head.is_tunnel:
            await self._loop.sock_sendall(self.client, _ESTABLISHED)
        elif head.body_bytes is not None:
            rest = rest[: head.body_bytes]
            left = head.body_bytes - len(rest)
        self._moved_at = self._loop.time()
        try:
            async with asyncio.TaskGroup() as both:
                self.sending = both.create_task(self._send(head.forward + rest, left, upstream, traffic))
                receiving = both.create_task(self._receive(upstream, traffic))
                if not head.is_tunnel:
                    # The end of the answer is the end of it all, however much a client would still send.
                    await receiving
                    self.sending.cancel()
        except* OSError:
            # One side is gone, so the other has nobody to talk to.
            pass

    async def _send(self, first: bytes, left: int | None, upstream: socket.socket, traffic: Traffic) -> None:
        def sent(count: int) -> None:
            traffic.sent += count
            self._moved_at = self._loop.time()

        # An upstream that reads no more may still answer: only the other direction ends the connection.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if first:
                await self._loop.sock_sendall(upstream, first)
                sent(len(first))
            await self._pump(self.client, upstream, sent, left)
            # The end of a body of known length is no end of the connection.
            if left is None:
                upstream.shutdown(socket.SHUT_WR)

    async def _receive(self, upstream: socket.socket, traffic: Traffic) -> None:
        def received(count: int) -> None:
            traffic.received += count
            self._moved_at = self._loop.time()

        await self._pump(upstream, self.client, received, None)
        self.client.shutdown(socket.SHUT_WR)

    async def _pump(
        self, source: socket.socket, sink: socket.socket, moved: Callable[[int], None], left: int | None
    ) -> None:
        view = memoryview(bytearray(_CHUNK_BYTES))
        turns = 0
        while left is None or left > 0:
            count = await self._read_into(source, view if left is None else view[:left])
            if count == 0:
                return
            await self._loop.sock_sendall(sink, view[:count])
            moved(count)
            left = None if left is None else left - count
            turns += 1
            if turns % _TURNS == 0:
                # Where there is always more, neither call ever waits.
                await asyncio.sleep(0)

    async def _read_into(self, source: socket.socket, room: memoryview) -> int:
        try:
            return await self._loop.sock_recv_into(source, room)
        except ConnectionError as error:
            # Told apart from a sink that failed: a side that was torn down ends both directions.
            raise OSError(error.errno, "a side is gone") from error

    def _count(self, refusal: RefusedError | BadRequestError) -> None:
        if isinstance(refusal, BadRequestError):
            self._tally.deny("network.request")
        elif refusal.rule:
            self._tally.deny(refusal.rule, refusal.place)

    async def _answer(self, status: int, message: str) -> None:
        body = f"Babysitter: {message}\n".encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        async with asyncio.timeout(self._patience.goodbye_s):
            await self._loop.sock_sendall(self.client, head.encode() + body)
            self.client.shutdown(socket.SHUT_WR)
            # To close with bytes unread would take the answer back.
            left = _LEFT_BYTES_MAX
            while left > 0 and (chunk := await self._loop.sock_recv(self.client, _CHUNK_BYTES)):
                left -= len(chunk)


def _check_size(count: int) -> None:
    if count > HEAD_BYTES_MAX:
        raise BadRequestError(431, "The request's head is too large.")
