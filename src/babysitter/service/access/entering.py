"""Signing in and out, as use cases for faces: what is handed out, and what of it has to come back."""

from collections.abc import Mapping

from babysitter.access.entrance import Entrance, SignedIn
from babysitter.access.oidc import SentAway
from babysitter.access.passkey_ceremonies import Begun
from babysitter.access.ssh_login import Challenge
from babysitter.model.clock import format_time
from babysitter.model.errors import NotFoundError
from babysitter.service.views import View


class LoginView(View, frozen=True, kw_only=True):
    """A login from a terminal. ``token`` is told once."""

    token: str
    expires_at: str


def begin_sign_in(entrance: Entrance) -> Begun:
    """Return what a browser is asked for a passkey, and the cookie that binds the answer to it."""
    return entrance.ceremonies.begin_sign_in()


def finish_sign_in(entrance: Entrance, *, answer: object, cookie: str, replacing: str = "") -> SignedIn:
    """Return the session of who answered. See ``Entrance.sign_in_with_passkey``."""
    return entrance.sign_in_with_passkey(answer, cookie, replacing=replacing)


def begin_oidc(entrance: Entrance, then: str = "/") -> SentAway:
    """Return where to send a browser, and the cookie that binds its coming back to it.

    The cookie has to come back from the provider's page: SameSite=Lax, not Strict.

    Raises:
        NotFoundError: the settings name no identity provider.
    """
    oidc = entrance.oidc()
    if oidc is None:
        raise NotFoundError("no identity provider is named here.", hint="See [server.oidc] in settings.md.")
    return oidc.begin(then)


def finish_oidc(
    entrance: Entrance, *, parameters: Mapping[str, str], cookie: str, replacing: str = ""
) -> SignedIn:
    """Return the session of who came back. See ``Entrance.sign_in_with_oidc``."""
    return entrance.sign_in_with_oidc(parameters, cookie, replacing=replacing)


def begin_ssh(entrance: Entrance, person: str) -> Challenge:
    """Return what a person signs with an SSH key. See ``access.ssh_login``."""
    return entrance.ssh.begin(person)


def finish_ssh(entrance: Entrance, *, challenge_id: str, person: str, signature: str) -> LoginView:
    """Return a token of the person who signed. See ``Entrance.login_with_ssh``."""
    token, text = entrance.login_with_ssh(challenge_id, person, signature)
    return LoginView(token=text, expires_at=format_time(token.expires_ns))


def end_login(entrance: Entrance, token: str) -> None:
    """Have a token count no more, by whoever holds it.

    Raises:
        CredentialError: it counts no more, or never did.
    """
    found = entrance.tokens.check(token)
    entrance.tokens.revoke(found.id, found.person or found.name)


def sign_out(entrance: Entrance, cookie: str) -> None:
    """End the session of a cookie; where there is none, nothing."""
    entrance.sessions.end(cookie)
