"""An identity provider as it describes itself, and the keys that it signs with.

Both are fetched over verified TLS and kept for a while. A key that is not known has the keys
fetched again, at most once a minute, so providers may change theirs whenever they like and
nobody makes us ask in a loop.

Source: OpenID Connect Discovery 1.0; RFC 7517; RFC 9207.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from babysitter.access.credentials import not_let_in
from babysitter.model.clock import Clock
from babysitter.model.errors import MissingToolError, ProviderError
from babysitter.transport.address import problem_of_url
from babysitter.transport.exchange import Answer, Request, exchange
from babysitter.transport.unreachable import UnreachableError

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How an identity may be signed: by a key that only the provider has; no shared secret, and not ``none``."""
_DESCRIPTION_PATH = "/.well-known/openid-configuration"
_KEPT_S = 3600.0
_FETCHED_AGAIN_S = 60.0
_AWAY_S = 5.0
"""How long one that is away is not asked again: everybody who signs in would wait for it in turn."""
_BYTES_MAX = 1024 * 1024


class Description(Struct, frozen=True, kw_only=True):
    """What a provider says about itself, as far as it is used here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Provider:
    """See the module. ``send``: how requests are made; tests may watch it."""

    def __init__(self, issuer: str, clock: Clock, send: Callable[[Request], Answer] = exchange) -> None:
        self.issuer = issuer
        self._clock = clock
        self._send = send
        self._turn = threading.Lock()
        self._described: tuple[float, Description] | None = None
        self._keys: tuple[float, list[Any]] | None = None
        self._away: tuple[float, str] | None = None

    def description(self) -> Description:
        """Return what the provider says about itself.

        Raises:
            ProviderError: it is away, or says what can't be believed.
        """
        with self._turn:
            return self._description()

    def _description(self) -> Description:
        now_s = self._clock.monotonic_s()
        if self._described is not None and now_s - self._described[0] < _KEPT_S:
            return self._described[1]
        body = self._fetched(self.issuer.rstrip("/") + _DESCRIPTION_PATH)
        try:
            found = msgspec.json.decode(body, type=Description)
        except msgspec.MsgspecError as wrong:
            raise self._problem(f"describes itself wrongly: {wrong}") from None
        if found.issuer != self.issuer:
            raise self._problem(f"calls itself {found.issuer[:200]!r}")
        named = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint)
        for url in filter(None, named):
            problem = problem_of_url(url)
            if not problem and url.startswith("http:") and not self.issuer.startswith("http:"):
                # Plain HTTP is for a provider on this machine, not for what one elsewhere names on it.
                problem = "is not protected by TLS"
            if problem:
                raise self._problem(f"names {url[:200]!r}, which {problem}")
        self._described = (now_s, found)
        return found

    def key_of(self, key_id: str | None) -> "Key":
        """Return the key that a signature names; where the provider has one key, it need not be named.

        Raises:
            CredentialError: the provider has no such key.
            ProviderError: it is away, or its keys can't be read.
        """
        with self._turn:
            found = _chosen(self._current_keys(_KEPT_S), key_id)
            if found is None:
                found = _chosen(self._current_keys(_FETCHED_AGAIN_S), key_id)
        if found is None:
            raise not_let_in()
        return found

    def get(self, url: str, headers: dict[str, str]) -> Answer:
        """Ask; return the answer, whatever its status. Errors as ``post``."""
        return self._sent(Request(url=url, headers=headers, bytes_max=_BYTES_MAX))

    def post(self, url: str, form: bytes, headers: dict[str, str]) -> Answer:
        """Send a form; return the answer, whatever its status.

        Raises:
            ProviderError: the provider is away.
        """
        headers = {
            **headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return self._sent(Request(url=url, method="POST", headers=headers, body=form, bytes_max=_BYTES_MAX))

    def _current_keys(self, kept_s: float) -> "list[Key]":
        now_s = self._clock.monotonic_s()
        if self._keys is None or now_s - self._keys[0] >= kept_s:
            body = self._fetched(self._description().jwks_uri)
            self._keys = (now_s, _read_keys(body, self._problem))
        return self._keys[1]

    def _fetched(self, url: str) -> bytes:
        answer = self._sent(Request(url=url, headers={"Accept": "application/json"}, bytes_max=_BYTES_MAX))
        if answer.status != 200:
            raise self._problem(f"answers {url} with status {answer.status}")
        return answer.body

    def _sent(self, request: Request) -> Answer:
        now_s = self._clock.monotonic_s()
        if self._away is not None and now_s - self._away[0] < _AWAY_S:
            raise self._problem(self._away[1])
        try:
            return self._send(request)
        except UnreachableError as away:
            what = f"{away} ({request.url})"
            if away.reason != "long":
                # What is said of one person may be too long, and the next one's is not.
                self._away = (self._clock.monotonic_s(), what)
            raise self._problem(what) from None

    def _problem(self, what: str) -> ProviderError:
        return ProviderError(
            f"the identity provider {self.issuer} {what}.",
            hint="Look at server.oidc.issuer, and whether this server reaches it.",
        )


def _read_keys(body: bytes, problem: Callable[[str], ProviderError]) -> "list[Key]":
    """Return the keys that signatures can be checked with; those of other kinds are left out."""
    jwk, jose_error = _library()
    try:
        listed = msgspec.json.decode(body, type=dict[str, Any])["keys"]
        found = [jwk.import_key(each) for each in listed if each.get("kty") in ("RSA", "EC", "OKP")]
    except (msgspec.MsgspecError, KeyError, AttributeError, TypeError, ValueError, jose_error) as wrong:
        raise problem(f"has keys that can't be read ({type(wrong).__name__})") from None
    return [key for key in found if key.get("use") in (None, "sig")]


def _chosen(keys: "list[Key]", key_id: str | None) -> "Key | None":
    if key_id is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == key_id), None)


def _library() -> Any:  # noqa: ANN401 (a module of a package that is not always there, and its error)
    try:
        from joserfc import jwk  # noqa: PLC0415 (an extra)
        from joserfc.errors import JoseError  # noqa: PLC0415 (same)
    except ImportError:
        raise MissingToolError(
            "signing in through an identity provider needs a package that is not installed.",
            hint="Install it with: pip install 'babysitter[oidc]'",
        ) from None
    return jwk, JoseError
