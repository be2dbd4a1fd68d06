"""Claims that an identity token lacks: asked for where the provider says, however it may lie."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from babysitter.access.oidc_provider import Provider as AskedProvider
from babysitter.model.errors import CredentialError, ForbiddenError, ProviderError
from babysitter.service.access.entering import begin_oidc
from babysitter.transport.exchange import Answer, Request, exchange
from tests.integration.access.provider import SECRET, Provider, providing
from tests.integration.access.test_oidc import Claims, settings, sign_in
from tests.unit.access.building import ALICE, BOB, EVE, House, build

pytestmark = pytest.mark.promise("G19")
VERIFIED = {"sub": "12345", "email": BOB, "email_verified": True}


def gives(
    said: object, *, status: int = 200, content_type: str = "application/json"
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a userinfo endpoint that says this to who shows the access token."""
    data = said if isinstance(said, bytes) else json.dumps(said).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        shown = request.headers.get("Authorization") == "Bearer access-token-of-this-test"
        request.send_response(status if shown else 401)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return answer


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Give a provider whose identity token names nobody."""
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    with providing(Provider(userinfo=gives(VERIFIED))) as provider:
        yield provider


@pytest.fixture
def house(tmp_path: Path, provider: Provider) -> House:
    house = build(tmp_path, settings=settings(provider))
    provider.clock_s = lambda: house.clock.time_ns / 1e9
    return house


def hashed(token: str, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def is_refused(house: House, provider: Provider) -> bool:
    with pytest.raises(CredentialError) as refused:
        sign_in(house, provider)
    return "does not count" in refused.value.message and house.entrance.sessions.all() == []


def test_a_person_whom_only_the_userinfo_names_is_in(house: House, provider: Provider) -> None:
    assert house.entrance.by_session(sign_in(house, provider)).name == BOB
    assert provider.asked.count("/userinfo") == 1


def test_groups_that_only_the_userinfo_has_give_roles(house: House, provider: Provider) -> None:
    provider.person = {"email": EVE, "email_verified": True}
    provider.userinfo = gives({"sub": "12345", "groups": ["ops team", "everybody"]})

    assert house.entrance.by_session(sign_in(house, provider)).roles == {"shop": frozenset({"operator"})}
    assert house.entrance.sessions.all()[0].membership.groups == ("ops team",)


def test_it_is_not_asked_where_the_token_says_all(house: House, provider: Provider) -> None:
    provider.person = {"email": BOB, "email_verified": True, "groups": []}

    sign_in(house, provider)

    assert "/userinfo" not in provider.asked


def test_what_the_token_says_comes_first(house: House, provider: Provider) -> None:
    """It is signed; what stands beside it fills gaps and changes nothing."""
    provider.person = {"email": EVE, "email_verified": True}
    provider.userinfo = gives(
        {"sub": "12345", "email": ALICE, "email_verified": True, "groups": ["ops team"]}
    )

    assert house.entrance.by_session(sign_in(house, provider)).name == EVE


@pytest.mark.parametrize(
    "person",
    [
        {"email": BOB, "email_verified": False},
        {"email": None, "email_verified": True},
        {"email": "*", "email_verified": True},
    ],
)
def test_a_no_of_the_token_is_not_made_a_yes(house: House, provider: Provider, person: Claims) -> None:
    provider.person = person

    assert is_refused(house, provider)


def test_a_mail_address_and_that_it_is_verified_come_from_one_place(house: House, provider: Provider) -> None:
    provider.person = {"email": ALICE}
    provider.userinfo = gives({"sub": "12345", "email_verified": True})
    assert is_refused(house, provider)

    provider.userinfo = gives(VERIFIED)
    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


@pytest.mark.parametrize(
    "said",
    [
        VERIFIED | {"sub": "67890"},
        VERIFIED | {"sub": 12345},
        VERIFIED | {"sub": ""},
        {name: value for name, value in VERIFIED.items() if name != "sub"},
        {},
        VERIFIED | {"email_verified": False},
        VERIFIED | {"email_verified": "true"},
        {"sub": "12345", "email": BOB},
        VERIFIED | {"email": [BOB]},
    ],
)
def test_what_it_says_of_somebody_else_or_by_half_lets_nobody_in(
    house: House, provider: Provider, said: Claims
) -> None:
    provider.userinfo = gives(said)

    assert is_refused(house, provider)


def drips(request: BaseHTTPRequestHandler) -> None:
    """Say something for ever, and nothing that ends."""
    request.send_response(200)
    request.end_headers()
    request.connection.settimeout(0.05)
    for _ in range(2000):
        request.wfile.write(b" ")
        try:
            if not request.connection.recv(1):
                return
        except TimeoutError:
            continue


def leads_on(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/.well-known/openid-configuration")
    request.send_header("Content-Length", "0")
    request.end_headers()


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        (gives(b"<!doctype html><p>Sign in", content_type="text/html"), "no JSON object"),
        (gives(b"<!doctype html><p>Sign in"), "no JSON object"),
        (gives(json.dumps(VERIFIED).encode(), content_type="text/plain"), "no JSON object"),
        (gives([VERIFIED]), "no JSON object"),
        (gives(b"{" * 100_000), "no JSON object"),
        (gives(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "no JSON object"),
        (gives(b'{"sub":"\xff"}'), "no JSON object"),
        (gives(b"eyJhbGciOiJub25lIn0.e30.", content_type="application/jwt"), "not supported"),
        (gives(VERIFIED, status=401), "status 401"),
        (gives(VERIFIED, status=500), "status 500"),
        (gives(VERIFIED | {"more": "x" * 1_100_000}), "more than 1048576 bytes"),
        (leads_on, "status 302"),
    ],
)
def test_what_is_no_answer_is_told_as_the_provider_s_fault(
    house: House, provider: Provider, endpoint: Callable[[BaseHTTPRequestHandler], None], told: str
) -> None:
    provider.userinfo = endpoint

    with pytest.raises(ProviderError, match=told) as caught:
        sign_in(house, provider)
    assert "access-token" not in f"{caught.value.message} {caught.value.hint}"
    assert house.entrance.sessions.all() == []


def test_an_answer_about_one_person_that_is_too_long_keeps_nobody_else_out(
    house: House, provider: Provider
) -> None:
    provider.userinfo = gives(VERIFIED | {"more": "x" * 1_100_000})
    with pytest.raises(ProviderError):
        sign_in(house, provider)
    provider.userinfo = gives(VERIFIED)

    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


def test_one_that_drips_is_left_in_time(house: House, provider: Provider) -> None:
    """With the patience of a test, and not that of a server."""
    provider.userinfo = drips
    oidc = house.entrance.oidc()
    assert oidc is not None
    oidc.provider._send = lambda request: exchange(replace(request, timeout_s=0.5))

    with pytest.raises(ProviderError, match="timed out"):
        sign_in(house, provider)


@pytest.mark.parametrize(
    ("token", "kind"), [("", "Bearer"), ("a b", "Bearer"), ("a\nb", "Bearer"), ("x", "mac")]
)
def test_without_an_access_token_nothing_is_asked(
    house: House, provider: Provider, token: str, kind: str
) -> None:
    provider.access_token, provider.token_type = token, kind

    with pytest.raises(ProviderError, match="no access token"):
        sign_in(house, provider)
    assert "/userinfo" not in provider.asked


@pytest.mark.parametrize(
    ("at_hash", "lets_in"),
    [
        (hashed("access-token-of-this-test"), True),
        (hashed("access-token-of-somebody"), False),
        (hashed("access-token-of-this-test", "sha512"), False),
        ("", False),
        (7, False),
        ("é", False),
    ],
)
def test_an_access_token_that_is_not_the_identity_token_s_is_not_used(
    house: House, provider: Provider, at_hash: Any, lets_in: bool
) -> None:
    provider.claims = lambda claims: claims | {"at_hash": at_hash}

    if lets_in:
        assert sign_in(house, provider)
    else:
        assert is_refused(house, provider)
        assert "/userinfo" not in provider.asked


def test_a_provider_without_the_endpoint_names_nobody_so(house: House, provider: Provider) -> None:
    provider.userinfo = None
    assert is_refused(house, provider)

    provider.person = {"email": EVE, "email_verified": True}
    with pytest.raises(ForbiddenError):
        sign_in(house, provider)


@pytest.mark.parametrize("url", ["http://elsewhere.example/userinfo", "file:///etc/passwd", "https://a:b@c/"])
def test_an_endpoint_that_may_not_be_asked_is_no_endpoint(house: House, provider: Provider, url: str) -> None:
    provider.described = {"userinfo_endpoint": url}

    with pytest.raises(ProviderError, match="names"):
        begin_oidc(house.entrance)


def test_a_provider_elsewhere_names_no_endpoint_on_this_machine(house: House) -> None:
    described = {
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/a",
        "token_endpoint": "https://id.example.com/t",
        "jwks_uri": "https://id.example.com/k",
        "userinfo_endpoint": "http://127.0.0.1:22/",
    }

    def send(_: Request) -> Answer:
        return Answer(status=200, content_type="application/json", body=json.dumps(described).encode())

    with pytest.raises(ProviderError, match="not protected by TLS"):
        AskedProvider("https://id.example.com", house.clock, send).description()
