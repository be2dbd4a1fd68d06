"""Sessions of people in browsers: opened at sign-in, ended by time, by hand and by being too many.

Invariants, each with a test in tests/unit/access/test_sessions.py:
    - a cookie's text is new at each sign-in and whenever the person's roles have changed;
    - a session ends so long after its last use, and so long after sign-in whatever is used;
    - a person has at most ``SESSIONS_MAX``; one more ends the one that was used longest ago;
    - a last use is written at most once a minute.
"""

from collections.abc import Callable
from sqlite3 import Connection, Row
from typing import Literal

import msgspec
from msgspec import Struct

from babysitter.access.credentials import check_credential, id_of, make_credential, not_let_in
from babysitter.access.grants import Membership, Roles
from babysitter.access.storage import NS_PER_S, Storage
from babysitter.access.tokens import USE_IS_WRITTEN_S
from babysitter.model.errors import CredentialError

SESSIONS_MAX = 20


class Opening(Struct, frozen=True, kw_only=True):
    """Who signed in, and how. ``public_key``: of the passkey, as a file of signers has it."""

    person: str
    method: Literal["passkey", "oidc"]
    roles: Roles
    membership: Membership = Membership()
    public_key: str = ""


class Session(Struct, frozen=True, kw_only=True):
    """A session as it is kept: everything but its cookie. Times are nanoseconds since 1970.

    roles: a digest of those that the person had when the cookie was made.
    """

    id: str
    person: str
    method: Literal["passkey", "oidc"]
    membership: Membership
    public_key: str
    roles: bytes
    created_ns: int
    used_ns: int
    expires_ns: int


class Sessions:
    """See the module. ``limits`` gives seconds: how long one may idle, and how long it lasts in any case."""

    def __init__(self, storage: Storage, limits: Callable[[], tuple[int, int]]) -> None:
        self._storage = storage
        self._limits = limits

    def open(
        self, opening: Opening, *, replacing: str = "", also: Callable[[Connection], None] | None = None
    ) -> tuple[Session, str]:
        """Return a new session and its cookie, which is kept nowhere.

        Args:
            opening: who signed in.
            replacing: the cookie that the browser had; its session ends, whoever's it was.
            also: what is done in the same transaction, such as using up a challenge.
        """
        now_ns = self._storage.now_ns()
        expires_ns = now_ns + self._limits()[1] * NS_PER_S
        with self._storage.database.writing() as connection:
            if also is not None:
                also(connection)
            self._end(connection, replacing)
            self._make_room(connection, opening.person, now_ns)
            return self._insert(connection, opening, (now_ns, expires_ns))

    def check(self, cookie: str, *, is_use: bool = True) -> Session:
        """Return the session of a cookie; its use is noted, if it is one.

        Raises:
            CredentialError: it is none, or has ended.
        """
        now_ns = self._storage.now_ns()
        session = self._find(cookie, now_ns)
        idle_s = self._limits()[0]
        if is_use and now_ns - session.used_ns >= min(USE_IS_WRITTEN_S, idle_s // 2) * NS_PER_S:
            with self._storage.database.writing() as connection:
                connection.execute("UPDATE sessions SET used_ns = ? WHERE id = ?", (now_ns, session.id))
        return session

    def renew(self, cookie: str, roles: Roles) -> str | None:
        """Return another cookie for a session, where the person's roles have changed since it was made.

        The one before counts no more; the session lasts no longer for it.

        Raises:
            CredentialError: there is no such session, or it has ended.
        """
        session = self._find(cookie, self._storage.now_ns())
        if self._digest(roles) == session.roles:
            return None
        with self._storage.database.writing() as connection:
            # Of two requests that see the change at once, one renews.
            if connection.execute("DELETE FROM sessions WHERE id = ?", (session.id,)).rowcount != 1:
                raise not_let_in()
            opening = Opening(
                person=session.person,
                method=session.method,
                roles=roles,
                membership=session.membership,
                public_key=session.public_key,
            )
            return self._insert(connection, opening, (session.created_ns, session.expires_ns))[1]

    def end(self, cookie: str) -> None:
        """End the session of a cookie; where there is none, nothing."""
        with self._storage.database.writing() as connection:
            self._end(connection, cookie)

    def end_all_of(self, person: str) -> int:
        """End every session of a person; return how many."""
        with self._storage.database.writing() as connection:
            return connection.execute("DELETE FROM sessions WHERE person = ?", (person,)).rowcount

    def all(self, person: str | None = None) -> list[Session]:
        """Return the sessions that count now, of one person or of all, newest first."""
        with self._storage.database.reading() as connection:
            rows = connection.execute("SELECT * FROM sessions ORDER BY created_ns DESC, id").fetchall()
        now_ns, found = self._storage.now_ns(), [_session(row) for row in rows]
        return [each for each in found if self._lasts(each, now_ns) and person in (None, each.person)]

    def _find(self, cookie: str, now_ns: int) -> Session:
        session_id = id_of("bss", cookie)
        with self._storage.database.reading() as connection:
            row = connection.execute("SELECT * FROM sessions WHERE id = ?", (session_id,)).fetchone()
            check_credential("bss", cookie, row and row["digest"], self._storage.database.key)
        session = _session(row)
        if not self._lasts(session, now_ns):
            raise not_let_in()
        return session

    def _lasts(self, session: Session, now_ns: int) -> bool:
        idle_s, whole_s = self._limits()
        # The settings may say less today than when it was opened.
        end_ns = min(session.expires_ns, session.created_ns + whole_s * NS_PER_S)
        return now_ns < min(end_ns, session.used_ns + idle_s * NS_PER_S)

    def _end(self, connection: Connection, cookie: str) -> None:
        try:
            session_id = id_of("bss", cookie)
            row = connection.execute("SELECT digest FROM sessions WHERE id = ?", (session_id,)).fetchone()
            check_credential("bss", cookie, row and row["digest"], self._storage.database.key)
        except CredentialError:
            return
        connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    def _make_room(self, connection: Connection, person: str, now_ns: int) -> None:
        """Forget what has ended, and what a person used longest ago where there are too many."""
        idle_ns = now_ns - self._limits()[0] * NS_PER_S
        connection.execute("DELETE FROM sessions WHERE expires_ns <= ? OR used_ns <= ?", (now_ns, idle_ns))
        connection.execute(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE person = ?"
            " ORDER BY used_ns DESC, id LIMIT -1 OFFSET ?)",
            (person, SESSIONS_MAX - 1),
        )

    def _insert(
        self, connection: Connection, opening: Opening, times_ns: tuple[int, int]
    ) -> tuple[Session, str]:
        """``times_ns``: when the person signed in, and when the session ends in any case."""
        made = make_credential("bss", self._storage.database.key, self._storage.dice)
        session = Session(
            id=made.id,
            person=opening.person,
            method=opening.method,
            membership=opening.membership,
            public_key=opening.public_key,
            roles=self._digest(opening.roles),
            created_ns=times_ns[0],
            used_ns=self._storage.now_ns(),
            expires_ns=times_ns[1],
        )
        connection.execute(
            "INSERT INTO sessions (id, digest, person, method, issuer, groups, public_key, roles,"
            " created_ns, used_ns, expires_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(session.id, made.digest, session.person, session.method),
                *(session.membership.issuer, msgspec.json.encode(session.membership.groups).decode()),
                *(session.public_key, session.roles),
                *(session.created_ns, session.used_ns, session.expires_ns),
            ),
        )
        return session, made.text

    def _digest(self, roles: Roles) -> bytes:
        told = sorted((name, sorted(held)) for name, held in roles.items())
        return self._storage.database.key.digest("roles", msgspec.json.encode(told))


def _session(row: Row) -> Session:
    names = [name for name in Session.__struct_fields__ if name != "membership"]
    groups = msgspec.json.decode(row["groups"], type=tuple[str, ...])
    membership = Membership(issuer=row["issuer"], groups=groups)
    return Session(**{name: row[name] for name in names}, membership=membership)
