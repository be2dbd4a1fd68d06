"""Where a witness listens, and what it says there: one bounded exchange at a time, see ``transport``."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from babysitter.log.witness.interface import Reason, not_cosigned
from babysitter.transport.address import problem_of_url
from babysitter.transport.exchange import Answer, Request, exchange
from babysitter.transport.unreachable import UnreachableError

ANSWER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a witness listens. ``timeout_s``: for everything, from its name to its last byte.

    Making one raises WitnessError for an address that is not used: plain HTTP elsewhere, a password in it.
    """

    witness: str
    url: str
    timeout_s: float

    def __post_init__(self) -> None:
        problem = problem_of_url(self.url)
        if problem:
            raise not_cosigned(
                self.witness,
                "settings",
                f"can't be asked where the settings say, which {problem}",
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
        url = parts._replace(path=parts.path.rstrip("/") + path, query="").geturl() if path else self.url
        request = Request(
            url=url,
            method=method,
            headers=headers,
            body=body,
            timeout_s=self.timeout_s,
            bytes_max=ANSWER_BYTES_MAX,
        )
        try:
            return exchange(request)
        except UnreachableError as error:
            reason: Reason = "answer" if error.reason == "long" else "away"
            hint = "Nothing is lost: what it has not seen yet, it is shown next time. Look whether it is up."
            if reason == "answer":
                hint = "No witness has that much to say; look at the address in the settings."
            raise not_cosigned(self.witness, reason, f"at {self.url} {error}", hint) from error
