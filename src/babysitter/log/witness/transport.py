"""One HTTP request to a witness: verified TLS, no redirects, bounded in size and in time.

Plain HTTP is for this machine only. No proxy is asked, since none of the environment is read;
the certificates are the system's.
"""

import http.client
import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from babysitter.log.witness.interface import not_cosigned
from babysitter.model.errors import WitnessError
from babysitter.model.network import is_loopback

ANSWER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. ``content_type``: without parameters, in lower case; ``retry_after``: as it came."""

    status: int
    content_type: str
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a witness listens. ``timeout_s``: for connecting, and again for the whole exchange after that.

    Making one raises WitnessError for an address that is not used: plain HTTP elsewhere, a password in it.
    """

    witness: str
    url: str
    timeout_s: float

    def __post_init__(self) -> None:
        problem = _problem_of(self.url)
        if problem:
            raise not_cosigned(
                self.witness,
                "settings",
                f"has an address that {problem}",
                "Write https://host/path; http:// is for 127.0.0.1, ::1 and localhost only.",
            )

    def get(self, path: str = "") -> Answer:
        """Ask; see ``post``."""
        return self._exchange("GET", path, None, {})

    def post(self, path: str, body: bytes, content_type: str) -> Answer:
        """Send the body; return the answer, whatever its status.

        Args:
            path: added to the path of the address; empty for the address itself.
            body: all of it.
            content_type: what the body is.

        Raises:
            WitnessError: the witness was not reached, is not who it should be, or was too slow or too long.
        """
        return self._exchange("POST", path, body, {"Content-Type": content_type})

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        parts = urlsplit(self.url)
        target = (parts.path.rstrip("/") + path if path else parts.path) or "/"
        if parts.query and not path:
            target += f"?{parts.query}"
        try:
            with closing(self._connected(parts)) as sock:
                answer = exchange(sock, parts.netloc, (method, target, body, headers), self.timeout_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._away(error) from error
        if len(answer.body) > ANSWER_BYTES_MAX:
            raise not_cosigned(
                self.witness,
                "answer",
                f"answered more than {ANSWER_BYTES_MAX} bytes",
                "No witness has that much to say; look at the address in the settings.",
            )
        return answer

    def _connected(self, parts: SplitResult) -> socket.socket:
        host, is_secure = parts.hostname or "", parts.scheme == "https"
        sock = socket.create_connection(
            (host, parts.port or (443 if is_secure else 80)), timeout=self.timeout_s
        )
        if not is_secure:
            return sock
        # The timeout bounds the whole handshake.
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)

    def _away(self, error: Exception) -> WitnessError:
        if isinstance(error, ssl.SSLCertVerificationError):
            what = f"at {self.url} shows a certificate that does not verify: {error.verify_message}"
        else:
            what = f"at {self.url} can't be reached: {str(error) or type(error).__name__}"
        hint = "Nothing is lost: what it has not seen yet, it is shown next time. Look whether it is up."
        return not_cosigned(self.witness, "away", what, hint)


Request = tuple[str, str, bytes | None, dict[str, str]]
"""Method, target, body, headers."""


def exchange(sock: socket.socket, host: str, request: Request, timeout_s: float) -> Answer:
    """Send one request on a connection and return what comes back, all of it within that time.

    Raises:
        OSError, http.client.HTTPException, ValueError: nothing whole came back in time.
    """
    late = threading.Event()
    watch = threading.Timer(timeout_s, _end, (sock, late))
    watch.daemon = True
    watch.start()
    try:
        answer = _ask(sock, host, request)
        if late.is_set():
            raise TimeoutError("timed out")
        return answer
    finally:
        watch.cancel()


def _ask(sock: socket.socket, host: str, request: Request) -> Answer:
    connection = http.client.HTTPConnection(host)
    connection.sock = sock
    method, target, body, headers = request
    connection.request(method, target, body, {**headers, "Connection": "close"})
    response = connection.getresponse()
    with closing(response):
        read = response.read(ANSWER_BYTES_MAX + 1)
        if response.length and len(read) <= ANSWER_BYTES_MAX:
            raise http.client.IncompleteRead(read)
        return Answer(
            status=response.status,
            content_type=response.headers.get_content_type(),
            body=read,
            retry_after=response.headers.get("Retry-After", ""),
        )


def _end(sock: socket.socket, late: threading.Event) -> None:
    # First: once the socket ends, what has come so far looks like a whole answer to whoever reads it.
    late.set()
    with suppress(OSError):
        # The plain one's, so that a read inside TLS ends as well.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _problem_of(url: str) -> str:
    """Return what is wrong with an address, as the end of a sentence; empty when nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is none"
    if not url.isascii() or not url.isprintable() or " " in url or not host or parts.fragment:
        return "is none"
    if parts.username is not None or parts.password is not None:
        return "holds a name or password"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return ""
    return "is not protected by TLS"
