"""One request to a witness: TLS that verifies, plain HTTP on this machine only, bounds in size and time."""

import socket
import ssl
import time
from pathlib import Path

import pytest

from babysitter.log.witness.transport import ANSWER_BYTES_MAX, Endpoint
from babysitter.model.errors import WitnessError
from tests.integration.witness.authority import made
from tests.integration.witness.serving import answering, response, says

ENDLESS_S = 60


def endpoint(url: str, timeout_s: float = 10) -> Endpoint:
    return Endpoint(witness="w", url=url, timeout_s=timeout_s)


@pytest.mark.parametrize(
    "url",
    [
        "https://witness.example.com",
        "https://witness.example.com:8443/a/b?c=d",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://localhost:1/",
        "http://127.8.8.8",
    ],
)
def test_addresses_that_are_safe_are_taken(url: str) -> None:
    assert endpoint(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://witness.example.com",
        "http://192.0.2.1",
        "http://0.0.0.0",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "https://user:sesame@witness.example.com",
        "https://user@witness.example.com",
        "https://",
        "https:///path",
        "https://a b",
        "https://a\r\nX: y",
        "https://a/\u00e4",
        "https://a#b",
        "https://a:port",
        "https://[::1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "witness.example.com",
        "",
    ],
)
def test_addresses_that_are_not_are_refused(url: str) -> None:
    with pytest.raises(WitnessError) as caught:
        endpoint(url)

    assert caught.value.facts["reason"] == "settings"
    assert "sesame" not in str(caught.value)


@pytest.mark.needs("openssl")
def test_a_certificate_has_to_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the roots of the system, here named to OpenSSL as such; and for the host that was asked."""
    authority = made(tmp_path / "authority", usage="serverAuth")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "authority" / "leaf.pem", tmp_path / "authority" / "leaf.key")
    with answering(says(response(200, b"hello")), context) as url:
        with pytest.raises(WitnessError, match="certificate that does not verify"):
            endpoint(url).get("/x")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "root.pem"))
        assert endpoint(url).get("/x").body == b"hello"
        with pytest.raises(WitnessError, match="certificate that does not verify"):
            endpoint(url.replace("localhost", "127.0.0.1")).get("/x")


def test_a_redirect_is_not_followed() -> None:
    there = b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"

    with answering(says(there)) as url:
        assert endpoint(url).get().status == 302


def test_path_and_query_are_asked_for_as_they_were_given() -> None:
    heads = []

    def answer(sock: socket.socket) -> None:
        if head := sock.recv(65536):
            heads.append(head.split(b" ")[1])
            sock.sendall(response(200, b""))

    with answering(answer) as url:
        endpoint(f"{url}/stamp?a=b").post("", b"", "text/plain")
        endpoint(f"{url}/prefix/").get("/add")
        endpoint(url).get()

    assert heads == [b"/stamp?a=b", b"/prefix/add", b"/"]


@pytest.mark.parametrize("count", [ANSWER_BYTES_MAX, ANSWER_BYTES_MAX + 1])
def test_an_answer_has_a_bound(count: int) -> None:
    with answering(says(response(200, b"x" * count))) as url:
        if count <= ANSWER_BYTES_MAX:
            assert len(endpoint(url).get().body) == count
        else:
            with pytest.raises(WitnessError, match="more than"):
                endpoint(url).get()


def drips(byte: bytes, start: bytes = b"") -> object:
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


@pytest.mark.parametrize(
    ("byte", "start"),
    [
        (b"x", b"HTTP/1.1 200 X\r\nX: "),
        (b"x", b"HTTP/1.1 200 X\r\nContent-Length: 60000\r\n\r\n"),
        (b"1\r\nx\r\n", b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"x", b"HTTP/1.1 200 X\r\n\r\n"),
    ],
)
def test_a_server_that_drips_is_left_in_time(byte: bytes, start: bytes) -> None:
    before_s = time.monotonic()

    with answering(drips(byte, start)) as url, pytest.raises(WitnessError) as caught:  # type: ignore[arg-type]
        endpoint(url, timeout_s=0.5).get()

    assert caught.value.facts["reason"] == "away"
    assert time.monotonic() - before_s < ENDLESS_S / 2


def test_a_handshake_that_drips_is_left_in_time() -> None:
    before_s = time.monotonic()
    # A record that announces 16 KiB of a handshake, and brings them byte by byte.
    hello = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"

    with answering(drips(b"\x00", hello)) as url, pytest.raises(WitnessError):  # type: ignore[arg-type]
        endpoint(url.replace("http:", "https:"), timeout_s=0.5).get()

    assert time.monotonic() - before_s < ENDLESS_S / 2


def test_nobody_at_the_address_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(WitnessError, match="can't be reached") as caught:
        endpoint(f"http://127.0.0.1:{port}").get()

    assert caught.value.facts == {"witness": "w", "reason": "away"}
