"""What a task's ``network`` grant comes to: hosts and ports in one spelling, and which addresses are public.

A name is compared in the form that goes over the wire: ASCII, lower case, no final dot.
An address that is not of the public internet is reached only where a grant names the
address itself: a name that resolves to it is not enough, whoever owns the name.

Reference: docs/reference/sandbox.md. Sources: RFC 6890 and the IANA registries of
special-purpose addresses; RFC 6052 (NAT64); RFC 3056 (6to4); RFC 4380 (Teredo).
"""

import ipaddress
import re
from dataclasses import dataclass

WHOLE = "*"
LOOPBACK = "loopback"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressRange = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_HOST_CHARS_MAX = 253
_PORT_MAX = 65535
# Libraries read these as an address: 127.1, 2130706433, 0x7f.1.
_ENDS_IN_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")
# The two standards of international names differ on these characters, so each reader would see another host.
_AMBIGUOUS = frozenset("\u00df\u03c2\u200c\u200d")
_SHORTEST_PREFIX = {4: 8, 6: 16}
_FORMS = 'Write "api.example.com:443", "*.example.com:443", "192.0.2.7:5432" or "10.1.0.0/16:5432".'

# Beyond what ``is_global`` says: special in fact though not by that flag in every Python that we support.
_NEVER_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # answers about the machine itself, in one large cloud
        "192.0.0.0/24",
        "192.88.99.0/24",
        "224.0.0.0/3",  # multicast and what was never assigned
        "::/3",  # unassigned, compatible, mapped; those that hold an IPv4 address are looked into first
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fc00::/6",  # unique local, link-local, site-local
        "ff00::/8",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NetworkGrantError(ValueError):
    """A network grant says nothing that can be held; ``hint`` says how to write it."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGrant:
    """One entry that names where to: a host, all names below a domain, or a range of addresses.

    text: in its one spelling, for the profile and for counting.
    domain: the name, or with ``below`` what stands after ``*.``; empty for addresses.
    """

    text: str
    port: int
    domain: str = ""
    below: bool = False
    addresses: AddressRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkGrant:
    """All entries of one task.

    shared: the task uses the machine's own network, unconfined.
    hosts: what it reaches through the proxy; empty when ``shared``.
    """

    shared: bool = False
    hosts: tuple[HostGrant, ...] = ()

    def for_host(self, host: str, port: int) -> HostGrant | None:
        """Return the entry that lets a task ask for this host, normalised, on this port."""
        address = parse_address(host)
        if address is not None:
            return self.for_address(address, port)
        for entry in self.hosts:
            if entry.port == port and entry.domain:
                if entry.below and host.endswith("." + entry.domain):
                    return entry
                if not entry.below and host == entry.domain:
                    return entry
        return None

    def names(self, host: str) -> bool:
        """Tell whether an entry lets a task ask for this host on any port."""
        return any(self.for_host(host, entry.port) is not None for entry in self.hosts)

    def for_address(self, address: Address, port: int) -> HostGrant | None:
        """Return the entry that names this very address, or a range that holds it."""
        for entry in self.hosts:
            if entry.port == port and entry.addresses is not None and address in entry.addresses:
                return entry
        return None


def parse_grants(grants: tuple[str, ...]) -> NetworkGrant:
    """Return what the entries come to together; ``*`` holds all others.

    Raises:
        NetworkGrantError: an entry has no meaning, or one beside it takes its meaning away.
    """
    hosts = {entry.text: entry for text in grants if text not in (WHOLE, LOOPBACK) for entry in [_host(text)]}
    if WHOLE in grants:
        return NetworkGrant(shared=True)
    if LOOPBACK in grants:
        if hosts:
            raise NetworkGrantError(
                f'"{LOOPBACK}" shares the machine\'s whole network, so {", ".join(sorted(hosts))} beside it '
                "would not be held to",
                'Name the service of this machine instead: "127.0.0.1:5432".',
            )
        return NetworkGrant(shared=True)
    return NetworkGrant(hosts=tuple(hosts[text] for text in sorted(hosts)))


def _host(text: str) -> HostGrant:
    place, mark, port_text = text.rpartition(":")
    port = parse_port(port_text) if mark and place else None
    if port is None or (":" in place and not place.startswith("[")):
        raise NetworkGrantError(f'the network grant "{text}" names no host and port', _FORMS)
    found = _range(place, text)
    if found is not None:
        single = found.prefixlen == found.max_prefixlen
        shown = str(found.network_address) if single else str(found)
        shown = shown if found.version == 4 else f"[{shown}]"
        return HostGrant(text=f"{shown}:{port}", port=port, addresses=found)
    below = place.startswith("*.")
    domain = _normal_grant(place.removeprefix("*."), text)
    if below and "." not in domain:
        raise NetworkGrantError(
            f'the network grant "{text}" is wider than a domain',
            'Name a domain of somebody: "*.example.com:443". For everything, "*" says so.',
        )
    return HostGrant(text=f"{'*.' * below}{domain}:{port}", port=port, domain=domain, below=below)


def _range(place: str, text: str) -> AddressRange | None:
    bare = place[1:-1] if place.startswith("[") and place.endswith("]") else place
    if ":" not in bare and not re.fullmatch(r"[\d.]+(/\d+)?", bare):
        return None
    if "%" in bare:
        raise NetworkGrantError(f'the network grant "{text}" is of one interface of this machine', _FORMS)
    try:
        found = ipaddress.ip_network(bare)
    except ValueError as error:
        raise NetworkGrantError(f'the network grant "{text}": {error}', _FORMS) from None
    if found.prefixlen < _SHORTEST_PREFIX[found.version]:
        raise NetworkGrantError(
            f'the network grant "{text}" is wider than any network of one owner',
            'For everything, write "*".',
        )
    return found


def _normal_grant(name: str, text: str) -> str:
    if _AMBIGUOUS & set(name):
        raise NetworkGrantError(
            f'the name in "{text}" is read in two ways by two standards', 'Write it in its form "xn--…".'
        )
    try:
        encoded = name if name.isascii() else name.removesuffix(".").encode("idna").decode()
    except UnicodeError:
        encoded = ""
    normal = normal_host(encoded)
    if normal is None:
        raise NetworkGrantError(f'"{text}" is no host name with a port', _FORMS)
    return normal


def normal_host(name: str) -> str | None:
    """Return an ASCII name in its one spelling; None when it is no name, or could be read as an address."""
    normal = name.lower().removesuffix(".")
    if len(normal) > _HOST_CHARS_MAX or _ENDS_IN_NUMBER.fullmatch(normal):
        return None
    return normal if all(map(_LABEL.fullmatch, normal.split("."))) else None


def parse_port(text: str) -> int | None:
    """Return a port from 1 to 65535; None for any other text."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_PORT_MAX))):
        return None
    port = int(text)
    return port if 0 < port <= _PORT_MAX else None


def parse_address(text: str) -> Address | None:
    """Return the address that a text is, in the spelling of RFC 5952 or dotted quad; None when it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet, and not to a network, a machine or a group.

    An address that carries another one in it (mapped, NAT64, 6to4) is what it carries.
    """
    carried = _carried(address)
    if carried is not None:
        return is_public(carried)
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in special for special in _NEVER_PUBLIC if special.version == address.version)


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
