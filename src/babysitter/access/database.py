"""``access.db``: one SQLite file that the server and the command line use at once.

A change is one transaction, and is on disk when it returns. Whatever is wrong with the file is
an ``AccessStoreError``: nobody gets in by a database that can't be read.

Invariants, each with a test in tests/unit/access/test_storage.py:
    - folder 0700, every file in it 0600, whatever the umask;
    - a file that is damaged, of another program or of a newer version lets nobody in;
    - a file that is replaced is seen at the next use.
"""

import fcntl
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

from babysitter.access.server_key import KEY_FILE, ServerKey, make_key, read_key
from babysitter.model.clock import Dice
from babysitter.model.errors import AccessStoreError

DATABASE_FILE = "access.db"
VERSION = 2
_APPLICATION = 0x62736163
_BUSY_S = 5.0
_KEY_CHECK = "key"
_RESTORE = (
    "Restore the folder from a copy; or remove it, and everybody has to be let in anew. "
    "Nobody gets in meanwhile."
)


class Database:
    """The file and its key. One connection, which threads take turns on; opened at first use."""

    def __init__(self, folder: Path, dice: Dice) -> None:
        self.folder = folder
        self._dice = dice
        self._turn = threading.RLock()
        self._open: tuple[sqlite3.Connection, ServerKey, tuple[int, int]] | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / DATABASE_FILE

    @property
    def is_there(self) -> bool:
        """Whether anybody was ever let in here; asking makes nothing."""
        return self.path.exists()

    @property
    def key(self) -> ServerKey:
        """The key beside it."""
        with self._turn, self._errors():
            return self._opened()[1]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection; what was committed before, by anybody, is seen.

        Raises:
            AccessStoreError: it can't be read.
        """
        with self._turn, self._errors():
            yield self._opened()[0]

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection in a transaction: all of it is on disk afterwards, or, after an error, none.

        Raises:
            AccessStoreError: it can't be written.
        """
        with self._turn, self._errors():
            connection = self._opened()[0]
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._turn:
            if self._open is not None:
                self._open[0].close()
                self._open = None

    def _opened(self) -> tuple[sqlite3.Connection, ServerKey, tuple[int, int]]:
        if self._open is not None and self._open[2] != _identity(self.path):
            # Somebody restored or removed the file: what the old one said counts no more.
            self.close()
        if self._open is None:
            with _locked(self.folder):
                _make_private(self.path)
                connection = _connected(self.path)
                try:
                    key = _key_of(self.folder, connection, self._dice)
                except BaseException:
                    connection.close()
                    raise
                self._open = (connection, key, _identity(self.path))
        return self._open

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            busy = "locked" in str(error)
            raise AccessStoreError(
                f"{self.path} can't be used: {error}.",
                hint="Another program holds it; try again." if busy else _RESTORE,
            ) from None
        except sqlite3.Error as error:
            raise AccessStoreError(f"{self.path} is damaged: {error}.", hint=_RESTORE) from None
        except OSError as error:
            raise AccessStoreError(
                f"{error.filename or self.path} can't be used: {error.strerror}.",
                hint="Check its permissions and the disk.",
            ) from None


def _identity(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (facts.st_dev, facts.st_ino)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, which is made where it is missing: opening makes files, and switches to WAL."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_IMODE(os.fstat(fd).st_mode) & 0o077:
            os.fchmod(fd, 0o700)
        fcntl.flock(fd, fcntl.LOCK_EX)
        ignored = folder / ".gitignore"
        if not ignored.exists():
            # The runs' own one above may come later, or never.
            ignored.write_text("*\n", encoding="utf-8")
            ignored.chmod(0o600)
        yield
    finally:
        os.close(fd)


def _make_private(path: Path) -> None:
    """Make the file with mode 0600, which SQLite gives to those beside it too; take others' rights away."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if stat.S_IMODE(os.fstat(fd).st_mode) & 0o077:
            os.fchmod(fd, 0o600)
    finally:
        os.close(fd)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        _check_ours(connection, path)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        older = _changes_of(_pragma(connection, "user_version"))
        script = resources.files("babysitter.access").joinpath("schema.sql").read_text(encoding="utf-8")
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{older}\n{script}\nPRAGMA application_id={_APPLICATION};\n"
            f"PRAGMA user_version={VERSION};\nCOMMIT;"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _changes_of(version: int) -> str:
    """Return what makes a database of that version one of ours; 0 is an empty one."""
    return "ALTER TABLE passkeys ADD COLUMN name TEXT NOT NULL DEFAULT '';" if version == 1 else ""


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Return for an empty file, and for a whole one of ours."""
    application, version = (_pragma(connection, name) for name in ("application_id", "user_version"))
    with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as found:
        is_empty = found.fetchone()[0] == 0
    if is_empty and version == 0:
        return
    if application != _APPLICATION or version > VERSION:
        raise AccessStoreError(
            f"{path} is of another program, or of a newer version of this one.",
            hint="Use the version that made it, or restore the folder from a copy.",
        )
    said = _pragma(connection, "quick_check(1)")
    if said != "ok":
        raise AccessStoreError(f"{path} is damaged: {said}.", hint=_RESTORE)


def _pragma(connection: sqlite3.Connection, name: str) -> Any:  # noqa: ANN401 (a number or a text)
    with closing(connection.execute(f"PRAGMA {name}")) as found:
        return found.fetchone()[0]


def _key_of(folder: Path, connection: sqlite3.Connection, dice: Dice) -> ServerKey:
    """Return the key that the database's digests were made under; a new database gets one."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (_KEY_CHECK,)).fetchone()
    key = read_key(folder)
    if row is None:
        key = key or make_key(folder, dice)
        connection.execute("INSERT INTO facts VALUES (?, ?)", (_KEY_CHECK, key.digest("check")))
        return key
    if key is None or not key.matches(row["value"], "check"):
        raise AccessStoreError(
            f"{folder / KEY_FILE} is " + ("gone." if key is None else "not the key of access.db beside it."),
            hint=_RESTORE,
        )
    return key
