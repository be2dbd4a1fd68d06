"""``webhook``: a signed POST of JSON to a program of the team's. No redirects, no proxy, bounded in all.

It is taken with any status from 200 to 299. With 408, 425, 429 and from 500 on it is sent again later;
everything else is a no.
"""

import http.client
import ssl
from contextlib import closing
from dataclasses import dataclass

from babysitter._version import __version__
from babysitter.log.witness.transport import Answer, exchange
from babysitter.model.errors import NotifyError
from babysitter.service.notify.channel import Reason, not_sent
from babysitter.service.notify.reach import Permitted, Reach, parse_target
from babysitter.service.notify.signature import signed_headers
from babysitter.service.notify.words import Letter

_TRY_AGAIN = frozenset((408, 425, 429))
_RETRY_AFTER_S_MAX = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """See Channel. ``is_secret``: no text may hold anything of ``url``; otherwise its host is told."""

    permitted: Permitted
    url: str
    is_secret: bool
    keys: tuple[bytes, ...]
    reach: Reach

    def send(self, letter: Letter, now_s: int) -> None:
        """See Channel."""
        target = parse_target(self.url)
        if target is None:
            raise self._not_sent(
                "settings", "has no usable address", "Write https://host/path, without a name or password."
            )
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"babysitter/{__version__}",
            **signed_headers(letter.id, now_s, letter.body, self.keys),
        }
        try:
            with closing(self.reach.connect(target, self.permitted)) as sock:
                request = ("POST", target.path, letter.body, headers)
                answer = exchange(sock, target.netloc, request, self.permitted.timeout_s)
        except ssl.SSLCertVerificationError as error:
            what = f"shows a certificate that does not verify: {error.verify_message}"
            raise self._not_sent("away", what, "Mend the receiver's certificate, or its name.") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The text of an error of the HTTP library may quote what the receiver sent.
            told = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            where = "" if self.is_secret else f" at {target.host}"
            what = f"can't be reached{where}: {told}"
            raise self._not_sent("away", what, "It is tried again; look whether it is up.") from None
        self._check(answer)

    def _check(self, answer: Answer) -> None:
        status = answer.status
        if 200 <= status < 300:
            return
        if status in _TRY_AGAIN or status >= 500:
            raise self._not_sent(
                "away",
                f"answered {status}",
                "It is tried again; look whether it is up.",
                _seconds(answer.retry_after),
            )
        hint = "Look at the receiver: its key, its path, what it wants."
        if 300 <= status < 400:
            hint = "A redirect is not followed: name the address that it leads to."
        raise self._not_sent("refused", f"answered {status}", hint)

    def _not_sent(self, reason: Reason, what: str, hint: str, retry_after_s: float = 0.0) -> NotifyError:
        return not_sent(self.permitted.channel, reason, what, hint, retry_after_s=retry_after_s)


def _seconds(retry_after: str) -> float:
    """Return what a receiver asks to wait; a date, or what is none, counts as nothing said."""
    is_number = retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 10
    return min(float(retry_after), _RETRY_AFTER_S_MAX) if is_number else 0.0
