"""Read the head of a request to the proxy, strictly: what two readers could read in two ways is refused.

Two forms are taken: ``CONNECT host:port``, and the absolute form of plain HTTP,
``GET http://host/path``. The second is passed on in origin form, with the target's own
``Host`` and without what is meant for a proxy.

Invariants, each with a test in tests/unit/executors/test_request_head.py:
    - any bytes give a ``Head`` or a ``BadRequestError``, nothing else;
    - what is passed on has one ``Host``, one framing of the body, and no line that the client did not end
      with CR LF.

Source: RFC 9110 (sections 7.6, 9.3.6), RFC 9112 (sections 2.2, 3.2, 5, 6.3).
"""

import re
from dataclasses import dataclass

from babysitter.model.network import normal_host, parse_address, parse_port

HEAD_BYTES_MAX = 16 * 1024
HEAD_END = b"\r\n\r\n"
_FIELDS_MAX = 100
_HTTP_PORT, _TLS_PORT = 80, 443
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_METHOD = re.compile(rb"[A-Z]{1,32}")
# Visible characters, space, tab, and bytes above ASCII, which old servers send and read.
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(rb"[\x21-\x7e]{1,8192}")
_LENGTH = re.compile(rb"\d{1,18}")
_FOR_THE_PROXY = frozenset(
    b"connection host keep-alive proxy-authenticate proxy-authorization proxy-connection "
    b"te trailer upgrade".split()
)
_OF_THE_MESSAGE = frozenset((b"host", b"content-length", b"transfer-encoding"))

Fields = list[tuple[bytes, bytes]]


class BadRequestError(Exception):
    """The proxy does not take this request; ``status`` is what it answers."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a client asks for.

    host: normalised name, or an address in its one spelling.
    forward: the head to pass on, of plain HTTP; empty for CONNECT.
    body_bytes: how much of a body follows; None: as the client's chunks or its tunnel say.
    """

    host: str
    port: int
    forward: bytes = b""
    body_bytes: int | None = None

    @property
    def is_tunnel(self) -> bool:
        """True for CONNECT."""
        return not self.forward

    @property
    def place(self) -> str:
        """``host:port`` as people read it."""
        return f"{_shown(self.host)}:{self.port}"


def parse_head(raw: bytes) -> Head:
    """Return what a head says, its final empty line included.

    Raises:
        BadRequestError: it says nothing, or something that may be read in more than one way.
    """
    first, *lines = raw.removesuffix(HEAD_END).split(b"\r\n")
    if len(lines) > _FIELDS_MAX:
        raise BadRequestError(431, "There are too many header fields.")
    parts = first.split(b" ")
    if len(parts) != 3 or not _METHOD.fullmatch(parts[0]) or not _TARGET.fullmatch(parts[1]):
        raise BadRequestError(400, "That is not a request to an HTTP proxy.")
    method, target, version = parts
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequestError(505, "The proxy speaks HTTP/1.1.")
    fields = [_field(line) for line in lines]
    length = _body_length(fields, is_old=version == b"HTTP/1.0")
    if sum(name == b"host" for name, _ in fields) > 1:
        raise BadRequestError(400, "There is more than one Host.")
    if method == b"CONNECT":
        if length != 0:
            raise BadRequestError(400, "CONNECT has no body.")
        host, port = _authority(target, None)
        return Head(host=host, port=port)
    return _absolute(method, target, fields, length)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, mark, value = line.partition(b":")
    # A fold, a space before the colon, a lone CR or LF: each is where two readers part.
    if not mark or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise BadRequestError(400, "A header field is not well formed.")
    return name.lower(), value.strip(b" \t")


def _body_length(fields: Fields, *, is_old: bool) -> int | None:
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    if codings:
        if lengths or is_old or codings != [b"chunked"]:
            raise BadRequestError(400, "The length of the body can be read in more than one way.")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise BadRequestError(400, "The length of the body can be read in more than one way.")
    return int(lengths[0])


def _absolute(method: bytes, target: bytes, fields: Fields, length: int | None) -> Head:
    scheme, mark, rest = target.partition(b"://")
    if not mark or b"#" in target:
        raise BadRequestError(400, "Ask the proxy by CONNECT host:port, or for http://host/path.")
    if scheme.lower() != b"http":
        raise BadRequestError(400, "Only http:// is asked for by its address; use CONNECT for anything else.")
    authority, path = _split_path(rest)
    host, port = _authority(authority, _HTTP_PORT)
    if port == _TLS_PORT:
        raise BadRequestError(400, "Port 443 speaks TLS: use CONNECT.")
    shown = _shown(host) if port == _HTTP_PORT else f"{_shown(host)}:{port}"
    options = {
        option.strip().lower()
        for name, value in fields
        if name == b"connection"
        for option in value.split(b",")
    }
    dropped = _FOR_THE_PROXY | (options - _OF_THE_MESSAGE)
    kept = [name + b": " + value for name, value in fields if name not in dropped]
    # One request a connection: what would follow it could be meant for somebody else.
    lines = [
        method + b" " + path + b" HTTP/1.1",
        b"Host: " + shown.encode(),
        *kept,
        b"Via: 1.1 babysitter",
        b"Connection: close",
    ]
    return Head(host=host, port=port, forward=b"\r\n".join(lines) + HEAD_END, body_bytes=length)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split_path(rest: bytes) -> tuple[bytes, bytes]:
    """Return the authority, and the path with its query in origin form."""
    end = min((found for mark in (b"/", b"?") if (found := rest.find(mark)) >= 0), default=len(rest))
    path = rest[end:]
    return rest[:end], path if path.startswith(b"/") else b"/" + path


def _authority(text: bytes, default_port: int | None) -> tuple[str, int]:
    shown = text.decode("ascii", "replace")
    place, mark, port_text = shown.rpartition(":")
    if not mark or shown.endswith("]"):
        place, port = shown, default_port
    elif not port_text and default_port is not None:
        port = default_port
    else:
        port = parse_port(port_text)
    host = _host(place)
    if host is None or port is None:
        raise BadRequestError(400, "The request names no host and port.")
    return host, port


def _host(place: str) -> str | None:
    bracketed = place.startswith("[") and place.endswith("]")
    address = parse_address(place[1:-1] if bracketed else place)
    if address is not None:
        # An address of version 6 stands in brackets, one of version 4 does not.
        return str(address) if bracketed == (address.version == 6) else None
    return None if bracketed else normal_host(place)
