"""The address that people reach a server by, and what follows from it: origin, host of passkeys, links."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from babysitter.model.errors import SettingsError

LOCAL_HOST = "localhost"
JOIN_PATH = "/join"
OIDC_PATH = "/login/oidc"
"""Where an identity provider sends people back to."""


@dataclass(frozen=True, slots=True)
class Site:
    """``url``: as ``https://babysitter.example.com``, without a path.

    Making one raises SettingsError for what is no such address, or is plain HTTP beyond this machine.
    """

    url: str

    def __post_init__(self) -> None:
        problem = _problem_of(self.url)
        if problem:
            raise SettingsError(
                f"server.public_url {self.url[:200]!r} {problem}.",
                hint="Write https://host or https://host:port; http:// is for localhost alone.",
                file="babysitter.toml",
                line=0,
            )

    @property
    def origin(self) -> str:
        """As browsers write it."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        usual = {"https": 443, "http": 80}[parts.scheme]
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")

    @property
    def rp_id(self) -> str:
        """The host that passkeys are for."""
        return urlsplit(self.url).hostname or LOCAL_HOST

    def join_link(self, code: str) -> str:
        """Return the link of an invitation; what stands behind ``#`` stays in the browser."""
        return f"{self.origin}{JOIN_PATH}#{code}"

    @property
    def oidc_redirect(self) -> str:
        """What the identity provider has to know as this server's redirect URI."""
        return f"{self.origin}{OIDC_PATH}"


def _problem_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if not url.isascii() or not url.isprintable() or " " in url or not host:
        return "is no address"
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        return "has more in it than a host and a port"
    if parts.scheme == "https" or (parts.scheme == "http" and host in (LOCAL_HOST, "127.0.0.1", "::1")):
        return ""
    return "is not https"
