"""Clients that are slow, half gone, too large or hostile: each is answered or cut, and the others go on."""

import socket
import struct
from pathlib import Path

import pytest

from babysitter.server import connection, refused, streams
from babysitter.service.delivery import Delivery
from babysitter.service.runs import RunService
from tests.integration.server.listening import connected, head, listening, until, until_closed


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.1 ") else 0


def write_for_ever(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"X: x\r\n")


def is_well(port: int) -> bool:
    """Tell whether the server still answers."""
    with connected(port) as sock:
        sock.sendall(head("GET", "/api/v1/health", more="Connection: close\r\n"))
        return status_of(until_closed(sock)) == 200


@pytest.mark.parametrize("sent", [b"", b"GET /api", b"GET /inbox HTTP/1.1\r\nHost: localhost:3185\r\n"])
def test_a_head_that_does_not_come_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_S_MAX", 0.2)

    with listening(tmp_path) as (_, port), connected(port) as sock:
        sock.sendall(sent)

        assert until_closed(sock) == b""
        assert is_well(port)


def test_a_second_head_that_drips_is_left_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S_MAX", 0.3)

    with listening(tmp_path) as (_, port), connected(port) as sock:
        sock.sendall(head("GET", "/api/v1/health"))
        until(sock, b'"ok"')
        sock.sendall(b"GET /api/v1/hea")
        rest = until_closed(sock).partition(b"}")[2]

        assert rest == b""
        assert is_well(port)


def test_a_body_that_does_not_come_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "BODY_S_MAX", 0.2)
    more = "Content-Type: application/json\r\nContent-Length: 1000\r\n"

    with listening(tmp_path) as (_, port), connected(port) as sock:
        sock.sendall(head("POST", "/api/v1/runs", token="operator", more=more) + b'{"entry":')

        assert status_of(until_closed(sock)) == 408
        assert is_well(port)


def test_a_reader_that_does_not_read_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is reset, and what waited for it is not kept."""
    monkeypatch.setattr(connection, "UNREAD_S_MAX", 0.2)

    with listening(tmp_path) as (_, port):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(30)
            sock.connect(("127.0.0.1", port))
            sock.sendall(head("GET", "/api/v1/openapi.json") * 20)
            # Nothing is read; the server gives up on us, which a later write finds out.
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                write_for_ever(sock)
        assert is_well(port)


BOTH_LENGTHS = (
    b"POST /api/v1/login HTTP/1.1\r\nHost: localhost:3185\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost:3185\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost:3185\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost:3185\r\n\r\n", 431),
        (b"GET /\0 HTTP/1.1\r\nHost: localhost:3185\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost:3185\r\nContent-Length: -1\r\n\r\n", 400),
        (BOTH_LENGTHS, 400),
        (
            b"GET /api/v1/health HTTP/1.1\r\nHost: localhost:3185\r\nConnection: close\r\nX: "
            + b"a" * 10_000
            + b"\r\n\r\n",
            200,
        ),
    ],
)
def test_what_is_no_request_is_refused_and_harms_nobody(
    tmp_path: Path, request_bytes: bytes, status: int
) -> None:
    with listening(tmp_path) as (_, port), connected(port) as sock:
        sock.sendall(request_bytes)

        reply = until(sock, b"\r\n\r\n")

        assert status_of(reply) == status
        assert b"Traceback" not in reply
        assert is_well(port)


def test_a_client_that_resets_in_the_middle_harms_nobody(tmp_path: Path) -> None:
    with listening(tmp_path) as (_, port):
        for sent in (head("GET", "/stream", token="viewer"), head("POST", "/api/v1/runs", token="operator")):
            sock = connected(port)
            sock.sendall(sent)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        assert is_well(port)


def test_a_body_of_ten_megabytes_is_not_taken(tmp_path: Path) -> None:
    more = "Content-Type: application/json\r\nContent-Length: 10000000\r\n"

    with listening(tmp_path) as (_, port), connected(port) as sock:
        sock.sendall(head("POST", "/api/v1/runs", token="operator", more=more))

        assert status_of(until_closed(sock)) == 413


def lines_of(data: bytes) -> list[int]:
    return [int(line[4:]) for line in data.splitlines() if line.startswith(b"id: ")]


def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(tmp_path: Path) -> None:
    with listening(tmp_path) as (server, port):
        place, hosted = server.place, server.hosting.home
        RunService(place).start("processes.py#listening", 3, run_id="r")
        hosted.catalogue.look()
        path, seen = "/api/v1/runs/r/stream", list[int]()
        for number in range(3):
            with connected(port) as sock:
                last = f"Last-Event-ID: {seen[-1]}\r\n" if seen else ""
                sock.sendall(head("GET", path, token="viewer", more=last))
                got = until(sock, b": here")
                Delivery(place).signal("r", "news", number)
                RunService(place).drive("r")
                hosted.poke("r")
                wanted = b"SIGNAL_AWAITED" if number < 2 else b"event: end"
                seen += lines_of(got + until(sock, wanted))

        assert seen == list(range(1, len(place.types("r")) + 1))


@pytest.mark.promise("G19")
def test_a_stream_ends_when_its_credential_no_longer_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_EVERY_S", 0.1)

    with listening(tmp_path) as (server, port):
        RunService(server.place).start("processes.py#listening", 1, run_id="r")
        server.hosting.home.catalogue.look()
        for path in ("/stream", "/api/v1/runs/r/stream"):
            with connected(port) as sock:
                sock.sendall(head("GET", path, token="viewer", more="Connection: close\r\n"))
                until(sock, b": still here")
                taken = server.door.callers.pop("viewer")
                until_closed(sock)
                server.door.callers["viewer"] = taken


@pytest.mark.promise("G19")
def test_a_stream_that_always_has_something_to_tell_ends_with_its_credential_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_EVERY_S", 0.6)

    with listening(tmp_path) as (server, port), connected(port) as sock:
        feed = server.hosting.home.feed
        sock.sendall(head("GET", "/stream", token="viewer", more="Connection: close\r\n"))
        until(sock, b": here")
        server.door.callers.pop("viewer")
        told = 0
        while told < 20:
            feed.tell("r")
            if not sock.recv(65536):
                break
            told += 1

        assert told < 20, "it went on telling"


def test_one_caller_can_not_open_all_the_streams_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PER_CALLER_MAX", 2)

    with listening(tmp_path) as (_, port):
        opened = [connected(port) for _ in range(2)]
        for sock in opened:
            sock.sendall(head("GET", "/stream", token="viewer"))
            until(sock, b": here")
        with connected(port) as another:
            another.sendall(head("GET", "/stream", token="viewer", more="Connection: close\r\n"))
            assert status_of(until_closed(another)) == 429
        for sock in opened:
            sock.close()
