"""Requests to other machines, and every way in which a server can lie about its answer."""

import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from babysitter.transport.exchange import Request, exchange
from babysitter.transport.reach import PERMITTED, Reach
from babysitter.transport.unreachable import UnreachableError
from tests.integration.witness.authority import made
from tests.integration.witness.serving import answering, response, says

pytestmark = pytest.mark.promise("G20")
OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS_S = 60
Server = Callable[[socket.socket], None]


def drips(byte: bytes, start: bytes = b"") -> Server:
    """Never ends, and never pauses for as long as a plain timeout."""

    def answer(sock: socket.socket) -> None:
        sock.sendall(start)
        sock.settimeout(0.05)
        until_s = time.monotonic() + ENDLESS_S
        while time.monotonic() < until_s:
            sock.sendall(byte)
            try:
                if not sock.recv(65536):
                    return
            except TimeoutError:
                continue

    return answer


def floods(part: bytes, start: bytes) -> Server:
    """Say the part until the other side hangs up."""

    def answer(sock: socket.socket) -> None:
        says(start)(sock)
        until_s = time.monotonic() + ENDLESS_S
        while time.monotonic() < until_s:
            sock.sendall(part)

    return answer


def refused(server: Server, *, timeout_s: float = 10.0, bytes_max: int = 5000) -> UnreachableError:
    with answering(server) as url, pytest.raises(UnreachableError) as caught:
        exchange(Request(url=url, timeout_s=timeout_s, bytes_max=bytes_max))
    return caught.value


def test_what_is_answered_is_told() -> None:
    head = b"HTTP/1.1 429 X\r\nContent-Type: Application/JSON; charset=utf-8\r\nRetry-After: 7\r\n"

    with answering(says(head + b"Content-Length: 2\r\n\r\n{}")) as url:
        answer = exchange(Request(url=url))

    assert (answer.status, answer.content_type, answer.body) == (429, "application/json", b"{}")
    assert answer.retry_after == "7"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\n\r\nhello",
        b"Content-Length: 5\r\n\r\nhello, and what nobody asked for",
        b"Transfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"\r\nhello",
    ],
)
def test_a_body_is_read_in_each_of_its_forms(framing: bytes) -> None:
    with answering(says(OK + framing)) as url:
        assert exchange(Request(url=url)).body.startswith(b"hello")
        assert len(exchange(Request(url=url)).body) == 5


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    there = b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"

    with answering(says(there)) as url:
        assert exchange(Request(url=url)).status == 302


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 ",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        b"HTTP/1.1 99999999999 OK\r\n\r\n",
        OK + b"Content-Length: 50\r\n\r\nearly",
        OK + b"Content-Length: -5\r\n\r\nhello",
        OK + b"Content-Length: +5\r\n\r\nhello",
        OK + b"Content-Length: 5, 5\r\n\r\nhello",
        OK + b"Content-Length: five\r\n\r\nhello",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        OK + b"X: y\r\n" * 200 + b"\r\n",
        OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_half_an_answer_and_one_that_can_be_read_two_ways_are_none(lie: bytes) -> None:
    error = refused(says(lie))

    assert error.reason == "away"
    assert "hel" not in str(error)


@pytest.mark.parametrize(
    "start",
    [
        OK + b"Content-Length: 5001\r\n\r\n",
        OK + b"Content-Length: 999999999999\r\n\r\n",
        OK + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    ],
)
def test_who_says_too_much_is_cut(start: bytes) -> None:
    """A chunk of -1 bytes had the HTTP library read for as long as the time lasted, all into memory."""
    error = refused(floods(b"x" * 65536, start))

    assert (error.reason, str(error)) == ("long", "answers more than 5000 bytes")


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"Trailer: x\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_what_stands_around_a_body_has_a_bound_too(start: bytes, part: bytes) -> None:
    assert refused(floods(part * 1000, start), bytes_max=10).reason == "long"


def test_a_lie_about_lengths_costs_no_memory() -> None:
    """Measured from outside: a process that may have 400 MB of addresses asks a server with endless bytes."""
    program = (
        "import sys; from babysitter.transport.exchange import Request, exchange\n"
        "from babysitter.transport.unreachable import UnreachableError\n"
        "try: exchange(Request(url=sys.argv[1], bytes_max=5000))\n"
        "except UnreachableError as error: print(error)\n"
    )
    start = OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n"

    with answering(floods(b"x" * 1_000_000, start)) as url:
        asked = subprocess.run(
            [sys.executable, "-c", program, url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000)),
        )

    assert (asked.stdout.strip(), asked.stderr) == ("answers more than 5000 bytes", "")


@pytest.mark.parametrize(
    ("byte", "start"),
    [
        (b"x", OK + b"X: "),
        (b"x", OK + b"Content-Length: 600\r\n\r\n"),
        (b"1\r\nx\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        (b"x", OK + b"\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b""),
    ],
)
def test_a_server_that_drips_is_left_in_time(byte: bytes, start: bytes) -> None:
    before_s = time.monotonic()

    error = refused(drips(byte, start), timeout_s=0.5)

    assert (error.reason, str(error)) == ("away", "can't be reached: timed out")
    assert time.monotonic() - before_s < ENDLESS_S / 2


def test_a_handshake_that_drips_is_left_in_time() -> None:
    before_s = time.monotonic()
    # A record that announces 16 KiB of a handshake, and brings them byte by byte.
    hello = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"

    with answering(drips(b"\x00", hello)) as url, pytest.raises(UnreachableError):
        exchange(Request(url=url.replace("http:", "https:"), timeout_s=0.5))

    assert time.monotonic() - before_s < ENDLESS_S / 2


def test_who_takes_no_request_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        request = Request(url=url, method="POST", body=b"x" * 50_000_000, timeout_s=0.5)
        with pytest.raises(UnreachableError, match="timed out"):
            exchange(request)


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(UnreachableError, match="can't be reached: Connection refused") as caught:
        exchange(Request(url=f"http://127.0.0.1:{port}"))
    assert caught.value.reason == "away"


@pytest.mark.parametrize("url", ["https://", "https://a b", "https://me:word@a.example/", "ftp://localhost/"])
def test_what_is_no_address_is_not_asked(url: str) -> None:
    with pytest.raises(UnreachableError, match="is no address") as caught:
        exchange(Request(url=url))
    assert "word" not in str(caught.value)


def test_a_header_can_not_be_broken_open() -> None:
    with answering(says(response(200, b""))) as url, pytest.raises(UnreachableError):
        exchange(Request(url=url, headers={"X": "y\r\nHost: evil"}))


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority and a certificate for localhost."""
    return made(tmp_path_factory.mktemp("tls") / "ca", usage="serverAuth").folder


def secured(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "leaf.pem", authority / "leaf.key")
    return context


@pytest.mark.needs("openssl")
def test_a_certificate_has_to_verify(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the roots of the system, here named to OpenSSL as such; and for the host that was asked."""
    with answering(says(response(200, b"hello")), secured(authority)) as url:
        with pytest.raises(UnreachableError, match="certificate that does not verify") as stranger:
            exchange(Request(url=url))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "root.pem"))
        assert exchange(Request(url=url)).body == b"hello"
        with pytest.raises(UnreachableError, match="certificate that does not verify"):
            exchange(Request(url=url.replace("localhost", "127.0.0.1")))

    assert stranger.value.reason == "certificate"


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("length", [b"", b"Content-Length: 50\r\n"])
def test_an_answer_that_is_cut_inside_of_tls_is_none(authority: Path, length: bytes) -> None:
    """Whoever stands between can end the connection, but can't say inside of TLS that it ends."""

    def cuts(sock: socket.socket) -> None:
        says(OK + length + b"\r\nhalf")(sock)
        sock.shutdown(socket.SHUT_RDWR)

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(authority / "root.pem"))

    with answering(cuts, secured(authority)) as url, pytest.raises(UnreachableError) as caught:
        exchange(Request(url=url), PERMITTED, Reach(tls=trusting))
    assert caught.value.reason == "away"
