"""What every kind of channel is to the outbox: it takes a letter, or says why not."""

from typing import Literal, Protocol

from babysitter.model.errors import NotifyError
from babysitter.service.notify.words import Letter

Reason = Literal["settings", "secret", "address", "away", "refused"]
"""Why a letter was not taken.

settings: the channel can't be used as it stands. secret: its address or a key has no value here.
address: where it leads may not be reached. away: nobody took it. refused: it was looked at and not taken.
"""
FINAL: frozenset[Reason] = frozenset(("refused",))
"""After what nothing is tried again. Everything else the operator, or time, may mend."""


class Channel(Protocol):
    """One way to tell somebody."""

    def send(self, letter: Letter, now_s: int) -> None:
        """Deliver the letter. When this returns, somebody else has it.

        Raises:
            NotifyError: nobody has, as far as is known; ``facts['reason']`` is one of ``Reason``.
        """
        ...


def not_sent(
    channel: str, reason: Reason, what: str, hint: str, *, retry_after_s: float = 0.0
) -> NotifyError:
    """Return the error for a letter that a channel did not take."""
    return NotifyError(
        f"channel {channel} {what}.", hint=hint, channel=channel, reason=reason, retry_after_s=retry_after_s
    )
