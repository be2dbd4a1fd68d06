"""Connect to where a webhook's address leads, if that may be: resolve, check, connect to what was checked.

Invariants, each with a test in tests/unit/notify/test_reach.py:
    - an address that is not of the public internet takes ``allow_private``, however its name is written;
    - what is connected to is an address that was checked, never a name that could be resolved anew;
    - without TLS only this machine is reached, unless the settings say so;
    - the certificate is verified for the name in the address, by the system's authorities.
"""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from babysitter.model.network import Address, is_public, normal_host, parse_address
from babysitter.service.notify.channel import not_sent

ADDRESSES_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a webhook's address leads. ``netloc``: as the header Host has it; ``path``: with the query."""

    host: str
    port: int
    netloc: str
    path: str
    is_secure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """What a channel's settings let it reach."""

    channel: str
    allow_private: bool
    allow_http: bool
    timeout_s: float


def system_addresses(host: str) -> list[Address]:
    """Return the addresses of a name, as this machine resolves it.

    Raises:
        OSError: it has none, or nobody could be asked.
    """
    found: list[Address] = []
    for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        address = parse_address(str(place[0]))
        if address is not None and address not in found:
            found.append(address)
    return found


def parse_target(url: str) -> Target | None:
    """Return where an address leads; None when it is none, or holds a name or password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    is_plain = url.isascii() and url.isprintable() and " " not in url and not parts.fragment
    if not is_plain or parts.username is not None or parts.scheme not in ("https", "http") or port == 0:
        return None
    address = parse_address(host)
    name = str(address) if address is not None else normal_host(host)
    if name is None:
        return None
    is_secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        host=name,
        port=port or (443 if is_secure else 80),
        netloc=parts.netloc,
        path=path,
        is_secure=is_secure,
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """The way to a target. ``resolve``: names to addresses; ``tls``: made anew for each connection."""

    resolve: Callable[[str], list[Address]] = system_addresses
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def connect(self, target: Target, permitted: Permitted) -> socket.socket:
        """Return a connection to an address of the target that may be reached.

        Raises:
            NotifyError: there is none that may be, or none that is who it should be.
            OSError: none answers.
        """
        addresses = self._allowed(target, permitted)
        last: OSError | None = None
        for address in addresses:
            try:
                return self._connected(address, target, permitted.timeout_s / len(addresses))
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:
                last = error
        assert last is not None, "there is at least one address"
        raise last

    def _allowed(self, target: Target, permitted: Permitted) -> list[Address]:
        literal = parse_address(target.host)
        found = [literal] if literal is not None else self.resolve(target.host)
        if not target.is_secure and not permitted.allow_http and not all(each.is_loopback for each in found):
            raise not_sent(
                permitted.channel,
                "address",
                "is not protected by TLS, and not on this machine",
                "Write https://, or allow_http = true.",
            )
        # All of them: one private address among public ones is how a check is got around.
        refused = [each for each in found if not permitted.allow_private and not is_public(each)]
        if refused or not found:
            shown = ", ".join(map(str, refused[:ADDRESSES_MAX])) or "no address"
            raise not_sent(
                permitted.channel,
                "address",
                f"leads to {shown}, which is not of the public internet",
                "Where that is meant, say allow_private = true in its table.",
            )
        return found[:ADDRESSES_MAX]

    def _connected(self, address: Address, target: Target, timeout_s: float) -> socket.socket:
        sock = socket.create_connection((str(address), target.port), timeout=timeout_s)
        if not target.is_secure:
            return sock
        try:
            return self.tls().wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise
