"""A witness's HTTP server: small on purpose, since it stands where strangers reach it.

One request a connection. A request has HEAD_BYTES_MAX for its first line and headers,
REQUEST_BYTES_MAX for its body and CONNECTION_S for all of it; beyond CONNECTIONS_MAX the next is
turned away. What is refused, and by which status, is decided in ``state.py``.

It binds to this machine only: TLS is the business of the reverse proxy in front of it.
"""

import io
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from babysitter.log.notes import VerifierKey
from babysitter.log.witness.keys import load_or_make_key
from babysitter.log.witness.protocol import ADD_CHECKPOINT, REQUEST_BYTES_MAX
from babysitter.log.witness.state import Reply, WitnessState
from babysitter.model.clock import Clock
from babysitter.model.errors import RunLockedError, SettingsError
from babysitter.model.network import is_loopback
from babysitter.stores.failures import disk_errors
from babysitter.stores.tree import Tree

HEAD_BYTES_MAX = 8 * 1024
CONNECTIONS_MAX = 32
CONNECTION_S = 10.0
_READ_S = 5.0
_UNREAD_BYTES_MAX = 1024 * 1024
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"


class RunningWitness:
    """A witness that answers, until it is closed. A context manager."""

    def __init__(self, server: "_Server", verifier: VerifierKey, lock: "_Lock") -> None:
        self.verifier = verifier
        host, port = server.server_address[:2]
        self.url = f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"
        self._server = server
        self._lock = lock
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        self._thread.daemon = True
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until another thread has closed it, or the time is over."""
        self._thread.join(seconds)

    def close(self) -> None:
        """Stop: nobody is being answered any more, and what was cosigned is durable. Twice does nothing."""
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_witness(
    folder: Tree, *, name: str, logs: Mapping[str, VerifierKey], host: str, port: int, clock: Clock
) -> RunningWitness:
    """Return a witness that answers already, on a thread of its own.

    Args:
        folder: holds its key and what it has seen; one witness, one folder, for ever.
        name: of its key.
        logs: whom it knows: from a log's origin to its verifier key.
        host: a loopback address.
        port: 0: any free one; see ``url``.
        clock: the time that cosignatures say.

    Raises:
        SettingsError: the address is not this machine's or not free, or the folder is another witness's.
        RunLockedError: another process serves this folder.
        StoreFailedError: a disk operation failed.
    """
    if not is_loopback(host):
        raise SettingsError(
            f"a witness does not listen at {host} itself.",
            hint="Let it listen at 127.0.0.1, and put a reverse proxy with TLS in front.",
        )
    with disk_errors("making the witness's folder", folder.root):
        Path(folder.root).mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _Lock(folder)
    try:
        key = load_or_make_key(folder, name)
        state = WitnessState(folder, key, logs, clock)
        server = _Server((host, port), state, clock)
    except (OSError, OverflowError) as error:
        lock.release()
        raise SettingsError(
            f"a witness can't listen at {host}, port {port}: {error}.",
            hint="Choose another port, or end what listens there.",
        ) from error
    except BaseException:
        lock.release()
        raise
    return RunningWitness(server, key.verifier, lock)


class _Lock:
    """The folder's lock, held while the witness answers: two processes would cosign two trees."""

    def __init__(self, folder: Tree) -> None:
        self._disk = folder.disk
        self._fd: int | None = folder.open("lock", os.O_RDWR | os.O_CREAT)
        if not self._disk.try_lock(self._fd, shared=False):
            self.release()
            raise RunLockedError(
                f"another process serves the witness in {folder.root}.",
                hint="End it first, or give this one a folder of its own.",
            )

    def release(self) -> None:
        if self._fd is not None:
            self._disk.close(self._fd)
            self._fd = None


class _Server(ThreadingHTTPServer):
    """Threads with a bound, each connection with a deadline."""

    daemon_threads = False
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, address: tuple[str, int], state: WitnessState, clock: Clock) -> None:
        self.state = state
        self._clock = clock
        self._open: dict[socket.socket, float] = {}
        self._mutex = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, and ask no name server who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the base class's)
        """Answer on a thread of its own, or turn it away when all are busy."""
        with self._mutex:
            is_free = len(self._open) < CONNECTIONS_MAX
            if is_free:
                self._open[request] = self._clock.monotonic_s() + CONNECTION_S
        if is_free:
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.send(_BUSY)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        """Close the connection, and free its place."""
        with self._mutex:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections whose time is over; called ten times a second."""
        now = self._clock.monotonic_s()
        with self._mutex:
            _end_all([each for each, deadline in self._open.items() if deadline < now])

    def end_connections(self) -> None:
        """End all connections, whatever they are at."""
        with self._mutex:
            _end_all(list(self._open))

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing about clients that went away; the rest is a defect, and goes to our standard error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _end_all(connections: list[socket.socket]) -> None:
    for each in connections:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class _HeadTooLongError(Exception):
    """The first line and the headers are longer than they may be."""


class _Input(io.BufferedReader):
    """What a client sends; its lines, which are the head, have a bound in all."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._left = HEAD_BYTES_MAX

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return a line of the head."""
        line = super().readline(self._left + 1 if size is None or size < 0 else min(size, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise _HeadTooLongError
        return line


class _Handler(BaseHTTPRequestHandler):
    """One connection, one request, one answer in plain text."""

    server: _Server
    timeout = _READ_S
    rbufsize = 0
    _is_answered = False

    def setup(self) -> None:
        """Bound what is read."""
        super().setup()
        self.rfile = _Input(self.rfile)  # type: ignore[arg-type] # unbuffered, so it is a raw stream

    def handle(self) -> None:
        """Answer the one request."""
        self.close_connection = True
        try:
            self.handle_one_request()
        except _HeadTooLongError:
            self.send_error(431)
        if not self._is_answered:
            self.send_error(400)
        self._drain()

    def do_GET(self) -> None:
        """Tell what was seen."""
        self._answer(self.server.state.get(self.path))

    def do_POST(self) -> None:
        """Take a checkpoint."""
        if self.path != ADD_CHECKPOINT:
            self.send_error(404)
            return
        length = self._body_length()
        if isinstance(length, Reply):
            self._answer(length)
            return
        body = self.rfile.read(length)
        if len(body) < length:
            self.send_error(400)
            return
        self._answer(self.server.state.post(body))

    def send_error(self, code: int, message: object = None, explain: object = None) -> None:  # noqa: ARG002
        """Refuse, in plain text. What this server does not know is the client's error."""
        status = {501: 405, 505: 400}.get(code, code)
        self._answer(Reply(status=status, body="this request is not understood here\n"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Keep no log of who asked."""

    def _body_length(self) -> int | Reply:
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or not lengths:
            return Reply(status=411, body="send the length of the body\n")
        text = lengths[0]
        if len(lengths) > 1 or not text.isascii() or not text.isdecimal():
            return Reply(status=400, body="this is no length\n")
        if len(text) > 9 or int(text) > REQUEST_BYTES_MAX:
            return Reply(status=413, body=f"a request has at most {REQUEST_BYTES_MAX} bytes\n")
        return int(text)

    def _answer(self, reply: Reply) -> None:
        if self._is_answered:
            return
        self._is_answered = True
        body = reply.body.encode()
        # A request so old or so broken that it named no version would be answered without a status.
        self.request_version = "HTTP/1.0"
        self.send_response_only(reply.status)
        for name, value in (
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _drain(self) -> None:
        """Take what the client still sends, within bounds: closing on it would lose our answer."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            left = _UNREAD_BYTES_MAX
            while left > 0 and (taken := len(self.connection.recv(64 * 1024))):
                left -= taken
