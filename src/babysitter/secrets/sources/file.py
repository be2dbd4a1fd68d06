"""Scheme ``file``: values from files that only their owner can read.

    file:PATH#NAME     the value of NAME in a dotenv file
    file:PATH          the whole file, without one line end at its end

A path is relative to the workspace. A file of somebody else, or one that a group
or everybody may read or write, is refused before a byte of it is used.
"""

import os
import stat
from pathlib import Path
from typing import Final

from babysitter.model.errors import SecretSourceError
from babysitter.secrets.sources.dotenv import DotenvError, parse_dotenv

FILE_BYTES_MAX: Final = 1024 * 1024


class FileSource:
    """Gives what stands in files. Reads a file anew for each secret, and keeps none of it."""

    scheme = "file"

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, name: str) -> str | None:
        """Return the value; None when the file has no such name, or an empty value for it.

        Raises:
            SecretSourceError: the file is not there, not ours alone, or not readable as what it should be.
        """
        path, hash_sign, key = name.partition("#")
        text = self._read(path, f"file:{name}")
        if not hash_sign:
            return text.removesuffix("\n").removesuffix("\r") or None
        try:
            return parse_dotenv(text).get(key) or None
        except DotenvError as error:
            raise SecretSourceError(
                f"file:{name}: {error}",
                hint="Mend that line; a value in single quotes is taken as it stands.",
                ref=f"file:{name}",
            ) from None

    def _read(self, path: str, ref: str) -> str:
        try:
            # A pipe would keep us waiting for whoever opens its other end.
            descriptor = os.open(
                self._root / Path(path).expanduser(), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
            )
        except OSError as error:
            raise SecretSourceError(
                f"{ref} can't be read: {error.strerror}.",
                hint="Check the path; it is relative to the workspace.",
                ref=ref,
            ) from None
        try:
            _check(os.fstat(descriptor), path, ref)
            data = _read_up_to(descriptor, FILE_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
        if len(data) > FILE_BYTES_MAX:
            raise SecretSourceError(
                f"{ref}: the file is larger than 1 MiB.", hint="Name another file.", ref=ref
            )
        try:
            return data.decode()
        except UnicodeDecodeError:
            # The decoder's error holds the bytes.
            raise SecretSourceError(
                f"{ref}: the file is not UTF-8 text.", hint="Encode it, for example as base64.", ref=ref
            ) from None

    def __repr__(self) -> str:
        return "FileSource()"


def _check(facts: os.stat_result, path: str, ref: str) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise SecretSourceError(f"{ref} is no regular file.", hint="Name the file itself.", ref=ref)
    if facts.st_uid != os.geteuid():
        raise SecretSourceError(
            f"{ref}: the file belongs to another user.",
            hint=f"Copy it, or make it yours: chown {os.geteuid()} {path}",
            ref=ref,
        )
    if facts.st_mode & 0o077:
        raise SecretSourceError(
            f"{ref}: others may read or write the file ({stat.filemode(facts.st_mode)}).",
            hint=f"chmod 600 {path}",
            ref=ref,
        )


def _read_up_to(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := os.read(descriptor, size - len(data))):
        data += piece
    return data
