"""``apprise``: chat, mail and push services, through the library of that name (``babysitter[notify]``).

Where it connects to, and how, is the library's business: no address is checked here. What is known of a
failure is that there was one, since its own texts may hold the address, which is a secret.
"""

import logging
from dataclasses import dataclass

from babysitter.service.notify.channel import not_sent
from babysitter.service.notify.words import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseService:
    """See Channel. ``url``: as apprise writes it: ``slack://…``, ``ntfys://…``, ``mailtos://…``; a secret."""

    name: str
    url: str
    timeout_s: float

    def send(self, letter: Letter, now_s: int) -> None:
        """See Channel. The service is given no id, so a letter that is sent again is there twice."""
        del now_s
        try:
            import apprise  # noqa: PLC0415 (an extra, and 170 ms to import)
        except ImportError:
            raise not_sent(
                self.name,
                "settings",
                "needs apprise, which is not installed",
                "Install it with: pip install 'babysitter[notify]'",
            ) from None
        # Its log may name topics and hosts; it is nobody's but the library's.
        logging.getLogger("apprise").propagate = False
        asset = apprise.AppriseAsset(
            app_id="Babysitter",
            app_desc="Babysitter",
            async_mode=False,
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            allow_templates=False,
            secure_logging=True,
            service_timeout=self.timeout_s,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        services = apprise.Apprise(asset=asset)
        if not services.add(self.url):
            raise not_sent(
                self.name,
                "settings",
                "has an address that apprise does not understand",
                "Its forms: https://github.com/caronc/apprise/wiki",
            )
        why = ""
        try:
            taken = bool(
                services.notify(
                    title=letter.title,
                    body=letter.text,
                    body_format=apprise.NotifyFormat.TEXT,
                    interpret_escapes=False,
                )
            )
        except Exception as error:  # noqa: BLE001 (over a hundred services, each somebody else's code)
            taken, why = False, f" ({type(error).__name__})"
        if not taken:
            raise not_sent(
                self.name,
                "away",
                f"was not taken by its service{why}",
                "It is tried again; if it stays so, look at the address, and whether the service is up.",
            )
