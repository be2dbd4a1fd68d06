"""From a channel's settings to what sends on it: its address and keys are read where they are kept."""

from collections.abc import Mapping
from typing import Protocol

from babysitter.model.errors import SecretError, SettingsError
from babysitter.model.notify_settings import ChannelTable, NotifyTable
from babysitter.model.rules import Policy
from babysitter.service.notify.channel import Channel, not_sent
from babysitter.service.notify.signature import signing_key
from babysitter.service.notify.through_apprise import AppriseService
from babysitter.service.notify.webhook import Webhook
from babysitter.transport.reach import Permitted, Reach


class Resolve(Protocol):
    """Gives the values of secrets."""

    def __call__(self, refs: tuple[str, ...]) -> Mapping[str, str]:
        """Return the value of each reference.

        Raises:
            SecretError: one has none.
        """
        ...


def open_channel(table: ChannelTable, resolve: Resolve, reach: Reach) -> Channel:
    """Return what sends on a channel.

    Raises:
        NotifyError: its address or a key can't be had, or is none.
    """
    refs = ((table.url,) if table.is_secret else ()) + table.keys
    try:
        values = resolve(refs)
    except SecretError as error:
        raise not_sent(
            table.name, "secret", f"lacks a secret: {error.message.rstrip('.')}", error.hint
        ) from None
    url = values[table.url] if table.is_secret else table.url
    if table.kind == "apprise":
        return AppriseService(name=table.name, url=url, timeout_s=table.timeout_s)
    keys = []
    for ref in table.keys:
        key = signing_key(values[ref])
        if key is None:
            raise not_sent(
                table.name,
                "settings",
                f"has {ref} as a key, which holds none",
                'Make one: printf "whsec_%s\\n" "$(openssl rand -base64 32)"',
            )
        keys.append(key)
    return Webhook(
        channel=table.name,
        url=url,
        is_secret=table.is_secret,
        keys=tuple(keys),
        timeout_s=table.timeout_s,
        permitted=Permitted(allow_private=table.allow_private, allow_http=table.allow_http),
        reach=reach,
    )


def check_names(settings: NotifyTable, policy: Policy) -> None:
    """Refuse a misspelt role in ``to``, which would stand for a person that nobody is.

    Raises:
        SettingsError: naming the channel.
    """
    people = {name for members in policy.roles.values() for name in members} | set(policy.people)
    people |= {name for rule in policy.every_rule for name in (*rule.people, *rule.notify)}
    for channel in settings.channels:
        for name in channel.to:
            if name not in policy.roles and name not in people and "@" not in name:
                raise SettingsError(
                    f"babysitter.toml: to of channel {channel.name} names {name}, which is neither role nor "
                    "person.",
                    hint="Mend the name.",
                )
