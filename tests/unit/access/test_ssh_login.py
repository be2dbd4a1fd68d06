"""Signing in with an SSH key: one signature, one token, at this server, as the person whose key it is."""

from collections.abc import Callable

import pytest

from babysitter.access.ssh_login import LOGIN_NAMESPACE, LOGIN_S, LOGINS_MAX, Challenge
from babysitter.access.storage import TICKET_S
from babysitter.model.errors import CredentialError, ForbiddenError
from babysitter.service.access.entering import end_login
from tests.unit.access.building import ALICE, BOB, EVE, SETTINGS, URL, House
from tests.unit.signing.software_keys import SoftwareKey, ed25519_key

pytestmark = pytest.mark.promise("G19")


@pytest.fixture
def key(house: House) -> SoftwareKey:
    return key_of(house, BOB)


def key_of(house: House, person: str, namespaces: str = "babysitter-*") -> SoftwareKey:
    made = ed25519_key()
    path = house.workspace.root / "allowed_signers"
    before = path.read_text() if path.is_file() else ""
    path.write_text(f'{before}{person} namespaces="{namespaces}" {made.line}\n')
    return made


def signed(key: SoftwareKey, challenge: Challenge, namespace: str = LOGIN_NAMESPACE) -> str:
    return key.signature(challenge.text.encode(), namespace=namespace)


def log_in(house: House, key: SoftwareKey, person: str = BOB) -> str:
    challenge = house.entrance.ssh.begin(person)
    return house.entrance.login_with_ssh(challenge.id, person, signed(key, challenge))[1]


def is_refused(call: Callable[[], object]) -> bool:
    with pytest.raises(CredentialError) as refused:
        call()
    return refused.value.facts == {} and "does not count" in refused.value.message


def test_a_signature_lets_its_person_in_for_half_a_day(house: House, key: SoftwareKey) -> None:
    token = log_in(house, key)

    caller = house.entrance.by_token(token)
    assert (caller.name, caller.is_person, caller.method) == (BOB, True, "ssh")
    assert caller.may("breakpoint.answer", "shop")
    house.clock.advance(LOGIN_S)
    with pytest.raises(CredentialError):
        house.entrance.by_token(token)


def test_what_is_signed_names_server_person_and_time(house: House) -> None:
    text = house.entrance.ssh.begin(BOB).text

    assert text.split("\n")[:3] == ["babysitter-login/v1", URL, BOB]
    assert text.endswith("Z\n")


def test_a_challenge_counts_once_and_for_five_minutes(house: House, key: SoftwareKey) -> None:
    first, late = house.entrance.ssh.begin(BOB), house.entrance.ssh.begin(BOB)
    house.entrance.login_with_ssh(first.id, BOB, signed(key, first))

    assert is_refused(lambda: house.entrance.login_with_ssh(first.id, BOB, signed(key, first)))
    house.clock.advance(TICKET_S)
    assert is_refused(lambda: house.entrance.login_with_ssh(late.id, BOB, signed(key, late)))


def test_a_signature_for_another_server_is_worth_nothing_here(house: House, key: SoftwareKey) -> None:
    """Also where the other server hands on our very challenge under its own name."""
    challenge = house.entrance.ssh.begin(BOB)
    elsewhere = Challenge(id=challenge.id, text=challenge.text.replace(URL, "https://evil.example"))

    assert is_refused(lambda: house.entrance.login_with_ssh(challenge.id, BOB, signed(key, elsewhere)))


def test_a_challenge_of_one_person_lets_in_no_other(house: House, key: SoftwareKey) -> None:
    alice, challenge = key_of(house, ALICE), house.entrance.ssh.begin(BOB)

    for person, made in ((ALICE, alice), (BOB, alice), (ALICE, key)):
        assert is_refused(
            lambda p=person, k=made: house.entrance.login_with_ssh(challenge.id, p, signed(k, challenge))  # type: ignore[misc]
        )


@pytest.mark.parametrize("namespace", ["babysitter-approval", "file", "babysitter-sign-in"])
def test_a_signature_made_for_something_else_lets_nobody_in(
    house: House, key: SoftwareKey, namespace: str
) -> None:
    challenge = house.entrance.ssh.begin(BOB)

    signature = signed(key, challenge, namespace)

    assert is_refused(lambda: house.entrance.login_with_ssh(challenge.id, BOB, signature))


def test_a_key_that_may_only_approve_lets_nobody_in(house: House) -> None:
    key = key_of(house, BOB, "babysitter-approval")

    assert is_refused(lambda: log_in(house, key))


def test_whoever_asks_learns_nothing_about_who_is_here(house: House, key: SoftwareKey) -> None:
    known, unknown = house.entrance.ssh.begin(BOB), house.entrance.ssh.begin(EVE)

    assert known.text.count("\n") == unknown.text.count("\n")
    assert is_refused(lambda: house.entrance.login_with_ssh(unknown.id, EVE, signed(key, unknown)))
    assert is_refused(lambda: house.entrance.login_with_ssh(known.id, BOB, "no signature"))


@pytest.mark.parametrize("person", ["", "a\nb", "x" * 300, "a\0b"])
def test_nobody_is_called_so(house: House, person: str) -> None:
    assert is_refused(lambda: house.entrance.ssh.begin(person))


def test_a_revoked_key_lets_nobody_in_and_its_tokens_count_no_more(house: House, key: SoftwareKey) -> None:
    token = log_in(house, key)
    (house.workspace.root / "revoked_keys").write_text(key.line + "\n")

    with pytest.raises(CredentialError):
        house.entrance.by_token(token)
    assert is_refused(lambda: log_in(house, key))


def test_an_unusable_list_of_revoked_keys_lets_nobody_in(house: House, key: SoftwareKey) -> None:
    (house.workspace.root / "revoked_keys").write_text("what is this\n")

    assert is_refused(lambda: log_in(house, key))


def test_who_holds_no_role_gets_no_token(house: House, key: SoftwareKey) -> None:
    house.write_settings(SETTINGS.replace('approvers = ["release"]', ""))

    with pytest.raises(ForbiddenError):
        log_in(house, key)
    assert house.entrance.tokens.all() == []


def test_signing_out_everywhere_ends_logins_and_leaves_tokens_that_were_made(
    house: House, key: SoftwareKey
) -> None:
    login, made = log_in(house, key), house.token(kind="human", person=BOB)

    assert house.entrance.sign_out_everywhere(BOB) == 1

    with pytest.raises(CredentialError):
        house.entrance.by_token(login)
    house.entrance.by_token(made)


def test_whoever_signs_in_again_and_again_keeps_the_newest_few(house: House, key: SoftwareKey) -> None:
    tokens = []
    for _ in range(LOGINS_MAX + 2):
        tokens.append(log_in(house, key))
        house.clock.advance(1)

    assert len(house.entrance.tokens.all()) == LOGINS_MAX
    with pytest.raises(CredentialError):
        house.entrance.by_token(tokens[1])
    house.entrance.by_token(tokens[2])


def test_whoever_holds_a_token_can_end_it(house: House, key: SoftwareKey) -> None:
    token = log_in(house, key)

    end_login(house.entrance, token)

    with pytest.raises(CredentialError):
        house.entrance.by_token(token)
