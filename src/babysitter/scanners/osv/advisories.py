"""An advisory database on disk, in OSV format: JSON files in any folders, or zip files of them.

Withdrawn advisories are left out when they are read. One that can't be read is named: what it says is not
known, so a scan with such a database has not passed.

Source: Open Source Vulnerability format, version 1.7 (OpenSSF).
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

ECOSYSTEMS = ("PyPI", "npm")
"""Those whose versions we can compare."""


class Event(msgspec.Struct, frozen=True):
    """A version at which a range begins or ends; one of these is set."""

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    limit: str = ""


class Range(msgspec.Struct, frozen=True):
    """Versions that are affected. type: ``SEMVER``, ``ECOSYSTEM`` or ``GIT``."""

    type: str
    events: tuple[Event, ...] = ()


class PackageName(msgspec.Struct, frozen=True):
    """What an advisory calls a package."""

    ecosystem: str
    name: str


class Affected(msgspec.Struct, frozen=True):
    """One package that an advisory is about."""

    package: PackageName | None = None
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[dict[str, str], ...] = ()
    database_specific: dict[str, Any] | None = None
    ecosystem_specific: dict[str, Any] | None = None


class Advisory(msgspec.Struct, frozen=True):
    """One advisory; fields that we do not use are left out."""

    id: str
    modified: str = ""
    withdrawn: str | None = None
    aliases: tuple[str, ...] = ()
    summary: str = ""
    details: str = ""
    severity: tuple[dict[str, str], ...] = ()
    affected: tuple[Affected, ...] = ()
    database_specific: dict[str, Any] | None = None


class Database:
    """Advisories by package.

    count: how many were read, withdrawn ones too. newest: when the newest was changed. unreadable: files.
    """

    def __init__(self) -> None:
        self.count = 0
        self.newest = ""
        self.unreadable: list[str] = []
        self._about: dict[tuple[str, str], list[tuple[Advisory, Affected]]] = {}

    def add(self, content: bytes, where: str) -> None:
        """Take an advisory in, or note that it can't be read."""
        try:
            advisory = msgspec.json.decode(content, type=Advisory)
        except msgspec.DecodeError:
            self.unreadable.append(where)
            return
        self.count += 1
        self.newest = max(self.newest, advisory.modified)
        if advisory.withdrawn:
            return
        for affected in advisory.affected:
            package = affected.package
            if package is not None:
                key = package_key(package.ecosystem, package.name)
                self._about.setdefault(key, []).append((advisory, affected))

    def is_about(self, ecosystem: str) -> bool:
        """Tell whether any advisory is about a package of that ecosystem."""
        return any(key[0] == ecosystem for key in self._about)

    def about(self, ecosystem: str, name: str) -> list[tuple[Advisory, Affected]]:
        """Return what there is about a package."""
        return self._about.get(package_key(ecosystem, name), [])


def package_key(ecosystem: str, name: str) -> tuple[str, str]:
    """Return the form in which two names of one package are equal."""
    return (ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name.lower())


def read_database(folder: Path) -> Database:
    """Return the advisories below a folder, or in a zip file.

    Raises:
        OSError: it is not there, or can't be read.
        zipfile.BadZipFile: a zip file is none.
    """
    database = Database()
    for content, where in _files(folder):
        database.add(content, where)
    return database


def _files(place: Path) -> Iterator[tuple[bytes, str]]:
    if place.is_file():
        yield from _in_archive(place)
        return
    if not place.is_dir():
        raise FileNotFoundError(2, "there is no such folder", str(place))
    for file in sorted(place.rglob("*")):
        if file.suffix == ".json" and file.is_file():
            yield file.read_bytes(), file.relative_to(place).as_posix()
        elif file.suffix == ".zip" and file.is_file():
            yield from _in_archive(file)


def _in_archive(file: Path) -> Iterator[tuple[bytes, str]]:
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield archive.read(name), f"{file.name}/{name}"
