"""What every reply carries, and what a request must carry to be heard at all. Pure.

Source: OWASP Secure Headers Project; W3C Fetch Metadata; RFC 6797 (HSTS).
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from babysitter.model.errors import SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HSTS = "max-age=31536000; includeSubDomains"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "manifest-src 'self'"
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

ALWAYS: Mapping[str, str] = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where the server stands: who reaches it, under which names, and whom it believes about others.

    hosts: what a ``Host`` may be, in lower case, with the port where one is written. origins: our own pages.
    only_proxies: beyond this machine only the proxies reach us, since what they end is the only TLS there is.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    networks: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()
    is_secure: bool = False
    only_proxies: bool = False

    def may_connect(self, peer: str) -> bool:
        """Tell whether somebody may speak to us directly: what they send is protected on its way."""
        return not self.only_proxies or is_loopback(peer) or _is_in(peer, self.proxies)

    def counted_peer(self, peer: str) -> str:
        """Return what counts as one peer; empty for a proxy and for this machine, which stand for many."""
        return "" if is_loopback(peer) or _is_in(peer, self.proxies) else neighbourhood(peer)

    def caller_address(self, peer: str, forwarded: str) -> str:
        """Return whose request it is: the peer, or the last address that no proxy of ours has."""
        address = peer
        for text in reversed([part.strip() for part in forwarded.split(",")] if forwarded else []):
            if not _is_in(address, self.proxies):
                break
            if parsed_address(text) is None:
                # A proxy of ours that forwards nonsense: what is known is the proxy.
                break
            address = text
        return address

    def may_reach(self, address: str) -> bool:
        """Tell whether the settings let that address in."""
        return not self.networks or _is_in(address, self.networks)

    def is_ours(self, host: str) -> bool:
        """Tell whether a ``Host`` header names this server: another one is a page that was rebound to us."""
        return host.lower() in self.hosts

    def is_cross_site(self, method: str, headers: Mapping[str, str], *, has_session: bool) -> bool:
        """Tell whether a request that changes something may have been caused by somebody else's page."""
        if method in SAFE_METHODS:
            return False
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        # A form of ours says "null", as our pages send no referrer; what the browser says of the site counts.
        is_form = origin == "null" and site == "same-origin"
        if origin is not None and origin not in self.origins and not is_form:
            return True
        if site is not None and site not in ("same-origin", "none"):
            return True
        # A browser always says one of them with what it sends; whoever says neither holds no session of one.
        return has_session and origin is None and site is None

    def headers(self) -> Mapping[str, str]:
        """Return what every reply carries."""
        return {**ALWAYS, "Strict-Transport-Security": _HSTS} if self.is_secure else ALWAYS


def networks_of(texts: Iterable[str], setting: str) -> tuple[Network, ...]:
    """Return the networks that a setting names; a single address is one of its own.

    Raises:
        SettingsError: one is no network.
    """
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=True))
        except ValueError as error:
            raise SettingsError(
                f"{setting} names {text!r}, which is no network: {error}.",
                hint="Write 10.0.0.0/8 or 192.0.2.7.",
            ) from None
    return tuple(found)


def parsed_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address; one of IPv4 that is written as IPv6 is that of IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def neighbourhood(address: str) -> str:
    """Return what counts as one caller with the address: of IPv6 everybody has at least a /64."""
    parsed = parsed_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed or address)


def is_loopback(host: str) -> bool:
    """Tell whether whoever listens there is reached from this machine alone."""
    address = parsed_address(host.strip("[]"))
    return host == "localhost" or (address is not None and address.is_loopback)


def ground_of(
    *, host: str, port: int, public_url: str, networks: Iterable[str], proxies: Iterable[str], has_tls: bool
) -> Ground:
    """Return where a server stands that listens there.

    Raises:
        SettingsError: an address or a URL of the settings is none.
    """
    scheme = "https" if has_tls else "http"
    names = {host, "localhost", "127.0.0.1", "[::1]"} if is_loopback(host) else {host}
    reached = {(scheme, f"{_bracketed(name)}:{port}".lower()) for name in names}
    if public_url:
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise SettingsError(
                f"server.public_url is {public_url!r}.", hint="Write https://host or https://host:port."
            )
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise SettingsError(
                "server.public_url is not https.",
                hint="Beyond this machine people reach a server by TLS alone.",
            )
        reached.add((parts.scheme, parts.netloc.lower()))
    return Ground(
        hosts=frozenset(spelled for place in reached for spelled in _spellings(*place)),
        origins=frozenset(f"{place[0]}://{_spellings(*place)[0]}" for place in reached),
        networks=networks_of(networks, "server.networks"),
        proxies=networks_of(proxies, "server.trusted_proxies"),
        is_secure=has_tls or public_url.startswith("https://"),
        only_proxies=not has_tls and not is_loopback(host),
    )


def _spellings(scheme: str, netloc: str) -> tuple[str, ...]:
    """Return how a place is written, as browsers do it first: they leave a scheme's usual port out."""
    usual = ":443" if scheme == "https" else ":80"
    has_port = ":" in netloc.rpartition("]")[2]
    if has_port and not netloc.endswith(usual):
        return (netloc,)
    bare = netloc.removesuffix(usual) if has_port else netloc
    return (bare, f"{bare}{usual}")


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _is_in(address: str, networks: Iterable[Network]) -> bool:
    parsed = parsed_address(address)
    return parsed is not None and any(
        parsed.version == network.version and parsed in network for network in networks
    )
