"""What a provider says of a person beside the identity token: its userinfo, asked where the token is silent.

The token is signed and comes first: only what it does not say is taken from here, and only where both
speak of the same subject. The access token that opens the endpoint is held against the identity token
(``at_hash``) where that says so, is used for this one request, and is kept nowhere.

Source: OpenID Connect Core 1.0, sections 3.1.3.6 and 5.3.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from babysitter.access.credentials import not_let_in
from babysitter.access.oidc_provider import Provider
from babysitter.access.storage import base64url
from babysitter.model.errors import ProviderError

_TOKEN_CHARS_MAX = 16 * 1024
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_OTHERWISE = "Have the provider put these claims into the identity token."


class Granted(Struct, frozen=True, kw_only=True):
    """What a provider gives for a code."""

    id_token: str
    access_token: str = ""
    token_type: str = ""


def ask(
    provider: Provider, url: str, granted: Granted, claims: Mapping[str, Any], alg: str
) -> dict[str, Any]:
    """Return what the provider says of the person whom the identity token names.

    Args:
        provider: who gave both tokens.
        url: of its userinfo endpoint.
        granted: the access token with its kind.
        claims: of the identity token, which was verified.
        alg: how that is signed, which says how ``at_hash`` is made.

    Raises:
        CredentialError: the access token is not the identity token's, or it speaks of somebody else.
        ProviderError: the provider is away, or what it says can't be read.
    """
    token = granted.access_token
    is_plain = token.isascii() and token.isprintable() and " " not in token and len(token) <= _TOKEN_CHARS_MAX
    if not token or not is_plain or granted.token_type.lower() != "bearer":
        raise _problem(provider, "gives no access token for its userinfo", _OTHERWISE)
    _check_hash(claims, token, alg)
    answer = provider.get(url, {"Authorization": f"Bearer {token}", "Accept": "application/json"})
    if answer.status != 200:
        raise _problem(provider, f"answers its userinfo with status {answer.status}", _OTHERWISE)
    if answer.content_type == "application/jwt":
        raise _problem(
            provider,
            "signs its userinfo, which is not supported",
            f"Register the client there without userinfo_signed_response_alg. Or: {_OTHERWISE.lower()}",
        )
    try:
        if answer.content_type != "application/json":
            raise ValueError
        found: dict[str, Any] = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (ValueError, RecursionError):
        raise _problem(provider, "gives userinfo that is no JSON object", _OTHERWISE) from None
    if found.get("sub") != claims["sub"]:
        # Section 5.3.2: otherwise somebody else's access token would say who this is.
        raise not_let_in()
    return found


def _check_hash(claims: Mapping[str, Any], token: str, alg: str) -> None:
    told = claims.get("at_hash")
    if told is None:
        return
    digest = _HASHES.get(alg[-3:], hashlib.sha512)(token.encode()).digest()
    expected = base64url(digest[: len(digest) // 2])
    if not isinstance(told, str) or not hmac.compare_digest(
        told.encode("utf-8", "replace"), expected.encode()
    ):
        raise not_let_in()


def _problem(provider: Provider, what: str, hint: str) -> ProviderError:
    return ProviderError(f"the identity provider {provider.issuer} {what}.", hint=hint)
