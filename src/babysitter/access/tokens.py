"""Tokens: made, looked up, revoked. A token's text is told once, to whoever makes it.

Invariants, each with a test in tests/unit/access/test_tokens.py:
    - a token counts until its last nanosecond, and not in the one after;
    - revoked is revoked at once, for every process;
    - a token's last use is written at most once a minute.
"""

from collections.abc import Callable
from sqlite3 import Connection, Row
from typing import Literal

import msgspec
from msgspec import Struct

from babysitter.access.credentials import check_credential, id_of, make_credential, not_let_in
from babysitter.access.storage import NS_PER_S, Storage
from babysitter.model.errors import NotFoundError, RefusedError

Kind = Literal["agent", "human", "auditor", "admin"]
TokenState = Literal["valid", "expired", "revoked"]
DAY_S = 86_400
LASTS_DAYS = 90
LASTS_DAYS_MAX = 365
USE_IS_WRITTEN_S = 60
"""How seldom a last use is written: reading must not cost a write."""
TOKENS_MAX = 10_000
"""Of all that a database keeps; those that count no more go first."""
_KEPT_AFTER_END_S = 400 * DAY_S


class Wish(Struct, frozen=True, kw_only=True):
    """What a token shall be.

    person: whose it is, for ``human`` alone. workspaces, scopes: None: not limited.
    method, public_key: ``ssh`` and the key, for one that a signature let in.
    """

    kind: Kind
    name: str
    made_by: str
    lasts_s: int = LASTS_DAYS * DAY_S
    person: str = ""
    workspaces: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    method: Literal["token", "ssh"] = "token"
    public_key: str = ""


class Token(Struct, frozen=True, kw_only=True):
    """A token as it is kept: everything but its text. Times are nanoseconds since 1970."""

    id: str
    kind: Kind
    name: str
    person: str
    method: Literal["token", "ssh"]
    workspaces: tuple[str, ...] | None
    scopes: tuple[str, ...] | None
    public_key: str
    created_ns: int
    created_by: str
    expires_ns: int
    revoked_ns: int | None
    revoked_by: str | None
    used_ns: int | None

    def state(self, now_ns: int) -> TokenState:
        """Tell whether it counts."""
        if self.revoked_ns is not None:
            return "revoked"
        return "expired" if now_ns >= self.expires_ns else "valid"


class Tokens:
    """See the module."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def make(self, wish: Wish, also: Callable[[Connection], None] | None = None) -> tuple[Token, str]:
        """Return a new token and its text, which is kept nowhere.

        ``also``: what is done in the same transaction, such as using up a challenge.
        """
        storage, now_ns = self._storage, self._storage.now_ns()
        made = make_credential("bst", storage.database.key, storage.dice)
        with storage.database.writing() as connection:
            if also is not None:
                also(connection)
            _make_room(connection, now_ns)
            connection.execute(
                "INSERT INTO tokens (id, digest, kind, name, person, method, workspaces, scopes, public_key,"
                " created_ns, created_by, expires_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(made.id, made.digest, wish.kind, wish.name, wish.person, wish.method),
                    *(_listed(wish.workspaces), _listed(wish.scopes), wish.public_key),
                    *(now_ns, wish.made_by, now_ns + wish.lasts_s * NS_PER_S),
                ),
            )
            row = connection.execute("SELECT * FROM tokens WHERE id = ?", (made.id,)).fetchone()
        return _token(row), made.text

    def check(self, text: str) -> Token:
        """Return the token of a text; its use is noted.

        Raises:
            CredentialError: it is none, or counts no more.
        """
        token_id = id_of("bst", text)
        storage = self._storage
        with storage.database.reading() as connection:
            row = connection.execute("SELECT * FROM tokens WHERE id = ?", (token_id,)).fetchone()
            check_credential("bst", text, row and row["digest"], storage.database.key)
        token, now_ns = _token(row), storage.now_ns()
        if token.state(now_ns) != "valid":
            raise not_let_in()
        if token.used_ns is None or now_ns - token.used_ns >= USE_IS_WRITTEN_S * NS_PER_S:
            with storage.database.writing() as connection:
                connection.execute("UPDATE tokens SET used_ns = ? WHERE id = ?", (now_ns, token.id))
        return token

    def all(self) -> list[Token]:
        """Return every token that is kept, newest first."""
        with self._storage.database.reading() as connection:
            rows = connection.execute("SELECT * FROM tokens ORDER BY created_ns DESC, id").fetchall()
        return [_token(row) for row in rows]

    def find(self, token_id: str) -> Token:
        """Return the token of an id.

        Raises:
            NotFoundError: there is none.
        """
        with self._storage.database.reading() as connection:
            row = connection.execute("SELECT * FROM tokens WHERE id = ?", (token_id,)).fetchone()
        if row is None:
            raise NotFoundError(
                f"there is no token {token_id[:64]!r}.", hint="List them with: babysitter token list"
            )
        return _token(row)

    def revoke(self, token_id: str, by: str) -> Token:
        """Have a token count no more, from now on; one that is revoked already stays as it is.

        Raises:
            NotFoundError: there is none of that id.
        """
        self.find(token_id)
        with self._storage.database.writing() as connection:
            revoke_where(connection, "id = ?", token_id, now_ns=self._storage.now_ns(), by=by)
        return self.find(token_id)


def revoke_where(connection: Connection, condition: str, value: str, *, now_ns: int, by: str) -> int:
    """Revoke tokens inside of a transaction; return how many. ``condition``: of ours, with one ``?``."""
    statement = f"UPDATE tokens SET revoked_ns = ?, revoked_by = ? WHERE revoked_ns IS NULL AND {condition}"  # noqa: S608 (never a text from outside)
    return connection.execute(statement, (now_ns, by, value)).rowcount


def _make_room(connection: Connection, now_ns: int) -> None:
    """Forget what ended long ago, and what ended longest ago where there are too many."""
    ended_ns = now_ns - _KEPT_AFTER_END_S * NS_PER_S
    connection.execute("DELETE FROM tokens WHERE expires_ns < ?", (ended_ns,))
    over = _count(connection) - TOKENS_MAX + 1
    if over > 0:
        connection.execute(
            "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens"
            " WHERE expires_ns <= ? OR revoked_ns IS NOT NULL ORDER BY expires_ns LIMIT ?)",
            (now_ns, over),
        )
        if _count(connection) >= TOKENS_MAX:
            raise RefusedError(
                f"{TOKENS_MAX} tokens count here.", hint="Revoke what nobody needs: babysitter token list"
            )


def _count(connection: Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM tokens").fetchone()[0]
    return found


def _listed(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else msgspec.json.encode(names).decode()


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else msgspec.json.decode(text, type=tuple[str, ...])


def _token(row: Row) -> Token:
    fields = {name: row[name] for name in Token.__struct_fields__ if name not in ("workspaces", "scopes")}
    return Token(**fields, workspaces=_names(row["workspaces"]), scopes=_names(row["scopes"]))
