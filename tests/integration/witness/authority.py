"""Certificates and time stamps made with stock openssl: an authority of tests, honest or not."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_REQUEST = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_SETTINGS = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
{accuracy}
ess_cert_id_alg = sha256
"""


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass(frozen=True)
class Authority:
    """A root and one certificate below it, in a folder: ``root.pem``, ``leaf.pem``, ``leaf.key``."""

    folder: Path

    @property
    def roots(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def stamp(self, request: bytes) -> bytes:
        """Return the response to a time stamp request."""
        query = self.folder / "query"
        query.write_bytes(request)
        settings = ("-config", f"{self.folder}/tsa.conf", "-section", "one")
        signer = ("-signer", f"{self.folder}/leaf.pem", "-inkey", f"{self.folder}/leaf.key")
        return openssl("ts", "-reply", *settings, "-queryfile", str(query), *signer, "-out", "/dev/stdout")


def made(
    folder: Path, usage: str = "critical,timeStamping", accuracy: str = "accuracy = secs:2, millisecs:500"
) -> Authority:
    """Make an authority. ``usage``: the extended key usage of its certificate."""
    folder.mkdir(exist_ok=True)
    root = ("-subj", "/CN=root", "-keyout", f"{folder}/root.key", "-out", f"{folder}/root.pem", "-days", "2")
    openssl("req", "-x509", *_REQUEST, *root, "-addext", "keyUsage=critical,keyCertSign")
    leaf = ("-subj", "/CN=leaf", "-keyout", f"{folder}/leaf.key", "-out", f"{folder}/leaf.csr")
    openssl("req", *_REQUEST, *leaf)
    extensions = folder / "leaf.ext"
    extensions.write_text(f"extendedKeyUsage={usage}\nsubjectAltName=DNS:localhost\n")
    issued = ("-CA", f"{folder}/root.pem", "-CAkey", f"{folder}/root.key", "-CAcreateserial", "-days", "2")
    openssl(
        "x509",
        "-req",
        "-in",
        f"{folder}/leaf.csr",
        *issued,
        "-extfile",
        str(extensions),
        "-out",
        f"{folder}/leaf.pem",
    )
    (folder / "tsa.conf").write_text(_SETTINGS.format(folder=folder, accuracy=accuracy))
    (folder / "serial").write_text("01\n")
    return Authority(folder)


class _Server(ThreadingHTTPServer):
    def __init__(self, authority: Authority, instead: bytes | None) -> None:
        self.authority = authority
        self.instead = instead
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/timestamp-query"
        body = self.server.authority.stamp(request) if self.server.instead is None else self.server.instead
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def serving(authority: Authority, *, instead: bytes | None = None) -> Iterator[str]:
    """Give the address of the authority's server. ``instead``: what it answers whatever it is asked."""
    with _Server(authority, instead) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/stamp"
        finally:
            server.shutdown()
            thread.join()
