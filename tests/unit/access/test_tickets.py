"""Challenges that nobody keeps: for one thing, for a while, once, only as handed out."""

from sqlite3 import Connection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.access.storage import TICKET_S, Ticket, base64url, from_base64url
from babysitter.model.errors import CredentialError
from tests.unit.access.building import House, build

pytestmark = pytest.mark.promise("G19")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return one house for all examples of a property."""
    return build(tmp_path_factory.mktemp("house"))


def spend(house: House, text: str, purpose: str = "p") -> None:
    storage = house.entrance.storage
    ticket = storage.opened(text, purpose)
    with storage.database.writing() as connection:
        storage.spend(connection, ticket)


def test_a_ticket_comes_back_as_it_was_handed_out(house: House) -> None:
    ticket, text = house.entrance.storage.begin("p", "about ✓")

    assert house.entrance.storage.opened(text, "p") == ticket


def test_a_ticket_is_used_up_once_also_for_another_process(house: House) -> None:
    text = house.entrance.storage.begin("p")[1]
    spend(house, text)
    house.entrance.storage.database.close()

    for other in (house, house.again()):
        with pytest.raises(CredentialError):
            spend(other, text)


def spend_twice(house: House, connection: Connection, ticket: Ticket) -> None:
    house.entrance.storage.spend(connection, ticket)
    house.entrance.storage.spend(connection, ticket)


def test_what_fails_uses_nothing_up(house: House) -> None:
    """The ticket goes in the transaction that does what it was for, or not at all."""
    storage = house.entrance.storage
    ticket, text = storage.begin("p")
    with pytest.raises(CredentialError), storage.database.writing() as connection:
        spend_twice(house, connection, ticket)

    spend(house, text)


def test_a_ticket_runs_out(house: House) -> None:
    text = house.entrance.storage.begin("p")[1]
    house.clock.time_ns += TICKET_S * 1_000_000_000 - 1
    house.entrance.storage.opened(text, "p")
    house.clock.time_ns += 1

    with pytest.raises(CredentialError):
        house.entrance.storage.opened(text, "p")


def test_a_ticket_for_one_thing_is_none_for_another(house: House) -> None:
    text = house.entrance.storage.begin("p")[1]

    with pytest.raises(CredentialError):
        house.entrance.storage.opened(text, "q")


def test_a_used_ticket_is_forgotten_once_it_has_run_out_anyway(house: House) -> None:
    spend(house, house.entrance.storage.begin("p")[1])
    house.clock.advance(TICKET_S)
    spend(house, house.entrance.storage.begin("p")[1])

    with house.entrance.storage.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM spent").fetchone()[0] == 1


def test_beginning_writes_nothing(house: House) -> None:
    """A flood of beginnings costs neither disk nor memory."""
    house.token()
    with house.entrance.storage.database.reading() as connection:
        before = connection.total_changes
        for _ in range(100):
            house.entrance.ceremonies.begin_sign_in()
            house.entrance.ssh.begin("nobody@example.com")
        assert connection.total_changes == before


@given(place=st.integers(0, 400), change=st.sampled_from("AB-_.=\n é"))
def test_a_ticket_that_was_changed_anywhere_is_none(shared: House, place: int, change: str) -> None:
    text = shared.entrance.storage.begin("p", "alice")[1]
    place %= len(text)
    changed = text[:place] + change + text[place + 1 :]

    if changed != text:
        with pytest.raises(CredentialError):
            shared.entrance.storage.opened(changed, "p")


@given(text=st.text(max_size=300))
def test_nothing_but_a_ticket_is_one(shared: House, text: str) -> None:
    with pytest.raises(CredentialError):
        shared.entrance.storage.opened(text, "p")


def test_what_is_derived_differs_by_label_and_by_ticket(house: House) -> None:
    storage = house.entrance.storage
    one, other = storage.begin("p")[0], storage.begin("p")[0]

    derived = {storage.derived(one, "a"), storage.derived(one, "b"), storage.derived(other, "a")}

    assert len(derived) == 3


@given(data=st.binary(max_size=40))
def test_bytes_have_one_text(data: bytes) -> None:
    assert from_base64url(base64url(data)) == data
    for other in (base64url(data) + "=", base64url(data) + "\n"):
        with pytest.raises(ValueError, match=r"."):
            from_base64url(other)
