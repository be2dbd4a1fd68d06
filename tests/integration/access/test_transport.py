"""Requests to other servers: certificates verified, no redirects, bounded, no plain HTTP elsewhere."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from babysitter.access.transport import Request, UnreachableError, exchange, problem_of_url

pytestmark = pytest.mark.promise("G20")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path in ("/drips", "/cut"):
            self.send_response(200)
            if self.path == "/cut":
                self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"{}")
            for _ in range(0 if self.path == "/cut" else 100):
                self.wfile.write(b" ")
                self.connection.settimeout(0.05)
                with suppress(TimeoutError):
                    self.connection.recv(1)
            return
        body = b"x" * 5000 if self.path == "/long" else b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest shows what tests print."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is no news
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(20)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a PEM file with a key, and a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with serving(certificate) as url, pytest.raises(UnreachableError, match="does not verify"):
        exchange(Request(url=url))


def test_an_authority_that_the_machine_believes_will_do(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as url:
        answer = exchange(Request(url=url))

    assert (answer.status, answer.content_type, answer.body) == (200, "application/json", b"{}")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving() as url:
        assert exchange(Request(url=f"{url}/away")).status == 302


def test_who_says_too_much_is_cut(certificate: Path) -> None:
    with serving() as url, pytest.raises(UnreachableError, match="more than 4999 bytes"):
        exchange(Request(url=f"{url}/long", bytes_max=4999))


def test_who_says_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UnreachableError, match="can't be reached"):
            exchange(Request(url=url, timeout_s=0.2))


@pytest.mark.parametrize("path", ["/drips", "/cut"])
def test_half_an_answer_is_none(path: str) -> None:
    """What had come when the time was up once passed for all of it."""
    with serving() as url, pytest.raises(UnreachableError, match="can't be reached"):
        exchange(Request(url=f"{url}{path}", timeout_s=0.5))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://id.example.com/x?y=1", ""),
        ("http://localhost:1/", ""),
        ("http://[::1]:1/", ""),
        ("http://id.example.com/", "is not protected by TLS"),
        ("http://10.0.0.1/", "is not protected by TLS"),
        ("ftp://localhost/", "is not protected by TLS"),
        ("https://me:word@id.example.com/", "holds a name or password"),
        ("https:///x", "is no address"),
        ("https://id.example.com/#x", "is no address"),
        ("https://id.example.com/\r\nHost: x", "is no address"),
        ("https://id.example.com:port/", "is no address"),
    ],
)
def test_which_addresses_are_asked(url: str, problem: str) -> None:
    assert problem_of_url(url) == problem
    if problem:
        with pytest.raises(UnreachableError):
            exchange(Request(url=url))
