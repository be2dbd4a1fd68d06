"""The credential that a request carries: a token in its head, or a session's cookie."""

from collections.abc import Mapping

COOKIE = "__Host-babysitter"
"""The session's cookie; browsers take one of that name only from a secure page, for the whole host."""


def bearer(headers: Mapping[str, str]) -> str:
    """Return the token of a request; empty: it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the cookies of a request, by name."""
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    return {name: value for name, mark, value in pairs if mark}
