"""The witness's server against strangers: any bytes, slow ones, many at once; and against its own end."""

import re
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from babysitter.log.witness.server import (
    CONNECTION_S,
    CONNECTIONS_MAX,
    HEAD_BYTES_MAX,
    RunningWitness,
    serve_witness,
)
from babysitter.model.errors import RunLockedError, SettingsError
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock
from tests.integration.witness.serving import NAME, client_of, received, spoken
from tests.unit.log.witness.sample_log import ORIGIN, SampleLog

HONEST = SampleLog()


def posted(body: bytes, *headers: bytes, path: bytes = b"/add-checkpoint") -> bytes:
    lines = (b"POST " + path + b" HTTP/1.1", b"Host: w", *headers)
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def with_length(body: bytes) -> bytes:
    return posted(body, b"Content-Length: " + str(len(body)).encode())


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found, answer
    return int(found[1])


def is_alive(running: RunningWitness) -> bool:
    return status_of(spoken(running, with_length(HONEST.request(0, 5)))) in (200, 409)


def start(folder: Path, port: int = 0) -> RunningWitness:
    logs = {ORIGIN: HONEST.verifier}
    tree = Tree(RealDisk(), str(folder))
    return serve_witness(tree, name=NAME, logs=logs, host="127.0.0.1", port=port, clock=FakeClock())


def test_a_cosignature_comes_back_in_the_form_of_the_standard(running: RunningWitness) -> None:
    answer = spoken(running, with_length(HONEST.request(0, 5)))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 ")
    assert re.fullmatch(rf"\u2014 {NAME} [A-Za-z0-9+/=]+\n", body.decode())


def test_a_wrong_old_size_is_answered_with_the_right_one(running: RunningWitness) -> None:
    spoken(running, with_length(HONEST.request(0, 5)))

    answer = spoken(running, with_length(HONEST.request(3, 8)))

    assert status_of(answer) == 409
    assert b"Content-Type: text/x.tlog.size\r\n" in answer
    assert answer.endswith(b"\r\n\r\n5\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (posted(b""), 411),
        (posted(b"", b"Transfer-Encoding: chunked"), 411),
        (posted(b"x", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 411),
        (posted(b"x", b"Content-Length: 1", b"Content-Length: 1"), 400),
        (posted(b"x", b"Content-Length: +1"), 400),
        (posted(b"x", b"Content-Length: -1"), 400),
        (posted(b"x", b"Content-Length: 2"), 400),
        (posted(b"x" * 65537, b"Content-Length: 65537"), 413),
        (posted(b"", b"Content-Length: 99999999999999999999"), 413),
        (posted(b"", b"Content-Length: 0"), 400),
        (posted(b"", b"Content-Length: 0", path=b"/add-checkpoint/"), 404),
        (posted(b"", b"X: " + b"x" * HEAD_BYTES_MAX), 431),
        (posted(b"", *[b"X: x"] * 200), 431),
        (b"GET /" + b"x" * 70_000, 431),
        (b"DELETE / HTTP/1.1\r\n\r\n", 405),
        (b"GET /checkpoint/x HTTP/1.1\r\n\r\n", 404),
        (b"GET /\r\n\r\n", 404),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
    ],
)
def test_a_request_beyond_the_bounds_is_refused(running: RunningWitness, sent: bytes, status: int) -> None:
    answer = spoken(running, sent)

    assert status_of(answer) == status
    assert b"Traceback" not in answer
    assert is_alive(running)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(sent=st.binary(min_size=1, max_size=400) | st.binary(max_size=400).map(with_length))
@example(sent=b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 10\r\n\r\nold 0\n")
@example(sent=b"GET / HTTP/1.1\r\n: \r\n\x00\r\n\r\n")
def test_any_bytes_are_refused_and_the_server_lives(running: RunningWitness, sent: bytes) -> None:
    answer = spoken(running, sent)

    assert 400 <= status_of(answer) < 500
    assert is_alive(running)


def test_of_many_clients_with_the_same_old_size_one_wins(running: RunningWitness) -> None:
    spoken(running, with_length(HONEST.request(0, 2)))

    with ThreadPoolExecutor(8) as pool:
        bodies = [with_length(HONEST.request(2, size)) for size in range(3, 11)]
        statuses = list(pool.map(lambda body: status_of(spoken(running, body)), bodies))

    assert sorted(statuses) == [200] + [409] * 7


def connected(running: RunningWitness) -> socket.socket:
    address = urlsplit(running.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def is_ended_while_dripping(slow: socket.socket) -> bool:
    """Send byte after byte, so that no pause is long; tell whether the other side ends it."""
    until_s = time.monotonic() + 30
    slow.settimeout(0.05)
    while time.monotonic() < until_s:
        try:
            slow.sendall(b"x")
            if not slow.recv(65536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def test_a_connection_that_is_not_done_in_time_is_ended(running: RunningWitness, clock: FakeClock) -> None:
    with connected(running) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nX: ")
        # A later answer shows that the slow one was let in before.
        assert is_alive(running)

        clock.advance(CONNECTION_S + 1)

        assert is_ended_while_dripping(slow)
    assert is_alive(running)


def test_one_connection_too_many_is_turned_away_and_places_become_free(
    running: RunningWitness, clock: FakeClock
) -> None:
    waiting = [connected(running) for _ in range(CONNECTIONS_MAX)]
    one_more = spoken(running, with_length(HONEST.request(0, 5)))

    clock.advance(CONNECTION_S + 1)
    for each in waiting:
        received(each)
        each.close()

    assert status_of(one_more) == 503
    # Its thread frees a place a moment after its connection has ended.
    assert any(is_alive(running) for _ in range(500))


def test_closing_ends_open_connections_and_frees_the_port(tmp_path: Path) -> None:
    running = start(tmp_path)
    port = urlsplit(running.url).port or 0
    with connected(running) as waiting:
        assert is_alive(running)
        running.close()
        running.close()
        assert received(waiting) == b""
    running.wait(0)

    with start(tmp_path, port) as again:
        assert is_alive(again)


def test_a_restarted_witness_knows_what_it_had_seen(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        cosigned = client_of(first).cosign(HONEST.update(8))
        verifier = first.verifier

    with start(tmp_path) as second:
        answer = spoken(second, with_length(SampleLog(rewritten_at=2).request(0, 8)))

    assert cosigned.time_s is not None
    assert second.verifier == verifier
    assert status_of(answer) == 409


def test_the_folder_is_for_its_owner_and_for_one_process(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "witness"

    with start(folder):
        with pytest.raises(RunLockedError):
            start(folder)

        modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir() if each.is_file()}
        assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})
    start(folder).close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_it_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="does not listen"):
        serve_witness(
            Tree(RealDisk(), str(tmp_path)), name=NAME, logs={}, host=host, port=0, clock=FakeClock()
        )


def test_a_port_that_is_taken_is_named_and_the_folder_stays_free(tmp_path: Path) -> None:
    with start(tmp_path / "a") as first, pytest.raises(SettingsError, match="can't listen"):
        start(tmp_path / "b", urlsplit(first.url).port or 0)

    start(tmp_path / "b").close()
