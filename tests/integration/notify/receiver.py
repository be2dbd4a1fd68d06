"""A receiver of webhooks: a real HTTP server that keeps what it was sent, and answers as a test says."""

import base64
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_by(self, key: bytes) -> bool:
        """Tell whether one of its signatures is of this key, as Standard Webhooks has it."""
        content = b".".join((self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body))
        wanted = b"v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256))
        return wanted.decode() in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """requests: what came, in order. answers: statuses of the next ones; then ``status``, for ever."""

    requests: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that do not trust us hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.requests.append(Request(self.path, headers, body))
        self.send_response(receiver.answers.pop(0) if receiver.answers else receiver.status)
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(receiver.body)))
        self.end_headers()
        self.wfile.write(receiver.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """Give a receiver that listens. ``certificate``: a folder with ``leaf.pem`` and ``leaf.key``, for TLS."""
    receiver = Receiver()
    with _Server(receiver) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "leaf.pem", certificate / "leaf.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.url = f"{'http' if certificate is None else 'https'}://localhost:{server.server_port}/hook"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
