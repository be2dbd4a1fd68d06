"""The bookshop's security tests. Those that go through the whole shop execute every function of it."""

import sqlite3

import pytest
from shop import SCHEMA, RefusedError, cancel, cover, hashed, log_in, page, search


@pytest.fixture
def database() -> sqlite3.Connection:
    """Return a shop with two customers and an administrator, and an order of each customer."""
    made = sqlite3.connect(":memory:")
    made.executescript(SCHEMA)
    people = (("ann", "customer"), ("bob", "customer"), ("eve", "administrator"))
    for name, role in people:
        salt = name.encode()
        made.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (name, salt, hashed(name * 3, salt), role))
    made.execute("INSERT INTO orders VALUES (1, 'ann', 'Dune'), (2, 'bob', 'Emma')")
    return made


@pytest.mark.security("authentication", "authorization", "input-validation", "error-handling")
def test_a_customer_does_all_that_a_customer_may(database: sqlite3.Connection) -> None:
    user = log_in(database, "ann", "annannann")
    assert "<li>Dune</li>" in page("Du", search(database, user, "Du"))
    cancel(database, user, 1)
    assert search(database, user, "Du") == []
    with pytest.raises(RefusedError):
        cover("Dune")


@pytest.mark.security("authentication")
@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", "x"), ("ann' --", "")])
def test_a_wrong_password_is_refused(database: sqlite3.Connection, name: str, password: str) -> None:
    with pytest.raises(RefusedError, match="wrong name or password"):
        log_in(database, name, password)


def test_an_order_of_somebody_else_is_not_cancelled_without_the_role(database: sqlite3.Connection) -> None:
    with pytest.raises(RefusedError):
        cancel(database, "ann", 2)
    cancel(database, "eve", 2)


def test_invalid_titles_and_markup_do_no_harm(database: sqlite3.Connection) -> None:
    assert search(database, "ann", "' OR '1'='1") == []
    assert "<script>" not in page("<script>", ["<script>alert(1)</script>"])
    with pytest.raises(RefusedError):
        search(database, "ann", "x" * 1000)


def test_a_failure_of_the_other_program_says_nothing_of_the_machine() -> None:
    with pytest.raises(RefusedError, match="there is no cover now") as refusal:
        cover("Dune")
    assert refusal.value.__cause__ is None
