"""Signing in through an identity provider: OpenID Connect, code flow with PKCE.

The plan, when the provider sends a browser back; each step that fails lets nobody in:

     1. The browser is the one that we sent there (the cookie), and it brings our state back.
     2. The provider that sent it is ours, where it says so (RFC 9207).
     3. Its code, with the PKCE verifier that only we can tell, gives an identity token.
     4. The token is signed by a key of the provider's, in a way that only the provider can.
     5. It is of this issuer, for us and for nobody else's request, has our nonce, has not run out,
        and was issued a moment ago.
     6. What the settings want and it does not say, the provider's userinfo is asked for, where there is one;
        it has to speak of the same subject (``oidc_userinfo.py``).
     7. Both together name a person; a mail address counts when the provider has verified it.

State, nonce and verifier are derived from the cookie's ticket with the server's key, so nothing
is kept between sending a browser away and its coming back.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9207; RFC 9700.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from babysitter.access.credentials import not_let_in
from babysitter.access.grants import Membership
from babysitter.access.oidc_provider import ALGORITHMS, Description, Provider
from babysitter.access.oidc_userinfo import Granted, ask
from babysitter.access.site import Site
from babysitter.access.storage import NS_PER_S, Storage, Ticket, base64url
from babysitter.model.errors import ProviderError, UsageError
from babysitter.model.server_settings import OidcTable
from babysitter.signing.allowed_signers import check_principal

_PURPOSE = "oidc"
AWAY_S = 600
"""How long a person may take at the provider."""
_LEEWAY_S = 60
_ISSUED_AGO_S_MAX = 600
_GROUPS_MAX = 1000
_CODE_CHARS_MAX = 4096


class SentAway(Struct, frozen=True, kw_only=True):
    """Where a browser goes. ``cookie``: the ticket; it is handed in when the browser comes back."""

    url: str
    cookie: str
    lasts_s: int = AWAY_S


class Identity(Struct, frozen=True, kw_only=True):
    """Who the provider says it is. ``then``: the page that the person wanted."""

    person: str
    membership: Membership
    then: str
    ticket: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSignIn:
    """See the module. ``client_secret`` resolves the reference of the settings; empty: a public client."""

    storage: Storage
    settings: OidcTable
    provider: Provider
    site: Callable[[], Site]
    client_secret: Callable[[], str]

    def begin(self, then: str = "/") -> SentAway:
        """Return where to send a browser. ``then``: the page of ours that the person wanted.

        Raises:
            ProviderError: the provider is away, or says what can't be believed.
        """
        endpoint = self.provider.description().authorization_endpoint
        ticket, cookie = self.storage.begin(_PURPOSE, local_path(then), lasts_s=AWAY_S)
        verifier = self._secret(ticket, "verifier")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.site().oidc_redirect,
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            "state": self._secret(ticket, "state"),
            "nonce": self._secret(ticket, "nonce"),
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        mark = "&" if "?" in endpoint else "?"
        return SentAway(url=f"{endpoint}{mark}{urlencode(asked)}", cookie=cookie)

    def checked(self, parameters: Mapping[str, str], cookie: str) -> Identity:
        """Return who came back. ``parameters``: of the address that the provider sent the browser to.

        Raises:
            CredentialError: something of it does not count; what is not said.
            ProviderError: the provider is away, or says what can't be believed.
        """
        ticket = self.storage.opened(cookie, _PURPOSE)
        if not _is_secret(parameters.get("state"), self._secret(ticket, "state")):
            raise not_let_in()
        description = self.provider.description()
        sender = parameters.get("iss")
        needs_sender = description.authorization_response_iss_parameter_supported
        if (sender is None and needs_sender) or sender not in (None, self.settings.issuer):
            raise not_let_in()
        code = parameters.get("code", "")
        if not code or not code.isascii() or len(code) > _CODE_CHARS_MAX or "error" in parameters:
            raise not_let_in()
        granted = self._granted(description, code, ticket)
        claims, alg = self._claims(granted.id_token)
        self._check(claims, ticket)
        claims |= self._told_beside(claims, alg, granted, description)
        return Identity(
            person=self._person(claims),
            membership=Membership(issuer=self.settings.issuer, groups=self._groups(claims)),
            then=ticket.subject,
            ticket=ticket,
        )

    def _granted(self, description: Description, code: str, ticket: Ticket) -> Granted:
        """Step 3."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.site().oidc_redirect,
            "code_verifier": self._secret(ticket, "verifier"),
        }
        headers = {}
        secret, client = self.client_secret(), self.settings.client_id
        if secret and "client_secret_basic" in description.token_endpoint_auth_methods_supported:
            pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
        answer = self.provider.post(description.token_endpoint, urlencode(form).encode(), headers)
        if answer.status in (400, 401, 403):
            raise not_let_in()
        try:
            if answer.status != 200:
                raise ValueError
            return msgspec.json.decode(answer.body, type=Granted)
        except (ValueError, msgspec.MsgspecError):
            raise ProviderError(
                f"the identity provider {self.settings.issuer} gives no identity (status {answer.status}).",
                hint="Look at server.oidc: client_id, client_secret, scopes.",
            ) from None

    def _claims(self, token: str) -> tuple[dict[str, Any], str]:
        """Step 4; with how it is signed."""
        from joserfc import jws, jwt  # noqa: PLC0415 (an extra; the provider's keys have said so if it is missing)
        from joserfc.errors import JoseError  # noqa: PLC0415 (same)

        try:
            header = jws.extract_compact(token.encode()).headers()
            if header.get("alg") not in ALGORITHMS:
                raise not_let_in()
            key = self.provider.key_of(header.get("kid"))
            return jwt.decode(token, key, algorithms=[header["alg"]]).claims, header["alg"]
        except (JoseError, ValueError, TypeError) as wrong:
            raise not_let_in() from wrong

    def _check(self, claims: dict[str, Any], ticket: Ticket) -> None:
        """Step 5."""
        client, now_s = self.settings.client_id, self.storage.now_ns() // NS_PER_S
        audience = claims.get("aud")
        several = isinstance(audience, list)
        ends_s, issued_s = _seconds(claims, "exp"), _seconds(claims, "iat")
        fits = (
            claims.get("iss") == self.settings.issuer
            and client in (audience if isinstance(audience, list) else [audience])
            and claims.get("azp", None if several and len(audience or ()) > 1 else client) == client
            and _is_secret(claims.get("nonce"), self._secret(ticket, "nonce"))
            and now_s < ends_s + _LEEWAY_S
            and now_s - _ISSUED_AGO_S_MAX <= issued_s <= now_s + _LEEWAY_S
            and _seconds(claims, "nbf", 0) <= now_s + _LEEWAY_S
            and isinstance(claims.get("sub"), str)
        )
        if not fits:
            raise not_let_in()

    def _told_beside(
        self, claims: dict[str, Any], alg: str, granted: Granted, description: Description
    ) -> dict[str, Any]:
        """Step 6. A mail address and whether it is verified are taken together, or not at all."""
        settings = self.settings
        person = ("email", "email_verified") if settings.person_claim == "email" else (settings.person_claim,)
        groups = (settings.groups_claim,) if settings.groups else ()
        silent = [each for each in (person, groups) if not all(name in claims for name in each)]
        url = description.userinfo_endpoint
        if not silent or not url:
            return {}
        found = ask(self.provider, url, granted, claims, alg)
        return {name: found[name] for each in silent if all(map(found.__contains__, each)) for name in each}

    def _person(self, claims: dict[str, Any]) -> str:
        """Step 7."""
        name = self.settings.person_claim
        person = claims.get(name)
        if not isinstance(person, str) or (name == "email" and claims.get("email_verified") is not True):
            raise not_let_in()
        try:
            check_principal(person)
        except UsageError as wrong:
            raise not_let_in() from wrong
        return person

    def _groups(self, claims: dict[str, Any]) -> tuple[str, ...]:
        found = claims.get(self.settings.groups_claim, [])
        names = found if isinstance(found, list) else [found]
        # Only those that the settings know: the others are nobody's business here, and may be thousands.
        known = (
            name for name in names[:_GROUPS_MAX] if isinstance(name, str) and name in self.settings.groups
        )
        return tuple(dict.fromkeys(known))

    def _secret(self, ticket: Ticket, label: str) -> str:
        return base64url(self.storage.derived(ticket, label))


def _is_secret(said: object, secret: str) -> bool:
    """Tell whether somebody said the secret, in a time that says nothing about where it differs."""
    text = said.encode("utf-8", "replace") if isinstance(said, str) else b""
    return hmac.compare_digest(text, secret.encode())


def local_path(text: str) -> str:
    """Return a path of ours as it is, and ``/`` for everything that could lead elsewhere."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_path and text.isascii() and text.isprintable() and len(text) <= 512 else "/"


def _seconds(claims: Mapping[str, Any], name: str, missing: float | None = None) -> float:
    value = claims.get(name, missing)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise not_let_in()
    return value
