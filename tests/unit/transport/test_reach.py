"""Where a request may lead: by the address that was checked, to what the settings permit."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from babysitter.model.network import Address, parse_address
from babysitter.transport.address import Target, parse_target, problem_of_url
from babysitter.transport.deadline import Deadline
from babysitter.transport.reach import Permitted, Reach
from babysitter.transport.unreachable import UnreachableError

STRICT = Permitted(allow_private=False)
AT_HOME = Permitted()


def names(**known: str) -> Any:
    """Return a resolver that knows these names, each with addresses behind commas."""

    def resolve(host: str) -> list[Address]:
        found = [parse_address(text) for text in known[host.replace(".", "_")].split(",")]
        return [address for address in found if address is not None]

    return resolve


def refused(url: str, permitted: Permitted = STRICT, **known: str) -> str:
    with pytest.raises(UnreachableError) as caught, closing(connected(url, permitted, **known)):
        pass
    assert caught.value.reason == ("plain" if "TLS" in str(caught.value) else "private")
    return str(caught.value)


def connected(url: str, permitted: Permitted, **known: str) -> socket.socket:
    return Reach(names(**known)).connect(target_of(url), permitted, Deadline(5))


def target_of(url: str) -> Target:
    target = parse_target(url)
    assert target is not None
    return target


@pytest.fixture
def port() -> Iterator[int]:
    """Give a port of this machine that listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::]",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    text = refused(f"https://{address}/hook")

    assert "not of the public internet" in text


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "::1", "fd00::1", "93.184.216.34,10.0.0.1"]
)
def test_a_name_that_leads_there_is_refused_even_when_only_one_of_its_addresses_does(address: str) -> None:
    assert "not of the public internet" in refused("https://hooks.example/", hooks_example=address)


def test_a_name_without_an_address_is_refused() -> None:
    assert "no address" in refused("https://hooks.example/", hooks_example="")


def test_it_is_reached_where_the_settings_say_so(port: int) -> None:
    with closing(connected(f"http://127.0.0.1:{port}/", AT_HOME)) as sock:
        assert sock.getpeername() == ("127.0.0.1", port)


def test_what_is_connected_to_is_what_was_checked(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to something else the second time (DNS rebinding) is not asked a second time."""
    connected: list[object] = []
    whole = socket.create_connection

    def noting(address: tuple[str, int], **more: Any) -> socket.socket:
        connected.append(address)
        return whole(("127.0.0.1", port), **more)

    monkeypatch.setattr(socket, "create_connection", noting)
    target, reach = target_of("https://hooks.example/"), Reach(names(hooks_example="93.184.216.34"))

    with suppress(OSError):
        # What listens there does not speak TLS; that is not what this is about.
        reach.connect(target, STRICT, Deadline(0.2)).close()

    assert connected == [("93.184.216.34", 443)]


@pytest.mark.parametrize("address", ["93.184.216.34", "10.0.0.1", "127.0.0.1,10.0.0.1"])
def test_without_tls_only_this_machine_is_reached(address: str) -> None:
    assert "not protected by TLS" in refused("http://hooks.example/", AT_HOME, hooks_example=address)


def test_without_tls_another_machine_takes_a_word_of_the_settings_and_is_still_checked() -> None:
    said = Permitted(allow_private=False, allow_http=True)

    assert "not of the public internet" in refused("http://hooks.example/", said, hooks_example="10.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "https://",
        "https://user:pass@example.com/",
        "https://example.com/a b",
        "https://example.com/#part",
        "https://exa\u043cple.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[fe80::1%25eth0]/",
        "https://exam\rple.com/",
        "https://example.com/\r\nX: y",
    ],
)
def test_what_is_no_address_is_none(url: str) -> None:
    assert parse_target(url) is None
    assert problem_of_url(url) != ""


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://id.example.com/x?y=1", ""),
        ("https://witness.example.com:8443/a/b?c=d", ""),
        ("http://localhost:1/", ""),
        ("http://127.8.8.8", ""),
        ("http://[::1]:1/", ""),
        ("http://id.example.com/", "is not protected by TLS"),
        ("http://localhost.example.com", "is not protected by TLS"),
        ("http://127.0.0.1.example.com", "is not protected by TLS"),
        ("http://10.0.0.1/", "is not protected by TLS"),
        ("http://0.0.0.0", "is not protected by TLS"),
        ("ftp://localhost/", "is not protected by TLS"),
        ("https://me:word@id.example.com/", "holds a name or password"),
        ("https:///x", "is no address"),
        ("https://id.example.com/#x", "is no address"),
        ("https://id.example.com/\r\nHost: x", "is no address"),
        ("https://id.example.com:port/", "is no address"),
        ("https://[::1", "is no address"),
        ("id.example.com", "is no address"),
        ("", "is no address"),
    ],
)
def test_which_addresses_are_asked(url: str, problem: str) -> None:
    assert problem_of_url(url) == problem


def test_a_name_that_nobody_resolves_in_time_is_left() -> None:
    released = threading.Event()

    def hangs(_: str) -> list[Address]:
        released.wait(60)
        return []

    with pytest.raises(TimeoutError):
        Reach(hangs).connect(target_of("https://hooks.example/"), STRICT, Deadline(0.2))
    released.set()


def test_a_resolver_that_fails_is_an_error_like_any_other() -> None:
    def fails(_: str) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(OSError, match="not known"):
        Reach(fails).connect(target_of("https://hooks.example/"), STRICT, Deadline(5))


def test_a_target_has_its_path_and_query() -> None:
    target = parse_target("https://Example.COM:8443/a/b?c=d")

    assert target is not None
    assert (target.host, target.port, target.path) == ("example.com", 8443, "/a/b?c=d")
