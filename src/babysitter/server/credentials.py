"""The credential that a request carries: a token in its head, or a session's cookie."""

from collections.abc import Mapping
from contextlib import suppress

from babysitter.access.entrance import Entrance
from babysitter.model.errors import CredentialError

STRICT = "Path=/; Secure; HttpOnly; SameSite=Strict"
"""What every cookie of ours says; browsers send it with what our own pages ask for, and to no script."""
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


def renewed(entrance: Entrance, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the header that gives a session another cookie, where its person's roles have changed.

    Only with a page that is opened: of requests that go out together, the others would carry the dead one.
    """
    cookie = cookies(headers).get(COOKIE, "")
    if not cookie or bearer(headers) or headers.get("sec-fetch-mode") != "navigate":
        return {}
    with suppress(CredentialError):
        fresh = entrance.renew(cookie)
        return {"Set-Cookie": f"{COOKIE}={fresh}; {STRICT}"} if fresh else {}
    return {}
