"""The settings about telling people, as ``babysitter.toml`` has them under ``[notify]``.

No address with a password, and no key, stands in the file: those are references to secrets.

Reference: docs/reference/notifications.md.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from babysitter.model.rules import Duration, Id

NoticeKind = Literal[
    "breakpoint.requested",
    "breakpoint.reassigned",
    "breakpoint.reminder",
    "breakpoint.escalated",
    "breakpoint.expiring",
    "breakpoint.released",
    "breakpoint.rejected",
    "breakpoint.expired",
    "breakpoint.lapsed",
    "run.completed",
    "run.failed",
    "run.cancelled",
]
PENDING: tuple[NoticeKind, ...] = (
    "breakpoint.requested",
    "breakpoint.reassigned",
    "breakpoint.reminder",
    "breakpoint.escalated",
    "breakpoint.expiring",
)
"""What asks somebody to do something, and so is worth nothing once nothing is left to do."""
_KEYS_MAX = 4


class NotifySetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class ChannelTable(NotifySetting, frozen=True, kw_only=True):
    """``[[notify.channels]]``: one way to tell somebody.

    kind: ``webhook``: a signed POST to a program of the team's; ``apprise``: a service that apprise knows.
    url: of a webhook ``https://…``, or a reference to a secret that holds it; for apprise always a reference.
    keys: references to the webhook's signing keys, ``whsec_…``; each signs, so that keys can be changed.
    to: roles and people that the channel reaches; none: everybody.
    events: which kinds of news; none: all that asks somebody to do something.
    allow_private: the webhook may be at an address that is not of the public internet.
    allow_http: it may be reached without TLS although it is not on this machine.
    timeout_s: for connecting, and again for the whole exchange.
    """

    name: Id
    kind: Literal["webhook", "apprise"]
    url: Annotated[str, Meta(min_length=1)]
    keys: Annotated[tuple[str, ...], Meta(max_length=_KEYS_MAX)] = ()
    to: tuple[str, ...] = ()
    events: tuple[NoticeKind, ...] = PENDING
    allow_private: bool = False
    allow_http: bool = False
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0

    def __post_init__(self) -> None:
        """Refuse what could not be sent safely.

        Raises:
            ValueError: which msgspec turns into an error with the key's place.
        """
        if self.kind == "webhook" and not self.keys:
            raise ValueError("a webhook needs keys: its receiver must be able to tell who sent it")
        if self.kind == "apprise" and "://" in self.url:
            raise ValueError('an address for apprise holds tokens: name a secret, as "env:TEAM_CHAT_URL"')
        if self.kind == "apprise" and (self.keys or self.allow_private or self.allow_http):
            raise ValueError("keys, allow_private and allow_http are of webhooks; apprise has none of them")

    @property
    def is_secret(self) -> bool:
        """Whether the address is kept elsewhere, and ``url`` is only a reference to it."""
        return not self.url.startswith(("https://", "http://"))


class NotifyTable(NotifySetting, frozen=True, kw_only=True):
    """``[notify]``.

    link: where people answer, as ``https://babysitter.example.com``; empty: the text names the command.
    delay_s: how long a question stands before anybody is told, so that who sits there can answer it.
    expiring: how long before a question expires it is said that it will.
    max_age: how long is tried to deliver what could not be delivered.
    """

    link: Annotated[str, Meta(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    delay_s: Annotated[float, Meta(ge=0, le=86400)] = 0.0
    expiring: Duration = "1h"
    max_age: Duration = "3d"
    channels: tuple[ChannelTable, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two channels of one name.

        Raises:
            ValueError: which msgspec turns into an error with the key's place.
        """
        names = [channel.name for channel in self.channels]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two channels are called {name}")
