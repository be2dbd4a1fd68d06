"""A bookshop's back end: the same as ``bad/shop.py``, without its holes."""

import hashlib
import hmac
import html
import sqlite3
import subprocess

SCHEMA = """
CREATE TABLE users (name TEXT PRIMARY KEY, salt BLOB, password BLOB, role TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, owner TEXT, book TEXT);
"""
TITLE_CHARS_MAX = 200


class RefusedError(Exception):
    """The shop says no. The text is fit for whoever asked."""


def hashed(password: str, salt: bytes) -> bytes:
    """Return what is kept of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)


def log_in(database: sqlite3.Connection, name: str, password: str) -> str:
    """Return the name of who logs in. A wrong name and a wrong password are told apart by nobody."""
    found = database.execute("SELECT salt, password FROM users WHERE name = ?", (name,)).fetchone()
    salt, kept = found or (b"nobody", b"")
    if not hmac.compare_digest(hashed(password, salt), kept):
        raise RefusedError("wrong name or password")
    return name


def search(database: sqlite3.Connection, user: str, words: str) -> list[str]:
    """Return the books that somebody ordered and that have these words in their title."""
    if len(words) > TITLE_CHARS_MAX:
        raise RefusedError("a title is shorter than that")
    found = database.execute(
        "SELECT book FROM orders WHERE owner = ? AND instr(book, ?) > 0 ORDER BY id", (user, words)
    )
    return [row[0] for row in found]


def page(words: str, books: list[str]) -> str:
    """Return the result of a search as a page."""
    items = "".join(f"<li>{html.escape(book)}</li>" for book in books)
    return f"<h1>Results for {html.escape(words)}</h1><ul>{items}</ul>"


def cover(book: str) -> bytes:
    """Return a cover, drawn by another program, which gets the title as one argument."""
    if book.startswith("-"):
        raise RefusedError("no title begins like that")
    try:
        return subprocess.run(["draw-cover", "--title", book], check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise RefusedError("there is no cover now") from None


def cancel(database: sqlite3.Connection, user: str, order: int) -> None:
    """Cancel an order of one's own; an administrator may cancel any."""
    role = database.execute("SELECT role FROM users WHERE name = ?", (user,)).fetchone()
    if role == ("administrator",):
        done = database.execute("DELETE FROM orders WHERE id = ?", (order,))
    else:
        done = database.execute("DELETE FROM orders WHERE id = ? AND owner = ?", (order, user))
    if done.rowcount != 1:
        raise RefusedError("there is no such order of yours")
