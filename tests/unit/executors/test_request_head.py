"""The heads that the proxy takes: few, and each in one reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.executors.sandbox.egress.head import BadRequestError, Head, parse_head

pytestmark = pytest.mark.promise("G05")


def head(*lines: str) -> Head:
    return parse_head("\r\n".join([*lines, "", ""]).encode("latin-1"))


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("api.example.com:443", "api.example.com", 443),
        ("API.Example.com.:443", "api.example.com", 443),
        ("192.0.2.7:5432", "192.0.2.7", 5432),
        ("[2001:DB8::1]:443", "2001:db8::1", 443),
    ],
)
def test_connect_names_a_host_and_a_port(target: str, host: str, port: int) -> None:
    asked = head(f"CONNECT {target} HTTP/1.1", f"Host: {target}")

    assert asked == Head(host=host, port=port, forward=b"", body_bytes=None)
    assert asked.is_tunnel


def test_plain_http_goes_on_in_origin_form_with_the_targets_host() -> None:
    asked = head(
        "POST http://Example.com:8080/a?b=c HTTP/1.1",
        "Host: other.example",
        "Content-Length: 5",
        "Accept: */*",
        "Proxy-Authorization: Basic eDp5",
        "Proxy-Connection: keep-alive",
        "Connection: x-mine, keep-alive, content-length",
        "X-Mine: 1",
        "TE: trailers",
        "Upgrade: h2c",
    )

    assert (asked.host, asked.port, asked.body_bytes) == ("example.com", 8080, 5)
    assert asked.forward.decode() == (
        "POST /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\ncontent-length: 5\r\naccept: */*\r\n"
        "Via: 1.1 babysitter\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("target", "line", "host"),
    [
        ("http://example.com", "GET / HTTP/1.1", "example.com"),
        ("http://example.com?q", "GET /?q HTTP/1.1", "example.com"),
        ("HTTP://example.com:80/x/", "GET /x/ HTTP/1.1", "example.com"),
        ("http://[::1]/", "GET / HTTP/1.1", "[::1]"),
        ("http://example.com:/", "GET / HTTP/1.1", "example.com"),
    ],
)
def test_the_path_and_the_host_of_an_absolute_target(target: str, line: str, host: str) -> None:
    asked = head(f"GET {target} HTTP/1.1")

    assert asked.forward.decode().split("\r\n")[:2] == [line, f"Host: {host}"]
    assert asked.port == 80


def test_chunks_are_passed_on_as_they_come() -> None:
    asked = head("POST http://example.com/ HTTP/1.1", "Transfer-Encoding: chunked")

    assert asked.body_bytes is None
    assert b"transfer-encoding: chunked" in asked.forward


@pytest.mark.parametrize(
    "lines",
    [
        ("GET / HTTP/1.1", "Host: example.com"),
        ("GET https://example.com/ HTTP/1.1",),
        ("GET ftp://example.com/ HTTP/1.1",),
        ("GET http://example.com:443/ HTTP/1.1",),
        ("GET http://example.com/#part HTTP/1.1",),
        ("GET http://user@example.com/ HTTP/1.1",),
        ("GET http:///path HTTP/1.1",),
        ("GET http://example.com\\@evil.test/ HTTP/1.1",),
        ("GET  http://example.com/ HTTP/1.1",),
        ("GET http://example.com/ a HTTP/1.1",),
        ("GET http://example.com/",),
        ("get http://example.com/ HTTP/1.1",),
        ("GET http://example.com/\tHTTP/1.1",),
        ("OPTIONS * HTTP/1.1",),
        ("CONNECT example.com HTTP/1.1",),
        ("CONNECT example.com: HTTP/1.1",),
        ("CONNECT http://example.com:443 HTTP/1.1",),
        ("CONNECT 127.1:80 HTTP/1.1",),
        ("CONNECT 0x7f000001:80 HTTP/1.1",),
        ("CONNECT 2130706433:80 HTTP/1.1",),
        ("CONNECT ::1:80 HTTP/1.1",),
        ("CONNECT [127.0.0.1]:80 HTTP/1.1",),
        ("CONNECT [fe80::1%25eth0]:80 HTTP/1.1",),
        ("CONNECT b\xfccher.example:443 HTTP/1.1",),
        ("CONNECT example.com:443 HTTP/1.1", "Content-Length: 1"),
        ("CONNECT example.com:443 HTTP/1.1", "Transfer-Encoding: chunked"),
        ("GET http://example.com/ HTTP/1.1", "Host: a", "Host: b"),
        ("GET http://example.com/ HTTP/1.1", "Accept: a", " folded"),
        ("GET http://example.com/ HTTP/1.1", "Accept : a"),
        ("GET http://example.com/ HTTP/1.1", "Accept: a\nX: b"),
        ("GET http://example.com/ HTTP/1.1", "Accept: a\rX: b"),
        ("GET http://example.com/ HTTP/1.1", "Accept: a\0"),
        ("GET http://example.com/ HTTP/1.1", "no colon"),
        ("GET http://example.com/ HTTP/1.1", ": no name"),
        ("POST http://example.com/ HTTP/1.1", "Content-Length: 1", "Content-Length: 2"),
        ("POST http://example.com/ HTTP/1.1", "Content-Length: 1", "Content-Length: 1"),
        ("POST http://example.com/ HTTP/1.1", "Content-Length: 1, 1"),
        ("POST http://example.com/ HTTP/1.1", "Content-Length: +1"),
        ("POST http://example.com/ HTTP/1.1", "Content-Length: 0x1"),
        ("POST http://example.com/ HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"),
        ("POST http://example.com/ HTTP/1.1", "Transfer-Encoding: gzip, chunked"),
        ("POST http://example.com/ HTTP/1.1", "Transfer-Encoding: identity"),
        ("POST http://example.com/ HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("POST http://example.com/ HTTP/1.1", "Transfer-Encoding: xchunked"),
        ("POST http://example.com/ HTTP/1.0", "Transfer-Encoding: chunked"),
    ],
    ids=lambda lines: " | ".join(lines).encode("unicode_escape").decode(),
)
def test_what_may_be_read_in_two_ways_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(BadRequestError) as refused:
        head(*lines)

    assert refused.value.status == 400


def test_other_versions_and_too_many_fields_are_refused() -> None:
    with pytest.raises(BadRequestError) as version:
        head("GET http://example.com/ HTTP/2.0")
    with pytest.raises(BadRequestError) as fields:
        head("GET http://example.com/ HTTP/1.1", *["A: b"] * 101)

    assert (version.value.status, fields.value.status) == (505, 431)


LINES = st.lists(
    st.sampled_from(
        [
            b"GET http://example.com/ HTTP/1.1",
            b"CONNECT example.com:443 HTTP/1.1",
            b"Host: x",
            b"Content-Length: 3",
            b"Transfer-Encoding: chunked",
            b"Connection: host, close",
            b"\r",
            b"",
        ]
    )
    | st.binary(max_size=40),
    max_size=8,
)


@given(LINES | st.binary(max_size=200).map(lambda text: [text]))
def test_any_bytes_are_a_head_or_refused(lines: list[bytes]) -> None:
    try:
        asked = parse_head(b"\r\n".join(lines) + b"\r\n\r\n")
    except BadRequestError:
        return

    first, *fields = asked.forward.removesuffix(b"\r\n\r\n").split(b"\r\n")
    names = [line.partition(b":")[0].lower() for line in fields]
    if not asked.is_tunnel:
        assert first.endswith(b" HTTP/1.1")
        assert names.count(b"host") == 1
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
        assert not set(b"".join([first, *fields])) & set(b"\r\n\0")
