"""A small package index for the demo: lists what was uploaded, and takes uploads from whoever has the token.

    RELEASE_INDEX_TOKEN=… python examples/index_server.py FOLDER PORT

Answers PEP 503's simple pages. Binds to 127.0.0.1 alone. Keeps a file only when
its SHA-256 is the one announced; the same file twice is fine, another one under
the same name is refused.
"""

import hashlib
import hmac
import html
import json
import os
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WHEEL = re.compile(r"[A-Za-z0-9_.]+-[A-Za-z0-9_.!+]+(-[A-Za-z0-9_.]+){3}\.whl")
UPLOAD_BYTES_MAX = 32 * 1024 * 1024


class Index(BaseHTTPRequestHandler):
    """One request."""

    folder: Path
    token: str

    def do_GET(self) -> None:
        """Give a simple page or a file."""
        parts = [part for part in self.path.split("/") if part]
        if len(parts) == 2 and parts[0] == "simple":
            links = [
                _link(file)
                for file in sorted(self.folder.glob("*.whl"))
                if file.name.partition("-")[0].replace("_", "-").lower() == parts[1].lower()
            ]
            self._answer(HTTPStatus.OK, "<!DOCTYPE html><body>" + "<br>".join(links), "text/html")
        elif len(parts) == 2 and parts[0] == "files" and WHEEL.fullmatch(parts[1]):
            file = self.folder / parts[1]
            if file.is_file():
                self._answer(HTTPStatus.OK, file.read_bytes(), "application/octet-stream")
                return
            self._answer(HTTPStatus.NOT_FOUND, "no such file\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "no such page\n")

    def do_PUT(self) -> None:
        """Take a file."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= UPLOAD_BYTES_MAX:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large or empty\n")
            return
        data = self.rfile.read(length)
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            self._answer(HTTPStatus.UNAUTHORIZED, "the token is not right")
            return
        name = self.path.removeprefix("/upload/")
        if name == self.path or not WHEEL.fullmatch(name):
            self._answer(HTTPStatus.BAD_REQUEST, "not the name of a wheel")
            return
        if hashlib.sha256(data).hexdigest() != self.headers.get("X-SHA256"):
            self._answer(HTTPStatus.BAD_REQUEST, "the SHA-256 is not the one announced")
            return
        file = self.folder / name
        if file.exists() and file.read_bytes() != data:
            self._answer(HTTPStatus.CONFLICT, "another file of that name is here")
            return
        file.write_bytes(data)
        host = self.headers.get("Host", "127.0.0.1")
        self._answer(
            HTTPStatus.CREATED, json.dumps({"url": f"http://{host}/files/{name}"}), "application/json"
        )

    def _answer(self, status: HTTPStatus, body: str | bytes, kind: str = "text/plain") -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is http.server's)
        """Keep quiet: the demo's own progress tells what happens."""
        del format, args


def _link(file: Path) -> str:
    name, digest = html.escape(file.name), hashlib.sha256(file.read_bytes()).hexdigest()
    return f'<a href="/files/{name}#sha256={digest}">{name}</a>'


def serve(folder: Path, token: str, port: int = 0) -> ThreadingHTTPServer:
    """Return a server for a folder, bound and not yet serving; its port is ``server_address[1]``."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = type("BoundIndex", (Index,), {"folder": folder, "token": token})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    server = serve(Path(sys.argv[1]), os.environ["RELEASE_INDEX_TOKEN"], int(sys.argv[2]))
    print(f"index at http://127.0.0.1:{server.server_address[1]}/simple/", flush=True)
    server.serve_forever()
