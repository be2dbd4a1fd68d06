"""A package as a lock file or a folder of installed packages has it, and a file that can't be read as one."""

from dataclasses import dataclass
from typing import NoReturn


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


class LockFileError(Exception):
    """A lock file that can't be read; the text says why."""


def refuse(why: str) -> NoReturn:
    """Raise that a lock file can't be read."""
    raise LockFileError(why)


def unique(packages: list[Package]) -> tuple[Package, ...]:
    """Return the packages once each, in their order."""
    return tuple(dict.fromkeys(packages))
