"""One HTTP request to another server: verified TLS, no redirects, bounded in size and in time.

Plain HTTP is for this machine only. No proxy is asked, since none of the environment is read;
the certificates are the system's.
"""

import http.client
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR
from urllib.parse import urlsplit

from babysitter.model.network import is_loopback

ANSWER_BYTES_MAX = 8 * 1024 * 1024
TIMEOUT_S = 10.0


class UnreachableError(Exception):
    """No answer came; the text says why, as the end of a sentence that begins with the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``url``: as it was checked by ``problem_of_url``. ``timeout_s``: for the whole exchange."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    bytes_max: int = ANSWER_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status. ``content_type``: without parameters, in lower case."""

    status: int
    content_type: str
    body: bytes


def problem_of_url(url: str) -> str:
    """Return what is wrong with an address, as the end of a sentence; empty when nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if not url.isascii() or not url.isprintable() or " " in url or not host or parts.fragment:
        return "is no address"
    if parts.username is not None or parts.password is not None:
        return "holds a name or password"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return ""
    return "is not protected by TLS"


def exchange(request: Request) -> Answer:
    """Send the request; return the answer, whatever its status.

    Raises:
        UnreachableError: there is nobody, or somebody else, or they are too slow or say too much.
    """
    problem = problem_of_url(request.url)
    if problem:
        raise UnreachableError(problem)
    parts = urlsplit(request.url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, request.timeout_s)
    late = threading.Event()
    watch = threading.Timer(request.timeout_s, _end, (connection, late))
    watch.daemon = True
    watch.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, target, request.body, {**request.headers, "Connection": "close"})
        response = connection.getresponse()
        body = response.read(request.bytes_max + 1)
        if late.is_set():
            raise TimeoutError("timed out")
        if response.length and len(body) <= request.bytes_max:
            raise http.client.IncompleteRead(body)
        content_type = response.headers.get_content_type()
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(f"shows a certificate that does not verify: {error.verify_message}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(f"can't be reached: {str(error) or type(error).__name__}") from None
    finally:
        watch.cancel()
        connection.close()
    if len(body) > request.bytes_max:
        raise UnreachableError(f"answers more than {request.bytes_max} bytes")
    return Answer(status=response.status, content_type=content_type, body=body)


def _connection(scheme: str, host: str, port: int | None, timeout_s: float) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


def _end(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    # First: once the socket ends, what has come so far looks like a whole answer to whoever reads it.
    late.set()
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(SHUT_RDWR)
