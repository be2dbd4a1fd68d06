"""The proxy against clients and servers that mean well, and against those that don't."""

import contextlib
import os
import select
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from babysitter.executors.sandbox.egress.entrance import take_door
from babysitter.executors.sandbox.egress.head import HEAD_BYTES_MAX
from babysitter.executors.sandbox.egress.proxy import CONNECTIONS_MAX
from babysitter.executors.sandbox.egress.reach import Patience
from tests.unit.executors.proxying import Proxied, TableOfNames, open_sockets, read_all, serving, tunnel

pytestmark = [pytest.mark.promise("G05"), pytest.mark.linux]


def echo(connection: socket.socket) -> None:
    while chunk := connection.recv(65536):
        connection.sendall(chunk)


def answer_once(connection: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    body = request.partition(b"\r\n\r\n")[0]
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)


def test_a_tunnel_carries_bytes_both_ways_and_counts_them() -> None:
    with serving(echo) as port:
        names = TableOfNames({"api.test": ["127.0.0.1"]})
        grants = (f"api.test:{port}", f"127.0.0.1:{port}")
        with Proxied(*grants, names=names) as proxied, tunnel(proxied, f"API.test.:{port}") as client:
            client.sendall(b"hello" * 1000)
            client.shutdown(socket.SHUT_WR)
            said = read_all(client)

    assert said == b"hello" * 1000
    assert names.asked == ["api.test"]
    assert proxied.proxy.tally.usage() == {
        f"network api.test:{port} connections": 1,
        f"network api.test:{port} bytesSent": 5000,
        f"network api.test:{port} bytesReceived": 5000,
    }
    assert proxied.denied() == []


def test_plain_http_is_asked_for_by_its_address() -> None:
    with serving(answer_once) as port, Proxied(f"127.0.0.1:{port}") as proxied:
        said = proxied.ask(f"GET http://127.0.0.1:{port}/x HTTP/1.1\r\nHost: evil.test\r\nA: b\r\n\r\n")

    body = said.partition(b"\r\n\r\n")[2].decode()
    assert body.split("\r\n")[:3] == ["GET /x HTTP/1.1", f"Host: 127.0.0.1:{port}", "a: b"]


def test_what_follows_a_request_of_plain_http_is_not_passed_on() -> None:
    got: list[bytes] = []

    def keep(connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"12345"):
            request += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        got.append(request + connection.recv(65536))

    with serving(keep) as port, Proxied(f"127.0.0.1:{port}") as proxied:
        proxied.ask(
            f"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"
            "GET http://evil.test/ HTTP/1.1\r\n\r\n"
        )

    assert got[0].endswith(b"12345")


@pytest.mark.parametrize(
    "place", ["evil.test:443", "api.test:80", "127.0.0.1:443", "[::1]:443", "8.8.8.8:53", "x.api.test:443"]
)
def test_what_is_not_granted_is_forbidden_and_its_name_is_never_looked_up(place: str) -> None:
    with Proxied("api.test:443") as proxied:
        answer = proxied.connect(place)

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert f'network=["{place}"]'.encode() in answer
    assert proxied.denied() == [("network.host", place)]
    assert proxied.names.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "100.100.100.200"],
)
def test_a_granted_name_does_not_lead_to_an_address_that_is_not_public(address: str) -> None:
    names = TableOfNames({"api.test": [address]})
    with Proxied("api.test:443", names=names) as proxied:
        answer = proxied.connect("api.test:443")

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert [rule for rule, _ in proxied.denied()] == ["network.address"]
    assert proxied.denied()[0][1].startswith("api.test:443 at ")


def test_a_name_with_a_good_and_a_bad_address_never_leads_to_the_bad_one() -> None:
    """The one that is left (of a network for documentation, granted) has nobody behind it."""
    with serving(echo) as port:
        names = TableOfNames({"api.test": ["127.0.0.1", "127.0.0.2"]})
        patience = Patience(connect_s=1.0)
        with Proxied(f"api.test:{port}", f"127.0.0.2:{port}", names=names, patience=patience) as proxied:
            answer = proxied.connect(f"api.test:{port}")

    assert answer.startswith((b"HTTP/1.1 502 ", b"HTTP/1.1 504 "))
    assert proxied.proxy.tally.usage() == {}


def test_an_address_that_does_not_answer_leaves_time_for_the_next() -> None:
    with socket.create_server(("127.0.0.3", 0), backlog=0) as full:
        port = full.getsockname()[1]
        # Whoever knocks at a full queue hears nothing at all.
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.3", port))
        with socket.create_server(("127.0.0.1", port)):
            names = TableOfNames({"api.test": ["127.0.0.3", "127.0.0.1"]})
            grants = (f"api.test:{port}", f"127.0.0.3:{port}", f"127.0.0.1:{port}")
            patience = Patience(connect_s=0.4)
            with Proxied(*grants, names=names, patience=patience) as proxied:
                tunnel(proxied, f"api.test:{port}").close()
        for each in waiting:
            each.close()


def test_what_follows_a_connect_at_once_goes_into_the_tunnel() -> None:
    with serving(echo) as port, Proxied(f"127.0.0.1:{port}") as proxied, proxied.client() as client:
        client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nhello".encode())
        client.shutdown(socket.SHUT_WR)
        said = read_all(client)

    assert said == b"HTTP/1.1 200 Connection Established\r\n\r\nhello"


def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    """DNS rebinding: a second look at the name would lead elsewhere; there is none."""
    with serving(echo) as port:
        names = TableOfNames({"api.test": ["127.0.0.1"]})
        grants = (f"api.test:{port}", f"127.0.0.1:{port}")
        with Proxied(*grants, names=names) as proxied, tunnel(proxied, f"api.test:{port}") as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"

    assert names.asked == ["api.test"]


def test_this_machines_own_address_is_not_public_to_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all addresses counted as public, its own still would not."""
    monkeypatch.setattr("babysitter.executors.sandbox.egress.reach.is_public", lambda address: True)
    with (
        serving(echo) as port,
        Proxied(f"api.test:{port}", names=TableOfNames({"api.test": ["127.0.0.1"]})) as proxied,
    ):
        answer = proxied.connect(f"api.test:{port}")

    assert answer.startswith(b"HTTP/1.1 403 ")


def test_a_name_without_an_address_and_a_host_that_is_away_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Proxied("gone.test:443", f"127.0.0.1:{port}") as proxied:
        no_name, no_server = proxied.connect("gone.test:443"), proxied.connect(f"127.0.0.1:{port}")

    assert b"502" in no_name and b"has no address" in no_name
    assert b"502" in no_server and b"could not be connected to" in no_server
    assert proxied.denied() == []


def test_a_head_that_never_ends_is_cut_off_by_its_size() -> None:
    with Proxied("api.test:443") as proxied:
        answer = proxied.ask(b"GET http://api.test/ HTTP/1.1\r\nA: " + b"x" * (2 * HEAD_BYTES_MAX))

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert proxied.denied() == [("network.request", "")]


def test_a_head_that_comes_too_slowly_is_cut_off_by_the_clock() -> None:
    with Proxied("api.test:443", patience=Patience(head_s=0.05)) as proxied, proxied.client() as client:
        client.sendall(b"CONNECT api")
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_tunnel_in_which_nothing_moves_is_closed() -> None:
    with (
        serving(echo) as port,
        Proxied(f"127.0.0.1:{port}", patience=Patience(idle_s=0.1)) as proxied,
        tunnel(proxied, f"127.0.0.1:{port}") as client,
    ):
        assert read_all(client) == b""


def test_a_name_that_hangs_holds_nobody_up_and_not_the_end() -> None:
    gate = threading.Event()
    names = TableOfNames({"slow.test": ["127.0.0.1"]}, gate=gate)
    with serving(echo) as port, Proxied("slow.test:1", f"127.0.0.1:{port}", names=names) as proxied:
        with proxied.client() as waiting:
            waiting.sendall(b"CONNECT slow.test:1 HTTP/1.1\r\n\r\n")
            with tunnel(proxied, f"127.0.0.1:{port}") as client:
                client.sendall(b"x")
                assert client.recv(1) == b"x"
        proxied.proxy.close()
    gate.set()


def test_more_clients_than_there_is_room_for_are_served_in_their_turn() -> None:
    with Proxied("api.test:443") as proxied:
        idle = [proxied.client() for _ in range(CONNECTIONS_MAX)]
        with proxied.client() as late:
            late.sendall(b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n")
            for client in idle:
                client.close()
            answer = read_all(late)

    assert answer.startswith(b"HTTP/1.1 403 ")


def test_the_upstreams_end_reaches_the_client_while_it_still_sends() -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"hello")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with (
        serving(greet) as port,
        Proxied(f"127.0.0.1:{port}") as proxied,
        tunnel(proxied, f"127.0.0.1:{port}") as client,
    ):
        assert read_all(client) == b"hello"
        client.sendall(b"more")

    assert proxied.proxy.tally.usage()[f"network 127.0.0.1:{port} bytesSent"] == 4


def fill(client: socket.socket) -> int:
    """Send until every buffer on the way is full; return how much went."""
    client.setblocking(False)
    sent = 0
    while select.select([], [client], [], 0.3)[1]:
        sent += client.send(bytes(1 << 16))
    return sent


def test_what_was_sent_before_the_end_still_arrives() -> None:
    """The reader begins only when the door is closed, which is when the end has begun."""
    got = bytearray()
    begun = threading.Event()

    def swallow(connection: socket.socket) -> None:
        begun.wait(10)
        while chunk := connection.recv(65536):
            got.extend(chunk)

    with serving(swallow) as port:
        proxied = Proxied(f"127.0.0.1:{port}")
        with proxied:
            with tunnel(proxied, f"127.0.0.1:{port}") as client:
                sent = fill(client)
            ending = threading.Thread(target=proxied.proxy.close)
            ending.start()
            with contextlib.suppress(ConnectionError):
                while True:
                    proxied.client().close()
            begun.set()
            ending.join()

    assert len(got) == sent


def test_after_the_end_nothing_is_open() -> None:
    before = open_sockets()
    with serving(echo, times=3) as port:
        with Proxied(f"127.0.0.1:{port}") as proxied:
            clients = [tunnel(proxied, f"127.0.0.1:{port}"), proxied.client(), proxied.client()]
        for client in clients:
            assert read_all(client) == b""
            client.close()
        with pytest.raises(ConnectionRefusedError):
            proxied.client()

    assert open_sockets() == before


def test_a_task_can_name_any_number_of_hosts_and_the_journal_stays_small() -> None:
    with Proxied("api.test:443") as proxied:
        for number in range(200):
            proxied.connect(f"h{number}.test:443")

    assert len(proxied.denied()) == 65
    assert proxied.denials()[-1].where == "further places"
    assert proxied.denials()[-1].what.endswith(", 136 times")


@given(st.lists(st.binary(max_size=300), max_size=4), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_ends_its_own_connection_and_nothing_else(pieces: list[bytes], resets: bool) -> None:
    with serving(echo) as port, Proxied(f"127.0.0.1:{port}", patience=Patience(head_s=0.2)) as proxied:
        with proxied.client() as hostile, contextlib.suppress(ConnectionError):
            for piece in pieces:
                hostile.sendall(piece)
            if resets:
                hostile.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                hostile.shutdown(socket.SHUT_WR)
        with tunnel(proxied, f"127.0.0.1:{port}") as client:
            client.sendall(b"still here")
            assert client.recv(10) == b"still here"

    assert "network.defect" not in {rule for rule, _ in proxied.denied()}


@pytest.mark.parametrize(
    "what", ["a file", "a pipe", "a connected socket", "a unix socket", "nothing", "the end"]
)
def test_a_door_that_is_none_is_not_taken(what: str) -> None:
    """What starts in the task's place runs with the task's libraries, so it may send anything."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reader, writer = os.pipe()
    with Path("/proc/self/status").open("rb") as file, socket.socket(socket.AF_UNIX) as unix, ours, theirs:
        sent = {
            "a file": [file.fileno()],
            "a pipe": [reader],
            "a connected socket": [theirs.fileno()],
            "a unix socket": [unix.fileno()],
            "nothing": [],
        }
        if what != "the end":
            socket.send_fds(theirs, [b"door"], sent[what])
        theirs.shutdown(socket.SHUT_WR)
        before = len(list(Path("/proc/self/fd").iterdir()))

        assert take_door(ours) is None

        assert len(list(Path("/proc/self/fd").iterdir())) == before
    os.close(reader)
    os.close(writer)


def test_a_program_that_ends_before_its_door_is_there_leaves_no_proxy() -> None:
    before = threading.active_count()
    proxied = Proxied("api.test:443")
    proxied.proxy.start()
    proxied._control.close()
    proxied._door.close()

    proxied.proxy.close()

    assert threading.active_count() == before
    assert proxied.denied() == []
