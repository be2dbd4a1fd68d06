"""One HTTP request to another machine: verified TLS, no redirects, bounded in size and in time.

Plain HTTP is for this machine only, unless more is permitted. No proxy is asked, since none of the
environment is read; the certificates are the system's.

Invariants, each with a test in tests/integration/transport/test_exchange.py:
    - everything, from the name to the last byte, ends with one deadline;
    - no more is read than so many bytes, whatever a server says about its lengths;
    - half an answer is none;
    - a redirect is an answer like any other.
"""

import http.client
import io
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from email.message import Message

from babysitter.transport.address import parse_target
from babysitter.transport.deadline import Deadline
from babysitter.transport.reach import PERMITTED, Permitted, Reach
from babysitter.transport.unreachable import UnreachableError

ANSWER_BYTES_MAX = 8 * 1024 * 1024
TIMEOUT_S = 10.0
_HEAD_BYTES_MAX = 128 * 1024
_FRAMING = 2
"""How much longer than its body an answer may be, in chunks; tiny ones are no use to anybody."""
_LENGTH_DIGITS_MAX = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked.

    timeout_s: for everything. bytes_max: of the answer's body. reads_body: otherwise the status is the
    answer, and of the body nothing is read.
    """

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    bytes_max: int = ANSWER_BYTES_MAX
    reads_body: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status. ``content_type``: without parameters, in lower case.

    retry_after: as it came, or empty.
    """

    status: int
    content_type: str
    body: bytes
    retry_after: str = ""


def exchange(request: Request, permitted: Permitted = PERMITTED, reach: Reach | None = None) -> Answer:
    """Send the request; return the answer, whatever its status.

    Raises:
        UnreachableError: there is nobody, or somebody else, or they are too slow or say too much.
    """
    target = parse_target(request.url)
    if target is None:
        raise UnreachableError("address", "is no address")
    deadline = Deadline(request.timeout_s)
    try:
        with closing((reach or Reach()).connect(target, permitted, deadline)) as sock:
            head = {**request.headers, "Host": target.netloc, "Connection": "close"}
            _Asking(sock, deadline).request(request.method, target.path, request.body, head)
            return _answer(request, sock, deadline)
    except ssl.SSLCertVerificationError as error:
        text = f"shows a certificate that does not verify: {error.verify_message}"
        raise UnreachableError("certificate", text) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError("away", f"can't be reached: {_told(error)}") from None


def _answer(request: Request, sock: socket.socket, deadline: Deadline) -> Answer:
    too_long = UnreachableError("long", f"answers more than {request.bytes_max} bytes")
    wire_bytes_max = _HEAD_BYTES_MAX + (_FRAMING * request.bytes_max if request.reads_body else 0)
    response = http.client.HTTPResponse(sock, method=request.method)
    response.fp.close()
    response.fp = io.BufferedReader(_Heard(sock, deadline, wire_bytes_max, too_long))
    with closing(response):
        response.begin()
        body = _body(response, request.bytes_max) if request.reads_body else b""
        if len(body) > request.bytes_max:
            raise too_long
        return Answer(
            status=response.status,
            content_type=response.headers.get_content_type(),
            body=body,
            retry_after=response.headers.get("Retry-After", ""),
        )


def _body(response: http.client.HTTPResponse, bytes_max: int) -> bytes:
    if not _is_framed_once(response.headers):
        raise http.client.HTTPException
    body = response.read(bytes_max + 1)
    if response.length and len(body) <= bytes_max:
        raise http.client.IncompleteRead(body)
    return body


def _is_framed_once(headers: Message) -> bool:
    """Tell whether there is at most one statement of how long a body is, and one that can be read one way.

    Source: RFC 9112, section 6.3.
    """
    lengths = [str(each) for each in headers.get_all("Content-Length", [])]
    codings = [str(each) for each in headers.get_all("Transfer-Encoding", [])]
    if len(lengths) + len(codings) > 1:
        return False
    is_number = all(
        each.isascii() and each.isdecimal() and len(each) <= _LENGTH_DIGITS_MAX for each in lengths
    )
    return is_number and all(each.strip().lower() == "chunked" for each in codings)


def _told(error: Exception) -> str:
    """Say what went wrong. The text of an error of the HTTP library may quote what the other side sent."""
    if isinstance(error, TimeoutError):
        return "timed out"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


class _Asking(http.client.HTTPConnection):
    """Says a request on a connection that stands, in the time that is left."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__("")
        self._line, self._deadline = sock, deadline

    def send(self, data: object) -> None:
        """Send all of it, each part in what is left."""
        assert isinstance(data, bytes), "bodies are bytes here"
        rest = memoryview(data)
        while rest:
            self._line.settimeout(self._deadline.left_s())
            rest = rest[self._line.send(rest) :]


class _Heard(io.RawIOBase):
    """What the other side says, until the time is up or it was too much."""

    def __init__(
        self, sock: socket.socket, deadline: Deadline, bytes_max: int, too_long: UnreachableError
    ) -> None:
        super().__init__()
        self._sock, self._deadline, self._left, self._too_long = sock, deadline, bytes_max, too_long

    def readable(self) -> bool:
        """See RawIOBase."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        """See RawIOBase.

        Raises:
            UnreachableError: it was too much. A chunk of a length below zero has the library read to the end.
            TimeoutError: the time is up.
        """
        self._sock.settimeout(self._deadline.left_s())
        count = self._sock.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise self._too_long
        return count
