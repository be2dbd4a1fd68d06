"""Keeps compiled databases of rules between programs: making one takes seconds, reading one milliseconds.

What is read must have been written by this user, for these rules and this version of the library, and be
whole;
anything else is ignored and made anew. A cache that can't be written costs time and nothing else.
"""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

_DIGEST_BYTES = 32


class GateCache:
    """Databases in one folder, which is made with mode 0700."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, expressions: Sequence[str], version: str) -> Path:
        """Return where the database of these rules is, or would be."""
        seed = "\0".join((version, *expressions)).encode()
        return self._folder / f"rules-{hashlib.sha256(seed).hexdigest()[:40]}.hsdb"

    def load(self, expressions: Sequence[str], version: str) -> bytes | None:
        """Return the database's bytes; None when there are none that can be trusted."""
        try:
            descriptor = os.open(self.path(expressions, version), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
                return None
            digest, data = file.read(_DIGEST_BYTES), file.read()
        return data if hashlib.sha256(data).digest() == digest else None

    def keep(self, expressions: Sequence[str], version: str, data: bytes) -> None:
        """Keep a database for the next program; without a place to keep it, do nothing."""
        target = self.path(expressions, version)
        fresh = target.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(data).digest() + data)
            fresh.replace(target)
        except OSError:
            return
