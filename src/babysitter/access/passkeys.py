"""Passkeys for signing in: who has which, and invitations to add one.

An invitation is a code that an admin hands to a person; whoever has it adds one passkey as that
person, once, within a day. A new invitation takes the place of the one before.

Invariants, each with a test in tests/unit/access/test_passkey_ceremonies.py:
    - a code adds one passkey, and none after its time;
    - a passkey belongs to one person for good: it is not taken over by a second registration;
    - one that is removed ends what it opened, in the same transaction, and who removed it is kept.
"""

from collections.abc import Callable
from sqlite3 import Connection, Row

from msgspec import Struct

from babysitter.access.credentials import check_credential, id_of, make_credential, not_let_in
from babysitter.access.storage import NS_PER_S, Storage
from babysitter.access.tokens import revoke_where
from babysitter.model.errors import NotFoundError, RefusedError, UsageError
from babysitter.model.values import sha256_hex

INVITATION_S = 86_400
PASSKEYS_MAX = 20
INVITATIONS_MAX = 10_000
NAME_CHARS_MAX = 60


class Passkey(Struct, frozen=True, kw_only=True):
    """A passkey. ``public_key``: as a file of signers has it. Times are nanoseconds since 1970.

    name: what its person calls the device, or empty.
    """

    credential: bytes
    person: str
    public_key: str
    added_ns: int
    invited_by: str
    used_ns: int | None
    name: str = ""

    @property
    def id(self) -> str:
        """What it is called in commands and addresses; nothing of it is secret."""
        return sha256_hex(self.credential)[:16]


class Invitation(Struct, frozen=True, kw_only=True):
    """An invitation without its code. ``may_sign``: the passkey goes into the file of signers as well."""

    id: str
    person: str
    may_sign: bool
    created_ns: int
    created_by: str
    expires_ns: int


class Passkeys:
    """See the module."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def invite(self, person: str, *, by: str, may_sign: bool) -> tuple[Invitation, str]:
        """Return a new invitation and its code, which is kept nowhere. ``person``: a checked name."""
        storage, now_ns = self._storage, self._storage.now_ns()
        made = make_credential("bsi", storage.database.key, storage.dice)
        invitation = Invitation(
            id=made.id,
            person=person,
            may_sign=may_sign,
            created_ns=now_ns,
            created_by=by,
            expires_ns=now_ns + INVITATION_S * NS_PER_S,
        )
        with storage.database.writing() as connection:
            connection.execute(
                "DELETE FROM invitations WHERE person = ? OR expires_ns <= ?", (person, now_ns)
            )
            if connection.execute("SELECT count(*) FROM invitations").fetchone()[0] >= INVITATIONS_MAX:
                raise RefusedError(
                    f"{INVITATIONS_MAX} invitations are open.", hint="They run out within a day."
                )
            connection.execute(
                "INSERT INTO invitations (id, digest, person, may_sign, created_ns, created_by, expires_ns)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (made.id, made.digest, person, may_sign, now_ns, by, invitation.expires_ns),
            )
        return invitation, made.text

    def invitation_of(self, code: str) -> Invitation:
        """Return the invitation of a code.

        Raises:
            CredentialError: there is none, or it was used, replaced or has run out.
        """
        invitation_id = id_of("bsi", code)
        storage = self._storage
        with storage.database.reading() as connection:
            row = connection.execute("SELECT * FROM invitations WHERE id = ?", (invitation_id,)).fetchone()
            check_credential("bsi", code, row and row["digest"], storage.database.key)
        invitation = _invitation(row)
        if invitation.expires_ns <= storage.now_ns():
            raise not_let_in()
        return invitation

    def add(
        self,
        invitation: Invitation,
        credential: bytes,
        public_key: str,
        also: Callable[[Connection], None],
        *,
        name: str = "",
    ) -> Passkey:
        """Add the passkey that an invitation was for; the invitation is used up.

        ``also``: what is done in the same transaction, such as using up the challenge.
        ``name``: as ``check_name`` takes it.

        Raises:
            CredentialError: the invitation was used meanwhile.
            RefusedError: the passkey is here already, or the person has too many.
        """
        now_ns = self._storage.now_ns()
        with self._storage.database.writing() as connection:
            also(connection)
            if connection.execute("DELETE FROM invitations WHERE id = ?", (invitation.id,)).rowcount != 1:
                raise not_let_in()
            count = connection.execute(
                "SELECT count(*) FROM passkeys WHERE person = ?", (invitation.person,)
            ).fetchone()[0]
            if count >= PASSKEYS_MAX:
                raise RefusedError(
                    f"{invitation.person} has {count} passkeys.",
                    hint="Remove one first: /me, or babysitter person remove-passkey.",
                )
            added = connection.execute(
                "INSERT OR IGNORE INTO passkeys (credential, person, public_key, added_ns, invited_by, name)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (credential, invitation.person, public_key, now_ns, invitation.created_by, name),
            )
            if added.rowcount != 1:
                raise RefusedError("this passkey is here already.", hint="Sign in with it.")
        return Passkey(
            credential=credential,
            person=invitation.person,
            public_key=public_key,
            added_ns=now_ns,
            invited_by=invitation.created_by,
            used_ns=None,
            name=name,
        )

    def find(self, credential: bytes) -> Passkey:
        """Return the passkey of an id that a browser told.

        Raises:
            CredentialError: there is none.
        """
        with self._storage.database.reading() as connection:
            row = connection.execute("SELECT * FROM passkeys WHERE credential = ?", (credential,)).fetchone()
        if row is None:
            raise not_let_in()
        return _passkey(row)

    def note_use(self, connection: Connection, passkey: Passkey) -> None:
        """Note that it was used, inside of the transaction that lets the person in; it must still be there.

        Raises:
            CredentialError: it was removed meanwhile.
        """
        used = connection.execute(
            "UPDATE passkeys SET used_ns = ? WHERE credential = ? AND person = ?",
            (self._storage.now_ns(), passkey.credential, passkey.person),
        )
        if used.rowcount != 1:
            raise not_let_in()

    def of(self, person: str) -> list[Passkey]:
        """Return the passkeys of a person."""
        return [each for each in self.all() if each.person == person]

    def all(self) -> list[Passkey]:
        """Return all passkeys, by person."""
        with self._storage.database.reading() as connection:
            rows = connection.execute("SELECT * FROM passkeys ORDER BY person, added_ns").fetchall()
        return [_passkey(row) for row in rows]

    def invitations(self) -> list[Invitation]:
        """Return the invitations that are open now, by person."""
        with self._storage.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM invitations WHERE expires_ns > ? ORDER BY person", (self._storage.now_ns(),)
            ).fetchall()
        return [_invitation(row) for row in rows]

    def remove_one(self, passkey: Passkey, *, by: str, is_last_meant: bool) -> int:
        """Have a passkey let nobody in any more, and end the sessions that it opened; return how many.

        Raises:
            NotFoundError: it was removed meanwhile.
            RefusedError: it is the person's last one, and nobody said that this is meant.
        """
        mine = (passkey.credential, passkey.person)
        with self._storage.database.writing() as connection:
            others = connection.execute(
                "SELECT count(*) FROM passkeys WHERE credential <> ? AND person = ?", mine
            ).fetchone()[0]
            _note_removal(connection, "credential = ? AND person = ?", mine, (self._storage.now_ns(), by))
            gone = connection.execute("DELETE FROM passkeys WHERE credential = ? AND person = ?", mine)
            if gone.rowcount != 1:
                raise NotFoundError("that passkey is not here any more.", hint="Look again at what is.")
            if not others and not is_last_meant:
                # This undoes the transaction: of two that go at once, one sees that it is the last.
                raise RefusedError(
                    f"this is the last passkey of {passkey.person}.",
                    hint="Say that it is meant: without it they sign in no more with a passkey.",
                )
            return connection.execute(
                "DELETE FROM sessions WHERE person = ? AND public_key = ?",
                (passkey.person, passkey.public_key),
            ).rowcount

    def remove(self, person: str, *, by: str) -> None:
        """Forget a person: passkeys, invitation and sessions go, tokens are revoked; all of it or nothing.

        Raises:
            NotFoundError: nothing of that name was kept.
        """
        with self._storage.database.writing() as connection:
            _note_removal(connection, "person = ?", (person,), (self._storage.now_ns(), by))
            gone = sum(
                connection.execute(statement, (person,)).rowcount
                for statement in (
                    "DELETE FROM passkeys WHERE person = ?",
                    "DELETE FROM invitations WHERE person = ?",
                    "DELETE FROM sessions WHERE person = ?",
                )
            )
            now_ns = self._storage.now_ns()
            gone += revoke_where(connection, "person <> '' AND person = ?", person, now_ns=now_ns, by=by)
            if gone == 0:
                raise NotFoundError(
                    f"nothing of {person[:200]!r} is kept here.", hint="See: babysitter person list"
                )


def check_name(name: str) -> str:
    """Return what a person calls a device, without spaces around.

    Raises:
        UsageError: it is too long, or can't be printed.
    """
    found = name.strip()
    if len(found) > NAME_CHARS_MAX or not found.isprintable():
        raise UsageError(
            "a passkey can't be called so.",
            hint=f"Take at most {NAME_CHARS_MAX} characters that can be printed.",
        )
    return found


def _note_removal(
    connection: Connection, where: str, values: tuple[object, ...], when_and_by: tuple[int, str]
) -> None:
    connection.execute(
        "INSERT INTO removed_passkeys"  # noqa: S608 (our own words)
        f" SELECT credential, person, public_key, added_ns, ?, ? FROM passkeys WHERE {where}",
        (*when_and_by, *values),
    )


def _passkey(row: Row) -> Passkey:
    return Passkey(**{name: row[name] for name in Passkey.__struct_fields__})


def _invitation(row: Row) -> Invitation:
    fields = {name: row[name] for name in Invitation.__struct_fields__}
    return Invitation(**{**fields, "may_sign": bool(fields["may_sign"])})
