"""A package as a lock file or a folder of installed packages has it, and a file that can't be read as one."""

from dataclasses import dataclass
from typing import NoReturn, TypeVar

import msgspec

_Lock = TypeVar("_Lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package at one version. ecosystem: as OSV names it."""

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Locked:
    """What a lock file holds, and what in it has no version that could be held against an advisory."""

    packages: tuple[Package, ...]
    problems: tuple[str, ...] = ()


class Reading:
    """A lock file as it is read: its packages once each, and what has no version."""

    def __init__(self, ecosystem: str) -> None:
        self._ecosystem = ecosystem
        self._packages: dict[Package, None] = {}
        self._problems: list[str] = []

    def take(self, name: str, version: str) -> None:
        """Note a package."""
        self._packages[Package(ecosystem=self._ecosystem, name=name, version=version)] = None

    def problem(self, text: str) -> None:
        """Note what can't be held against an advisory."""
        self._problems.append(text)

    def locked(self) -> Locked:
        """Return what was read."""
        return Locked(tuple(self._packages), tuple(self._problems))


class LockFileError(Exception):
    """A lock file that can't be read; the text says why."""


def refuse(why: str) -> NoReturn:
    """Raise that a lock file can't be read."""
    raise LockFileError(why)


def json_lock(content: bytes, kind: type[_Lock], what: str) -> _Lock:
    """Return a lock file that is JSON.

    Raises:
        LockFileError: it is none.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        refuse(f"it is no {what}: {error}")
