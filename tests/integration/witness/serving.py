"""Servers that tests need: one that answers what it is told, and bytes sent to one by hand."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from babysitter.log.notes import VerifierKey
from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.http import HttpWitness
from babysitter.log.witness.server import RunningWitness

NAME = "witness.example.com/w"


def client_of(running: RunningWitness, key: VerifierKey | None = None) -> HttpWitness:
    endpoint = Endpoint(witness="w", url=running.url, timeout_s=10)
    return HttpWitness(name="w", key=key or running.verifier, endpoint=endpoint)


def spoken(running: RunningWitness, *parts: bytes) -> bytes:
    """Send the parts as they are; return all that came back."""
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as sock:
        with suppress(OSError):
            for part in parts:
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
        return received(sock)


def received(sock: socket.socket) -> bytes:
    data = b""
    with suppress(ConnectionError):
        while chunk := sock.recv(65536):
            data += chunk
    return data


@contextmanager
def answering(
    answer: Callable[[socket.socket], None], context: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Give the address of a server that treats each connection so, one after the other."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), sock:
                if context is None:
                    answer(sock)
                else:
                    with context.wrap_socket(sock, server_side=True) as wrapped:
                        answer(wrapped)

    thread = threading.Thread(target=serve)
    thread.start()
    scheme = "http" if context is None else "https"
    try:
        yield f"{scheme}://localhost:{listener.getsockname()[1]}"
    finally:
        # The blocked accept ends with this, on Linux and macOS.
        with suppress(OSError):
            socket.create_connection(listener.getsockname(), timeout=5).close()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    """Return what reads a request's head, and answers with the parts."""

    def answer(sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = sock.recv(65536)
            if not chunk:
                return
            head += chunk
        for part in parts:
            sock.sendall(part)

    return answer


def response(status: int, body: bytes, content_type: str = "text/plain") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
