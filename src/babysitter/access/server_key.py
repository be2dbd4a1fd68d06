"""The key of a server: what tokens, cookies and codes are digested under, and challenges are sealed with.

Whoever copies the database alone learns no token and can't make one. Deleting the key
makes every token, session and invitation worthless at once.

Invariants, each with a test in tests/unit/access/test_storage.py:
    - the key appears whole or not at all, and is made once whoever asks first;
    - a key that others may read, or of another length, is refused.

Why not Argon2id: ADR 0041.
"""

import hmac
import os
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from babysitter.model.clock import Dice
from babysitter.model.errors import AccessStoreError

KEY_FILE = "key"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ServerKey:
    """32 random bytes; never printed."""

    _key: bytes = field(repr=False)

    def digest(self, purpose: str, *parts: bytes) -> bytes:
        """Return the HMAC-SHA256 of the parts, for one purpose: no digest fits another one."""
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in (purpose.encode(), *parts))
        return hmac.digest(self._key, framed, sha256)

    def matches(self, digest: bytes, purpose: str, *parts: bytes) -> bool:
        """Tell whether that is their digest, in a time that says nothing about where it differs."""
        return hmac.compare_digest(digest, self.digest(purpose, *parts))


def read_key(folder: Path) -> ServerKey | None:
    """Return the key of a folder; None where there is none.

    Raises:
        AccessStoreError: it can't be used.
    """
    path = folder / KEY_FILE
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AccessStoreError(
            f"{path} can't be read: {error.strerror}.", hint="It is a file of its own, of mode 0600."
        ) from None
    if mode & 0o077:
        raise AccessStoreError(
            f"others may read {path}.",
            hint="Whoever did can make tokens. Remove it and access.db beside it, and let everybody in anew.",
        )
    if len(key) != KEY_BYTES:
        raise AccessStoreError(
            f"{path} is no key: it has {len(key)} bytes, not {KEY_BYTES}.",
            hint="Restore it from a copy; or remove it and access.db beside it, and let everybody in anew.",
        )
    return ServerKey(key)


def make_key(folder: Path, dice: Dice) -> ServerKey:
    """Make the key of a folder; the caller holds the folder's lock and has found none.

    Raises:
        AccessStoreError: it can't be written.
    """
    key = dice.bits(8 * KEY_BYTES).to_bytes(KEY_BYTES, "big")
    path, aside = folder / KEY_FILE, folder / f".{KEY_FILE}.part"
    try:
        aside.unlink(missing_ok=True)
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        # Linked, not renamed: a key that is there already is never replaced.
        os.link(aside, path)
        aside.unlink()
    except OSError as error:
        raise AccessStoreError(
            f"{path} can't be made: {error.strerror}.", hint="Check the folder's permissions and the disk."
        ) from None
    return ServerKey(key)
