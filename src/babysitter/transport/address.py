"""Where an address of HTTP leads, and whether it may be asked at all."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from babysitter.model.network import is_loopback, normal_host, parse_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an address leads. ``netloc``: as the header Host has it; ``path``: with the query."""

    host: str
    port: int
    netloc: str
    path: str
    is_secure: bool


def parse_target(url: str) -> Target | None:
    """Return where an address leads; None when it is none, or holds a name or password."""
    parts = _split(url)
    if parts is None or parts.username is not None or parts.scheme not in ("https", "http"):
        return None
    is_secure = parts.scheme == "https"
    host = _host(parts)
    if host is None or parts.port == 0:
        return None
    return Target(
        host=host,
        port=parts.port or (443 if is_secure else 80),
        netloc=parts.netloc,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        is_secure=is_secure,
    )


def problem_of_url(url: str) -> str:
    """Return what is wrong with an address, as the end of a sentence; empty when nothing is.

    Plain HTTP is for this machine only.
    """
    parts = _split(url)
    if parts is None or _host(parts) is None or parts.port == 0:
        return "is no address"
    if parts.username is not None:
        return "holds a name or password"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(_host(parts) or "")):
        return ""
    return "is not protected by TLS"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (raises where it is no port)
    except ValueError:
        return None
    is_plain = url.isascii() and url.isprintable() and " " not in url and not parts.fragment
    return parts if is_plain else None


def _host(parts: SplitResult) -> str | None:
    address = parse_address(parts.hostname or "")
    return str(address) if address is not None else normal_host(parts.hostname or "")
