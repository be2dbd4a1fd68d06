"""Signing in through a provider that answers over HTTP: what lets in, and every way in which it must not."""

import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from babysitter.access.oidc_provider import Provider as AskedProvider
from babysitter.access.storage import base64url
from babysitter.model.errors import (
    BabysitterError,
    CredentialError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    SecretError,
)
from babysitter.service.access.entering import begin_oidc, finish_oidc
from babysitter.transport.exchange import Answer, Request
from babysitter.transport.unreachable import UnreachableError
from tests.integration.access.provider import CLIENT, SECRET, Provider, providing, rsa_key
from tests.unit.access.building import ALICE, BOB, EVE, SETTINGS, URL, House, build

pytestmark = pytest.mark.promise("G19")
Claims = dict[str, Any]


def settings(provider: Provider, **more: str) -> str:
    table = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": "env:OIDC_SECRET" if provider.secret else "",
        **more,
    }
    lines = "\n".join(f'{name} = "{value}"' for name, value in table.items())
    return f'{SETTINGS}\n[server.oidc]\n{lines}\n[server.oidc.groups]\n"ops team" = ["operators"]\n'


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    with providing(Provider(person={"email": BOB, "email_verified": True})) as provider:
        yield provider


@pytest.fixture
def house(tmp_path: Path, provider: Provider) -> House:
    house = build(tmp_path, settings=settings(provider))
    provider.clock_s = lambda: house.clock.time_ns / 1e9
    return house


def sign_in(house: House, provider: Provider, **more: Any) -> str:
    sent = begin_oidc(house.entrance)
    parameters = {**provider.visit(sent.url), **more}
    return finish_oidc(house.entrance, parameters=parameters, cookie=sent.cookie).cookie


def is_refused(call: Callable[[], object]) -> bool:
    with pytest.raises(CredentialError) as refused:
        call()
    return refused.value.facts == {} and "does not count" in refused.value.message


def test_a_person_whom_the_provider_names_is_in(house: House, provider: Provider) -> None:
    caller = house.entrance.by_session(sign_in(house, provider))

    assert (caller.name, caller.is_person, caller.method) == (BOB, True, "oidc")
    assert caller.roles == {"shop": frozenset({"approver"})}


def test_groups_give_roles_and_only_those_that_the_settings_know_are_kept(
    house: House, provider: Provider
) -> None:
    provider.person |= {"email": EVE, "groups": ["ops team", "everybody", 7]}

    cookie = sign_in(house, provider)

    assert house.entrance.by_session(cookie).roles == {"shop": frozenset({"operator"})}
    assert house.entrance.sessions.all()[0].membership.groups == ("ops team",)
    house.write_settings(settings(provider).replace("operators", "viewers"))
    assert house.entrance.by_session(cookie).roles == {"shop": frozenset({"viewer"})}


def test_a_public_client_needs_no_secret(tmp_path: Path, provider: Provider) -> None:
    provider.secret = ""
    house = build(tmp_path, settings=settings(provider))
    provider.clock_s = lambda: house.clock.time_ns / 1e9

    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


def test_elliptic_keys_do_as_well(house: House, provider: Provider) -> None:
    provider.keys = [ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)]

    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


def forged(alg: str, key: Any, **header: str) -> Callable[[Provider, Claims], str]:
    return lambda provider, claims: jwt.encode(
        {"alg": alg, "kid": provider.keys[0].kid, **header}, claims, key, algorithms=[alg]
    )


def unsigned(provider: Provider, claims: Claims) -> str:
    """Return what RFC 7519 calls an unsecured token."""
    return f"{body('none', provider, claims)}."


def with_the_public_key_as_secret(provider: Provider, claims: Claims) -> str:
    """Return a token whose shared secret everybody has: the provider's public key."""
    key = provider.keys[0]
    assert isinstance(key, RSAKey)
    text = body("HS256", provider, claims)
    seal = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64url(seal)}"


def body(alg: str, provider: Provider, claims: Claims) -> str:
    parts = ({"alg": alg, "kid": provider.keys[0].kid}, claims)
    return ".".join(base64url(json.dumps(part).encode()) for part in parts)


def dotted(parts: list[bytes]) -> str:
    return ".".join(map(base64url, parts))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Provider]]:
    """Return one house and one provider for all examples of a property."""
    with providing(Provider(secret="", person={"email": BOB, "email_verified": True})) as provider:
        house = build(tmp_path_factory.mktemp("house"), settings=settings(provider))
        provider.clock_s = lambda: house.clock.time_ns / 1e9
        yield house, provider


LIES: dict[str, Callable[[Claims], Claims]] = {
    "another nonce": lambda claims: claims | {"nonce": "another"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "another audience": lambda claims: claims | {"aud": "somebody else"},
    "no audience": lambda claims: {name: value for name, value in claims.items() if name != "aud"},
    "an audience of several and no azp": lambda claims: claims | {"aud": [CLIENT, "other"]},
    "for us, asked by another": lambda claims: claims | {"aud": [CLIENT, "other"], "azp": "other"},
    "another issuer": lambda claims: claims | {"iss": "http://127.0.0.1:1"},
    "an issuer with a slash more": lambda claims: claims | {"iss": claims["iss"] + "/"},
    "expired": lambda claims: claims | {"exp": claims["iat"] - 60},
    "no end": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "an end that is no number": lambda claims: claims | {"exp": "never"},
    "an end that is true": lambda claims: claims | {"exp": True},
    "issued long ago": lambda claims: claims | {"iat": claims["iat"] - 601},
    "issued tomorrow": lambda claims: claims | {"iat": claims["iat"] + 86400},
    "not yet valid": lambda claims: claims | {"nbf": claims["iat"] + 3600},
    "no subject": lambda claims: {name: value for name, value in claims.items() if name != "sub"},
    "a mail address that nobody verified": lambda claims: claims | {"email_verified": False},
    "nothing about the mail address": lambda claims: {
        name: value for name, value in claims.items() if name != "email_verified"
    },
    "a word for verified": lambda claims: claims | {"email_verified": "true"},
    "no person": lambda claims: claims | {"email": None},
    "a person that is a pattern": lambda claims: claims | {"email": "*"},
    "two people": lambda claims: claims | {"email": f"{ALICE},{BOB}"},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_identity_that_is_not_right_in_every_point_lets_nobody_in(
    house: House, provider: Provider, lie: str
) -> None:
    provider.claims = LIES[lie]

    assert is_refused(lambda: sign_in(house, provider))
    assert house.entrance.sessions.all() == []


def test_an_audience_of_several_is_right_when_we_asked(house: House, provider: Provider) -> None:
    provider.claims = lambda claims: claims | {"aud": [CLIENT, "other"], "azp": CLIENT}

    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        with_the_public_key_as_secret,
        forged("RS256", rsa_key("a stranger")),
        forged("RS256", rsa_key("a stranger"), kid="unknown"),
        lambda _, __: "no token",
        lambda _, __: "a.b.c",
        lambda _, __: "",
    ],
)
def test_an_identity_that_the_provider_s_key_did_not_sign_lets_nobody_in(
    house: House, provider: Provider, sign: Callable[[Provider, Claims], str]
) -> None:
    provider.sign = sign

    assert is_refused(lambda: sign_in(house, provider))


def test_a_provider_may_change_its_keys(house: House, provider: Provider) -> None:
    sign_in(house, provider)
    fresh = rsa_key("the second")
    provider.keys = [fresh, *provider.keys]
    house.clock.advance(61)

    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


def test_keys_and_description_are_fetched_once_and_unknown_keys_at_most_once_a_minute(
    house: House, provider: Provider
) -> None:
    sign_in(house, provider)
    sign_in(house, provider)
    provider.sign = forged("RS256", rsa_key("a stranger"), kid="unknown")
    for _ in range(5):
        assert is_refused(lambda: sign_in(house, provider))

    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    house.clock.advance(61)
    assert is_refused(lambda: sign_in(house, provider))
    assert provider.asked.count("/keys") == 2


@pytest.mark.parametrize(
    "more", [{"state": "another"}, {"state": ""}, {"code": ""}, {"error": "access_denied"}]
)
def test_coming_back_with_something_else_lets_nobody_in(
    house: House, provider: Provider, more: dict[str, str]
) -> None:
    assert is_refused(lambda: sign_in(house, provider, **more))


def test_a_browser_that_we_did_not_send_is_not_let_in(house: House, provider: Provider) -> None:
    """Somebody's own code in another's browser signs that browser in as nobody."""
    mine, theirs = begin_oidc(house.entrance), begin_oidc(house.entrance)
    back = provider.visit(mine.url)

    for cookie in ("", theirs.cookie, house.entrance.ceremonies.begin_sign_in().cookie):
        assert is_refused(
            lambda c=cookie: finish_oidc(house.entrance, parameters=back, cookie=c)  # type: ignore[misc]
        )


def test_coming_back_counts_once_and_for_ten_minutes(house: House, provider: Provider) -> None:
    sent, late = begin_oidc(house.entrance), begin_oidc(house.entrance)
    finish_oidc(house.entrance, parameters=provider.visit(sent.url), cookie=sent.cookie)

    again = provider.visit(sent.url)
    assert is_refused(lambda: finish_oidc(house.entrance, parameters=again, cookie=sent.cookie))
    house.clock.advance(600)
    back = provider.visit(late.url)
    assert is_refused(lambda: finish_oidc(house.entrance, parameters=back, cookie=late.cookie))


def test_a_code_that_another_request_got_is_worth_nothing(house: House, provider: Provider) -> None:
    """The PKCE verifier is of the browser's own ticket, so a stolen code fits no other."""
    mine, theirs = begin_oidc(house.entrance), begin_oidc(house.entrance)
    stolen = provider.visit(theirs.url)["code"]
    state = provider.visit(mine.url)["state"]

    assert is_refused(
        lambda: finish_oidc(house.entrance, parameters={"code": stolen, "state": state}, cookie=mine.cookie)
    )


@pytest.mark.parametrize("says_so", [True, False])
def test_an_answer_of_another_provider_is_not_taken_for_ours(
    house: House, provider: Provider, says_so: bool
) -> None:
    provider.described = {"authorization_response_iss_parameter_supported": says_so}

    assert is_refused(lambda: sign_in(house, provider, iss="https://evil.example"))
    assert sign_in(house, provider, iss=provider.issuer)
    if says_so:
        assert is_refused(lambda: sign_in(house, provider))


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"token_endpoint": None},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_believed(
    house: House, provider: Provider, described: dict[str, Any]
) -> None:
    provider.described = described

    with pytest.raises(ProviderError) as refused:
        begin_oidc(house.entrance)
    assert refused.value.code == "refused.provider"


def test_a_provider_that_is_away_is_told_as_such(house: House, provider: Provider) -> None:
    house.write_settings(settings(provider).replace(provider.issuer, "http://127.0.0.1:9"))

    with pytest.raises(ProviderError, match="can't be reached"):
        begin_oidc(house.entrance)


def test_a_wrong_client_secret_lets_nobody_in_and_a_missing_one_is_told(
    house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_SECRET", "wrong" * 8)
    assert is_refused(lambda: sign_in(house, provider))
    monkeypatch.delenv("OIDC_SECRET")
    with pytest.raises(SecretError, match="OIDC_SECRET"):
        sign_in(house, provider)


def test_a_provider_that_is_away_is_not_asked_by_everybody_in_turn(house: House, provider: Provider) -> None:
    calls: list[str] = []

    def send(request: Request) -> Answer:
        calls.append(request.url)
        raise UnreachableError("away", "can't be reached")

    away = AskedProvider(provider.issuer, house.clock, send)
    for _ in range(3):
        with pytest.raises(ProviderError, match="can't be reached"):
            away.description()
    house.clock.advance(5)
    with pytest.raises(ProviderError):
        away.description()

    assert len(calls) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:22/token", "http://localhost/"])
def test_a_provider_elsewhere_names_nothing_on_this_machine(house: House, url: str) -> None:
    described = {
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/a",
        "token_endpoint": url,
        "jwks_uri": "https://id.example.com/k",
    }

    def send(_: Request) -> Answer:
        return Answer(status=200, content_type="application/json", body=json.dumps(described).encode())

    with pytest.raises(ProviderError, match="not protected by TLS"):
        AskedProvider("https://id.example.com", house.clock, send).description()


def test_a_provider_that_the_settings_name_no_more_vouches_for_nobody(
    house: House, provider: Provider
) -> None:
    cookie = sign_in(house, provider)
    house.write_settings(SETTINGS)

    with pytest.raises(CredentialError):
        house.entrance.by_session(cookie)


@given(token=st.text(max_size=60) | st.lists(st.binary(max_size=30), min_size=1, max_size=4).map(dotted))
def test_whatever_a_provider_gives_as_identity_nothing_but_a_refusal_comes_of_it(
    shared: tuple[House, Provider], token: str
) -> None:
    house, provider = shared
    provider.sign = lambda _, __: token

    with pytest.raises((CredentialError, ProviderError)):
        sign_in(house, provider)


@pytest.mark.parametrize("text", ["\ud800", "é", "\0", "x" * 10_000])
def test_whatever_a_browser_brings_back_nothing_but_a_refusal_comes_of_it(
    house: House, provider: Provider, text: str
) -> None:
    for name in ("state", "code", "iss"):
        assert is_refused(lambda n=name: sign_in(house, provider, **{n: text}))  # type: ignore[misc]


def test_who_holds_no_role_is_told_so_and_gets_no_session(house: House, provider: Provider) -> None:
    provider.person |= {"email": EVE}

    with pytest.raises(ForbiddenError):
        sign_in(house, provider)
    assert house.entrance.sessions.all() == []


def test_a_claim_that_the_provider_alone_assigns_needs_no_mail(tmp_path: Path, provider: Provider) -> None:
    house = build(tmp_path, settings=settings(provider, person_claim="login"))
    provider.clock_s = lambda: house.clock.time_ns / 1e9
    provider.person = {"login": BOB}

    assert house.entrance.by_session(sign_in(house, provider)).name == BOB


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/runs/r1?tab=events", "/runs/r1?tab=events"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_to_a_page_of_ours(
    house: House, provider: Provider, wanted: str, led_to: str
) -> None:
    sent = begin_oidc(house.entrance, wanted)

    signed_in = finish_oidc(house.entrance, parameters=provider.visit(sent.url), cookie=sent.cookie)

    assert signed_in.then == led_to


def test_the_provider_is_told_our_address_and_no_secret_of_ours(house: House) -> None:
    sent = begin_oidc(house.entrance)

    assert f"redirect_uri={URL.replace(':', '%3A').replace('/', '%2F')}%2Flogin%2Foidc" in sent.url
    assert SECRET not in sent.url
    assert sent.cookie not in sent.url


def test_without_a_provider_in_the_settings_there_is_none(tmp_path: Path) -> None:
    house = build(tmp_path)

    with pytest.raises(NotFoundError):
        begin_oidc(house.entrance)
    with pytest.raises(BabysitterError):
        finish_oidc(house.entrance, parameters={}, cookie="")
