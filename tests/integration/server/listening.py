"""A server on a real socket in this process, and words for speaking to it byte by byte."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn

from babysitter.server.connection import BoundedProtocol
from babysitter.server.connection_bounds import ConnectionBounds
from babysitter.server.refused import HEAD_BYTES_MAX
from tests.unit.server.served import Server

PATIENCE_S = 30.0


@contextmanager
def listening(
    folder: Path, *, tls: ssl.SSLContext | None = None, bounds: ConnectionBounds | None = None
) -> Iterator[tuple[Server, int]]:
    """Give a server that listens on this machine, and its port."""
    server = Server(folder)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    # Before the thread has come so far, connections wait instead of being refused.
    sock.listen()
    config = uvicorn.Config(
        server.app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=cast("type[asyncio.Protocol]", partial(BoundedProtocol, bounds=bounds)),
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        ws="none",
    )
    config.load()
    if tls is not None:
        config.ssl = tls
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running._serve(sockets=[sock])), daemon=True)
    thread.start()
    try:
        yield server, sock.getsockname()[1]
    finally:
        running.should_exit = running.force_exit = True
        thread.join(PATIENCE_S)
        sock.close()


def connected(port: int) -> socket.socket:
    """Return a connection to the server."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def head(method: str, path: str, *, token: str = "", more: str = "") -> bytes:
    """Return a request's head, as the server's own clients would send it."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost:3185\r\n{authorization}{more}\r\n".encode()


def until_closed(sock: socket.socket) -> bytes:
    """Return everything that comes until the server hangs up."""
    parts = []
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def until(sock: socket.socket, wanted: bytes) -> bytes:
    """Return what comes until these bytes have."""
    data = b""
    while wanted not in data:
        part = sock.recv(65536)
        assert part, f"the server hung up before {wanted!r}: {data[-300:]!r}"
        data += part
    return data
