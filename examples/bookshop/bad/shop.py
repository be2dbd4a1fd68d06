"""A bookshop's back end, with holes on purpose: see README.md. Never run it."""

import sqlite3
import subprocess

DATABASE_PASSWORD = "hunter2-but-longer-8Kq2"
SCHEMA = """
CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT, role TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, owner TEXT, book TEXT);
"""


class Refused(Exception):
    """The shop says no."""


def log_in(database: sqlite3.Connection, name: str, password: str) -> str:
    """Return the name of who logs in."""
    found = database.execute(
        f"SELECT name FROM users WHERE name = '{name}' AND password = '{password}'"
    ).fetchone()
    if found is None:
        raise Refused("wrong name or password")
    return str(found[0])


def search(database: sqlite3.Connection, words: str) -> list[str]:
    """Return the books that were ordered and have these words in their title."""
    return [row[0] for row in database.execute("SELECT book FROM orders WHERE book LIKE '%" + words + "%'")]


def page(words: str, books: list[str]) -> str:
    """Return the result of a search as a page."""
    items = "".join(f"<li>{book}</li>" for book in books)
    return f"<h1>Results for {words}</h1><ul>{items}</ul>"


def cover(book: str) -> bytes:
    """Return a cover, drawn by another program."""
    return subprocess.check_output(f"draw-cover --title {book}", shell=True)


def cancel(database: sqlite3.Connection, user: str, order: int) -> None:
    """Cancel an order."""
    database.execute("DELETE FROM orders WHERE id = ?", (order,))
