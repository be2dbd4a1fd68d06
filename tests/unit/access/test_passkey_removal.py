"""Taking one passkey away: what ends with it, what does not, who may, and that nobody does it unawares."""

import sqlite3

import pytest

from babysitter.access.roles import Caller, Role
from babysitter.access.sessions import Session
from babysitter.model.errors import CredentialError, ForbiddenError, NotFoundError, RefusedError, UsageError
from babysitter.service.access.opening import local_passkeys
from babysitter.service.access.passkeys import FRESH_S, PasskeyDesk
from babysitter.service.people import People
from tests.unit.access.building import ALICE, BOB, EVE, Device, House
from tests.unit.signing.software_authenticator import Authenticator

pytestmark = pytest.mark.promise("G19")


def desk(house: House, name: str = BOB, *roles: Role, is_person: bool = True) -> PasskeyDesk:
    who = Caller(
        name=name, is_person=is_person, roles={"shop": frozenset(roles)}, method="passkey", credential="s"
    )
    return PasskeyDesk(house.entrance, house.workspace, who)


def session_of(house: House, device: Device) -> tuple[Session, str]:
    cookie = house.cookie_of(device)
    return house.entrance.sessions.check(cookie), cookie


def ids(house: House, person: str = BOB) -> list[str]:
    return [each.id for each in house.entrance.passkeys.of(person)]


def kept(house: House) -> list[tuple[str, str, bytes]]:
    """Return who had which passkey taken away by whom, as the database has it."""
    with sqlite3.connect(house.folder / "access.db") as database:
        found = database.execute("SELECT person, removed_by, credential FROM removed_passkeys").fetchall()
    database.close()
    return found


def test_what_it_opened_ends_and_the_others_stay(house: House) -> None:
    lost, other = house.passkey_of(BOB, b"lost"), house.passkey_of(BOB, b"other")
    _, dead = session_of(house, lost)
    session, alive = session_of(house, other)
    gone = ids(house)[0]

    removed = desk(house).remove_own(gone, session=session.id, is_last_meant=False)

    assert (removed.passkey.id, removed.left, removed.passkey.sessions) == (gone, 1, 1)
    assert [each.credential for each in house.entrance.passkeys.of(BOB)] == [b"other"]
    assert house.entrance.by_session(alive).name == BOB
    with pytest.raises(CredentialError):
        house.entrance.by_session(dead)
    with pytest.raises(CredentialError):
        house.cookie_of(lost)
    assert kept(house) == [(BOB, BOB, b"lost")]


def test_a_sign_in_that_had_begun_with_it_ends_with_it(house: House) -> None:
    device, _ = house.passkey_of(BOB, b"lost"), house.passkey_of(BOB, b"other")
    begun = house.entrance.ceremonies.begin_sign_in()
    passkey, _ = house.entrance.ceremonies.checked_sign_in(device.answer(begun), begun.cookie)
    local_passkeys(house.workspace).remove(BOB, ids(house)[0], is_last_meant=False)

    with pytest.raises(CredentialError), house.entrance.storage.database.writing() as connection:
        house.entrance.passkeys.note_use(connection, passkey)


def test_the_last_one_goes_only_when_that_is_meant(house: House) -> None:
    session, cookie = session_of(house, house.passkey_of(BOB))
    [only] = ids(house)

    with pytest.raises(RefusedError, match=f"last passkey of {BOB}"):
        desk(house).remove_own(only, session=session.id, is_last_meant=False)
    with pytest.raises(RefusedError, match=f"last passkey of {BOB}"):
        local_passkeys(house.workspace).remove(BOB, only, is_last_meant=False)
    assert (ids(house), kept(house)) == ([only], [])
    assert house.entrance.by_session(cookie).name == BOB

    removed = desk(house).remove_own(only, session=session.id, is_last_meant=True)
    assert removed.left == 0
    assert any("invited them anew" in sentence for sentence in removed.follows)
    assert ids(house) == []


def test_it_takes_a_sign_in_of_a_moment_ago(house: House) -> None:
    """Who finds a browser left open must not lock its owner out."""
    session, cookie = session_of(house, house.passkey_of(BOB, b"1"))
    house.passkey_of(BOB, b"2")
    others, _ = session_of(house, house.passkey_of(ALICE, b"3"))
    own = desk(house)
    for _ in range(2):  # which keeps it from idling out
        house.clock.time_ns += FRESH_S * 500_000_000
        house.entrance.sessions.check(cookie)
    assert own.is_fresh(session.id)
    house.clock.time_ns += 1

    for told in (session.id, others.id, "", "s"):
        assert not own.is_fresh(told)
        with pytest.raises(RefusedError, match="too long ago"):
            own.remove_own(ids(house)[0], session=told, is_last_meant=True)
    assert len(ids(house)) == 2


def test_a_person_removes_their_own_and_an_admin_anybody_s(house: House) -> None:
    house.passkey_of(BOB, b"1")
    house.passkey_of(BOB, b"2")
    first, second = ids(house)

    for stranger in (
        desk(house, EVE, "operator"),
        desk(house, BOB, "agent", is_person=False),
        desk(house, ALICE),
        # For one's own there is another way, which asks for a fresh session.
        desk(house, BOB, "approver"),
    ):
        with pytest.raises(ForbiddenError):
            stranger.remove(BOB, first, is_last_meant=True)
    with pytest.raises(NotFoundError):
        desk(house, ALICE, "admin").remove(ALICE, first, is_last_meant=True)
    assert ids(house) == [first, second]
    desk(house, ALICE, "admin").remove(BOB, first, is_last_meant=False)
    assert ids(house) == [second]
    assert kept(house) == [(BOB, ALICE, b"1")]


def test_one_goes_by_its_fingerprint_too_and_an_unknown_one_is_told(house: House) -> None:
    house.passkey_of(BOB, b"1")
    house.passkey_of(BOB, b"2")
    local = local_passkeys(house.workspace)
    view = local.of(BOB)[0]

    for unknown in ("", "0" * 16, view.id[:4]):
        with pytest.raises(NotFoundError):
            local.remove(BOB, unknown, is_last_meant=True)
    local.remove(BOB, view.fingerprint, is_last_meant=False)

    assert view.id not in ids(house)


def test_what_it_signs_is_another_matter_and_is_said(house: House) -> None:
    house.passkey_of(BOB, b"1")
    house.passkey_of(BOB, b"2")
    local = local_passkeys(house.workspace)
    first, second = house.entrance.passkeys.of(BOB)
    People(house.workspace).add_line(BOB, first.public_key)

    signs = local.remove(BOB, first.id, is_last_meant=False)
    signs_not = local.removal(BOB, second.id)

    assert signs.revoke == f"babysitter key revoke {signs.passkey.fingerprint}"
    assert any("file of signers still has it" in each for each in signs.follows)
    assert first.public_key.split()[1] in (house.workspace.root / "allowed_signers").read_text()
    assert signs_not.revoke == ""
    assert any("does not have it" in each for each in signs_not.follows)


def test_a_device_has_the_name_that_its_person_gives_it(house: House) -> None:
    for number, (name, shown) in enumerate([("  my laptop ", "my laptop"), ("", "")]):
        _, code = house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)
        begun = house.entrance.ceremonies.begin_joining(code)
        device = Device(authenticator=Authenticator(), credential=b"%d" % number)
        for wrong in ("x" * 61, "a\nb", "\x1b[31m"):
            with pytest.raises(UsageError, match="called"):
                house.entrance.ceremonies.finish_joining(code, device.join(begun), begun.cookie, name=wrong)
        house.entrance.ceremonies.finish_joining(code, device.join(begun), begun.cookie, name=name)
        assert local_passkeys(house.workspace).of(BOB)[number].name == shown


def test_who_has_a_person_removed_is_kept_for_each_of_their_passkeys(house: House) -> None:
    house.passkey_of(BOB, b"1")
    house.passkey_of(BOB, b"2")

    house.entrance.passkeys.remove(BOB, by=ALICE)

    assert kept(house) == [(BOB, ALICE, b"1"), (BOB, ALICE, b"2")]


def test_a_database_of_before_names_is_taken_over(house: House) -> None:
    house.passkey_of(BOB)
    house.entrance.storage.database.close()
    with sqlite3.connect(house.folder / "access.db") as older:
        older.executescript(
            "ALTER TABLE passkeys DROP COLUMN name; DROP TABLE removed_passkeys; PRAGMA user_version = 1;"
        )
    older.close()

    [view] = local_passkeys(house.again().workspace).of(BOB)

    assert (view.name, view.sessions) == ("", 0)
    assert house.cookie_of(house.passkey_of(BOB, b"2"))
