"""Joining and signing in with a passkey: once, in the browser that asked, on our page, by a key in force."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.access.passkey_ceremonies import SIGN_IN_NAMESPACE, Begun
from babysitter.access.passkeys import INVITATION_S, PASSKEYS_MAX
from babysitter.access.storage import TICKET_S, base64url, from_base64url
from babysitter.model.errors import CredentialError, ForbiddenError, RefusedError
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.signing.passkeys import challenge_of
from tests.unit.access.building import ALICE, BOB, EVE, SETTINGS, URL, Device, House, build
from tests.unit.signing.software_authenticator import HOST, TOUCHED, Authenticator, client_data

pytestmark = pytest.mark.promise("G19")


@pytest.fixture
def device(house: House) -> Device:
    return house.passkey_of(BOB)


def sign_in(house: House, answer: object, cookie: str) -> str:
    return house.entrance.sign_in_with_passkey(answer, cookie).cookie


def is_refused(call: Callable[[], object]) -> bool:
    with pytest.raises(CredentialError) as refused:
        call()
    return refused.value.facts == {} and "does not count" in refused.value.message


def test_who_joined_signs_in(house: House, device: Device) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()

    cookie = sign_in(house, device.answer(begun), begun.cookie)

    assert house.entrance.by_session(cookie).name == BOB
    assert house.entrance.passkeys.all()[0].used_ns == house.clock.now_ns()


def test_the_options_ask_for_a_known_user_of_this_host_and_name_nobody(house: House, device: Device) -> None:
    options = house.entrance.ceremonies.begin_sign_in().options

    assert options["rpId"] == HOST
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []
    assert BOB not in str(options)


def test_a_device_that_joins_keeps_the_passkey_itself_and_gets_no_second_one(
    house: House, device: Device
) -> None:
    _, code = house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)

    options = house.entrance.ceremonies.begin_joining(code).options

    assert options["authenticatorSelection"] == {"residentKey": "required", "userVerification": "required"}
    assert [each["id"] for each in options["excludeCredentials"]] == [base64url(b"one")]
    assert BOB.encode() not in from_base64url(options["user"]["id"])


def test_an_answer_counts_once(house: House, device: Device) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()
    answer = device.answer(begun)
    sign_in(house, answer, begun.cookie)

    assert is_refused(lambda: sign_in(house, answer, begun.cookie))
    assert is_refused(lambda: sign_in(house.again(), answer, begun.cookie))


def test_an_answer_counts_only_with_the_cookie_of_the_browser_that_asked(
    house: House, device: Device
) -> None:
    """Somebody who lays an answer of their own into another's browser signs nobody in."""
    ours, theirs = (house.entrance.ceremonies.begin_sign_in() for _ in range(2))
    _, code = house.entrance.passkeys.invite(EVE, by=ALICE, may_sign=False)
    joining = house.entrance.ceremonies.begin_joining(code)

    for cookie in ("", theirs.cookie, joining.cookie, ours.cookie + "x", "x" * 9999):
        assert is_refused(lambda cookie=cookie: sign_in(house, device.answer(ours), cookie))  # type: ignore[misc]


def test_an_answer_counts_for_five_minutes(house: House, device: Device) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()
    house.clock.advance(TICKET_S)

    assert is_refused(lambda: sign_in(house, device.answer(begun), begun.cookie))


@pytest.mark.parametrize("origin", ["http://babysitter.example.com", f"{URL}:8443", "https://evil.example"])
def test_an_answer_from_another_page_is_refused(house: House, device: Device, origin: str) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()

    assert is_refused(lambda: sign_in(house, device.answer(begun, origin=origin), begun.cookie))


def test_an_answer_of_another_device_under_this_one_s_name_is_refused(house: House, device: Device) -> None:
    other = Device(authenticator=Authenticator(), credential=device.credential)
    begun = house.entrance.ceremonies.begin_sign_in()

    assert is_refused(lambda: sign_in(house, other.answer(begun), begun.cookie))


def test_an_answer_without_a_pin_or_fingerprint_is_refused(house: House, device: Device) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()
    challenge = from_base64url(begun.options["challenge"])
    made = device.authenticator.answer(
        client_data("webauthn.get", challenge), device.authenticator.data(TOUCHED)
    )
    answer = device.answer(
        begun,
        authenticatorData=base64url(made.authenticator_data),
        signature=base64url(made.signature_der),
    )

    assert is_refused(lambda: sign_in(house, answer, begun.cookie))


def test_an_approval_signs_nobody_in_and_a_sign_in_approves_nothing(house: House, device: Device) -> None:
    """The two are one kind of signature, in namespaces of their own."""
    begun = house.entrance.ceremonies.begin_sign_in()
    asked = from_base64url(begun.options["challenge"])
    approval = challenge_of(b"{}", APPROVAL_NAMESPACE)
    as_approval = Begun(options={"challenge": base64url(approval)}, cookie="")

    assert is_refused(lambda: sign_in(house, device.answer(as_approval), begun.cookie))
    assert SIGN_IN_NAMESPACE.encode() in asked
    assert APPROVAL_NAMESPACE.encode() not in asked


def test_a_user_handle_of_somebody_else_is_refused(house: House, device: Device) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()

    assert is_refused(lambda: sign_in(house, device.answer(begun, userHandle="AAAA"), begun.cookie))


@given(
    answer=st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["rawId", "response", "signature", "clientDataJSON", "id"]), inner
            )
        ),
    )
)
def test_whatever_a_browser_says_nothing_but_a_refusal_comes_of_it(shared: House, answer: Any) -> None:
    begun = shared.entrance.ceremonies.begin_sign_in()

    assert is_refused(lambda: sign_in(shared, answer, begun.cookie))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build(tmp_path_factory.mktemp("house"))


def test_a_revoked_key_lets_nobody_in_and_ends_what_it_opened(house: House, device: Device) -> None:
    cookie = house.cookie_of(device)
    line = house.entrance.passkeys.all()[0].public_key
    (house.workspace.root / "revoked_keys").write_text(line + "\n")

    with pytest.raises(CredentialError):
        house.entrance.by_session(cookie)
    with pytest.raises(CredentialError):
        house.cookie_of(device)
    assert base64.b64decode(line.split()[1])


def test_a_person_who_was_removed_is_out_at_once(house: House, device: Device) -> None:
    cookie, token = house.cookie_of(device), house.token(kind="human", person=BOB)
    begun = house.entrance.ceremonies.begin_sign_in()
    answer = device.answer(begun)

    house.again().entrance.passkeys.remove(BOB, by=ALICE)

    with pytest.raises(CredentialError):
        house.entrance.by_session(cookie)
    with pytest.raises(CredentialError):
        house.entrance.by_token(token)
    assert is_refused(lambda: sign_in(house, answer, begun.cookie))


def test_a_passkey_that_is_removed_between_its_answer_and_the_session_lets_nobody_in(
    house: House, device: Device
) -> None:
    begun = house.entrance.ceremonies.begin_sign_in()
    passkey, _ = house.entrance.ceremonies.checked_sign_in(device.answer(begun), begun.cookie)
    house.entrance.passkeys.remove(BOB, by=ALICE)

    with pytest.raises(CredentialError), house.entrance.storage.database.writing() as connection:
        house.entrance.passkeys.note_use(connection, passkey)


def test_who_holds_no_role_anywhere_gets_no_session(house: House) -> None:
    device = house.passkey_of(EVE)

    with pytest.raises(ForbiddenError, match="no role"):
        house.cookie_of(device)
    assert house.entrance.sessions.all() == []


def test_an_invitation_adds_one_passkey(house: House) -> None:
    _, code = house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)
    ceremonies = house.entrance.ceremonies
    begun, again = ceremonies.begin_joining(code), ceremonies.begin_joining(code)
    first, second = (Device(authenticator=Authenticator(), credential=name) for name in (b"1", b"2"))
    ceremonies.finish_joining(code, first.join(begun), begun.cookie)

    assert is_refused(lambda: ceremonies.finish_joining(code, second.join(again), again.cookie))
    assert is_refused(lambda: ceremonies.begin_joining(code))
    assert [each.credential for each in house.entrance.passkeys.all()] == [b"1"]


def test_an_invitation_runs_out_and_is_replaced_by_the_next_one(house: House) -> None:
    passkeys, ceremonies = house.entrance.passkeys, house.entrance.ceremonies
    _, first = passkeys.invite(BOB, by=ALICE, may_sign=False)
    _, second = passkeys.invite(BOB, by=ALICE, may_sign=False)

    assert is_refused(lambda: ceremonies.begin_joining(first))
    house.clock.time_ns += INVITATION_S * 1_000_000_000 - 1
    ceremonies.begin_joining(second)
    house.clock.time_ns += 1
    assert is_refused(lambda: ceremonies.begin_joining(second))


def test_joining_is_bound_to_invitation_browser_page_and_answer(house: House) -> None:
    ceremonies, passkeys = house.entrance.ceremonies, house.entrance.passkeys
    (_, code), (_, other) = (passkeys.invite(name, by=ALICE, may_sign=False) for name in (BOB, EVE))
    begun, of_eve = ceremonies.begin_joining(code), ceremonies.begin_joining(other)
    device = Device(authenticator=Authenticator(), credential=b"1")
    good = device.join(begun)

    for used, answer, cookie in (
        (code, good, of_eve.cookie),
        (other, good, begun.cookie),
        (code, device.join(of_eve), begun.cookie),
        (code, device.join(begun, origin="https://evil.example"), begun.cookie),
        (code, {}, begun.cookie),
        (code, good, ""),
    ):
        assert is_refused(lambda u=used, a=answer, c=cookie: ceremonies.finish_joining(u, a, c))  # type: ignore[misc]
    assert passkeys.all() == []
    assert ceremonies.finish_joining(code, good, begun.cookie)[0].person == BOB


def test_a_passkey_is_not_taken_over_by_joining_again_as_somebody_else(house: House, device: Device) -> None:
    _, code = house.entrance.passkeys.invite(EVE, by=ALICE, may_sign=False)
    begun = house.entrance.ceremonies.begin_joining(code)
    same = Device(authenticator=Authenticator(), credential=device.credential)

    with pytest.raises(RefusedError, match="here already"):
        house.entrance.ceremonies.finish_joining(code, same.join(begun), begun.cookie)
    assert [each.person for each in house.entrance.passkeys.all()] == [BOB]


def test_a_person_has_so_many_passkeys(house: House) -> None:
    for number in range(PASSKEYS_MAX):
        house.passkey_of(BOB, b"%d" % number)

    with pytest.raises(RefusedError, match="passkeys"):
        house.passkey_of(BOB, b"one more")


def test_a_server_without_an_address_has_passkeys_for_localhost(house: House) -> None:
    house.write_settings(SETTINGS.replace(f'public_url = "{URL}"', "port = 4000"))

    assert house.entrance.site().origin == "http://localhost:4000"
    assert house.entrance.ceremonies.begin_sign_in().options["rpId"] == "localhost"
