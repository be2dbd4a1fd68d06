"""Sessions: ended by time, by hand and by being too many; a new cookie whenever something was gained."""

import pytest

from babysitter.access.sessions import SESSIONS_MAX
from babysitter.model.errors import CredentialError
from tests.unit.access.building import ALICE, BOB, SETTINGS, House

pytestmark = pytest.mark.promise("G19")
IDLE_S, WHOLE_S = 600, 3600
NS_PER_S = 1_000_000_000


@pytest.fixture
def cookie(house: House) -> str:
    return house.cookie_of(house.passkey_of(BOB))


def is_in(house: House, cookie: str) -> bool:
    try:
        house.entrance.by_session(cookie)
    except CredentialError:
        return False
    return True


def test_who_signed_in_is_a_person_with_the_roles_of_now(house: House, cookie: str) -> None:
    caller = house.entrance.by_session(cookie)

    assert (caller.name, caller.is_person, caller.method) == (BOB, True, "passkey")
    assert caller.may("breakpoint.answer", "shop")
    assert caller.credential == cookie.split("_")[1]


def test_a_session_that_idles_ends_at_the_second(house: House, cookie: str) -> None:
    house.clock.time_ns += IDLE_S * NS_PER_S - 1
    assert is_in(house, cookie)
    house.clock.time_ns += IDLE_S * NS_PER_S
    assert not is_in(house, cookie)


def test_a_session_that_is_used_goes_on_until_its_whole_time_is_over(house: House, cookie: str) -> None:
    for _ in range(WHOLE_S // 300 - 1):
        house.clock.advance(300)
        assert is_in(house, cookie)
    house.clock.time_ns += 300 * NS_PER_S - 1
    assert is_in(house, cookie)
    house.clock.time_ns += 1
    assert not is_in(house, cookie)


def test_a_look_that_is_no_use_keeps_no_session_alive(house: House, cookie: str) -> None:
    """A page that was left open has a stream, whose credential is looked at again and again."""
    for _ in range(3):
        house.clock.advance(IDLE_S // 4)
        house.entrance.by_session(cookie, is_use=False)
    house.clock.advance(IDLE_S // 4)

    assert not is_in(house, cookie)


def test_settings_that_allow_less_end_sessions_that_are_open(house: House, cookie: str) -> None:
    house.clock.advance(300)
    house.write_settings(SETTINGS.replace("session_s = 3600", "session_s = 240"))

    assert not is_in(house, cookie)


def test_signing_out_ends_one_and_everywhere_ends_all_of_one_person(house: House, cookie: str) -> None:
    others = [house.cookie_of(house.passkey_of(BOB, b"%d" % number)) for number in range(3)]
    alice = house.cookie_of(house.passkey_of(ALICE, b"alice"))

    house.entrance.sessions.end(cookie)
    assert [is_in(house, each) for each in (cookie, *others)] == [False, True, True, True]
    assert house.entrance.sign_out_everywhere(BOB) == 3

    assert not any(is_in(house, each) for each in others)
    assert is_in(house, alice)


def test_signing_out_with_what_is_no_cookie_ends_nothing(house: House, cookie: str) -> None:
    for other in ("", "bss_x", cookie[:-1] + "!", "bst" + cookie[3:], cookie.replace("_", "-")):
        house.entrance.sessions.end(other)

    assert is_in(house, cookie)


def test_signing_in_ends_the_session_that_the_browser_had(house: House, cookie: str) -> None:
    """What somebody put into a browser before sign-in is worth nothing afterwards."""
    fresh = house.cookie_of(house.passkey_of(ALICE, b"alice"), replacing=cookie)

    assert not is_in(house, cookie)
    assert house.entrance.by_session(fresh).name == ALICE


def test_a_cookie_that_somebody_made_up_is_not_the_one_that_comes_of_signing_in(house: House) -> None:
    planted = "bss_00000000000_" + "0" * 49

    fresh = house.cookie_of(house.passkey_of(BOB), replacing=planted)

    assert fresh != planted
    assert not is_in(house, planted)


def test_whose_roles_change_gets_another_cookie_and_the_one_before_is_dead(house: House, cookie: str) -> None:
    assert house.entrance.renew(cookie) is None
    house.write_settings(SETTINGS + "\n[budget]\nsteps = 7\n")
    assert house.entrance.renew(cookie) is None
    house.write_settings(SETTINGS.replace("[access]", f'[access]\noperators = ["{BOB}"]'))

    fresh = house.entrance.renew(cookie)

    assert fresh is not None
    assert not is_in(house, cookie)
    assert house.entrance.by_session(fresh).may("run.cancel", "shop")
    assert house.entrance.renew(fresh) is None


def test_another_cookie_does_not_make_a_session_last_longer(house: House, cookie: str) -> None:
    for _ in range(5):
        house.clock.advance(500)
        house.entrance.by_session(cookie)
    house.write_settings(SETTINGS.replace("[access]", f'[access]\noperators = ["{BOB}"]'))
    fresh = house.entrance.renew(cookie)
    assert fresh is not None

    house.clock.advance(WHOLE_S - 2500 - 550)
    assert is_in(house, fresh)
    house.clock.advance(550)
    assert not is_in(house, fresh)


def test_a_person_has_so_many_sessions_and_one_more_ends_the_least_used(house: House) -> None:
    device = house.passkey_of(BOB)
    cookies = []
    for _ in range(SESSIONS_MAX):
        cookies.append(house.cookie_of(device))
        house.clock.advance(1)
    house.clock.advance(90)
    house.entrance.by_session(cookies[0])

    cookies.append(house.cookie_of(device))

    assert [number for number, each in enumerate(cookies) if not is_in(house, each)] == [1]
    assert len(house.entrance.sessions.all(BOB)) == SESSIONS_MAX


def test_a_last_use_is_written_at_most_once_a_minute(house: House, cookie: str) -> None:
    storage = house.entrance.storage
    with storage.database.reading() as connection:
        before = connection.total_changes
        for _ in range(20):
            house.clock.advance(10)
            house.entrance.by_session(cookie)
        written = connection.total_changes - before

    assert written == 3


def test_sessions_that_have_ended_are_gone_from_the_database_at_the_next_sign_in(
    house: House, cookie: str
) -> None:
    house.clock.advance(IDLE_S)
    house.cookie_of(house.passkey_of(ALICE, b"alice"))

    with house.entrance.storage.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone()[0] == 1
    assert not is_in(house, cookie)


def test_a_person_who_is_taken_out_of_the_settings_may_nothing_at_the_next_request(
    house: House, cookie: str
) -> None:
    house.write_settings(SETTINGS.replace(f'release = ["{BOB}"]', "release = []"))

    assert not house.entrance.by_session(cookie).knows("shop")
