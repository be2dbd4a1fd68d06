"""``webhook``: a signed POST of JSON to a program of the team's. No redirects, no proxy, bounded in all.

It is taken with any status from 200 to 299. With 408, 425, 429 and from 500 on it is sent again later;
everything else is a no.
"""

from dataclasses import dataclass

from babysitter._version import __version__
from babysitter.model.errors import NotifyError
from babysitter.service.notify.channel import Reason, not_sent
from babysitter.service.notify.signature import signed_headers
from babysitter.service.notify.words import Letter
from babysitter.transport.address import parse_target
from babysitter.transport.exchange import Answer, Request, exchange
from babysitter.transport.reach import Permitted, Reach
from babysitter.transport.unreachable import Reason as WhyNot
from babysitter.transport.unreachable import UnreachableError

_TRY_AGAIN = frozenset((408, 425, 429))
_RETRY_AFTER_S_MAX = 3600.0
_FAILED: dict[WhyNot, tuple[Reason, str]] = {
    "address": ("settings", "Write https://host/path, without a name or password."),
    "plain": ("address", "Write https://, or allow_http = true."),
    "private": ("address", "Where that is meant, say allow_private = true in its table."),
    "certificate": ("away", "Mend the receiver's certificate, or its name."),
    "away": ("away", "It is tried again; look whether it is up."),
    "long": ("away", "It is tried again; look what it says."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """See Channel. ``is_secret``: no text may hold anything of ``url``; otherwise its host is told."""

    channel: str
    url: str
    is_secret: bool
    keys: tuple[bytes, ...]
    timeout_s: float
    permitted: Permitted
    reach: Reach

    def send(self, letter: Letter, now_s: int) -> None:
        """See Channel. The status is the whole answer: of what else a receiver says, nothing is read."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"babysitter/{__version__}",
            **signed_headers(letter.id, now_s, letter.body, self.keys),
        }
        request = Request(
            url=self.url,
            method="POST",
            headers=headers,
            body=letter.body,
            timeout_s=self.timeout_s,
            reads_body=False,
        )
        try:
            answer = exchange(request, self.permitted, self.reach)
        except UnreachableError as error:
            reason, hint = _FAILED[error.reason]
            what = "has no usable address" if error.reason == "address" else f"{self._receiver()}{error}"
            raise self._not_sent(reason, what, hint) from None
        self._check(answer)

    def _receiver(self) -> str:
        target = None if self.is_secret else parse_target(self.url)
        return f"to {target.host} " if target is not None else ""

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
        return not_sent(self.channel, reason, what, hint, retry_after_s=retry_after_s)


def _seconds(retry_after: str) -> float:
    """Return what a receiver asks to wait; a date, or what is none, counts as nothing said."""
    is_number = retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 10
    return min(float(retry_after), _RETRY_AFTER_S_MAX) if is_number else 0.0
