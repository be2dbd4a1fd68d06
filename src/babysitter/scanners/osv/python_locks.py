"""Lock files of Python: requirements with pins, uv.lock, poetry.lock, pdm.lock, pylock.toml, Pipfile.lock.

A requirement that is not pinned to one version has none that could be held against an advisory; it is named
as a problem. Markers are not evaluated: what one platform gets is looked at for all.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from babysitter.scanners.osv.packages import Locked, LockFileError, Package, refuse, unique

_LOCAL = ("editable", "virtual", "directory", "path")
_OPTION = re.compile(r"\s--\S+.*$")
_COMMENT = re.compile(r"(^|\s)#.*$")


def read_requirements(content: bytes) -> Locked:
    """Return the pins of a requirements file."""
    packages: list[Package] = []
    problems: list[str] = []
    for line in _logical_lines(content.decode(errors="replace")):
        try:
            packages.append(_pinned(line))
        except LockFileError as error:
            problems.append(str(error))
    return Locked(unique(packages), tuple(problems))


def _logical_lines(text: str) -> Iterator[str]:
    """Yield each requirement, continued lines joined, comments and hashes left out."""
    for line in text.replace("\\\n", " ").replace("\\\r\n", " ").splitlines():
        stripped = _COMMENT.sub("", line).strip()
        if not stripped or re.match(
            r"--(index-url|extra-index-url|find-links|no-|only-|pre|trusted)", stripped
        ):
            continue
        yield _OPTION.sub("", stripped).strip()


def _pinned(line: str) -> Package:
    if line.startswith(("-r", "-c", "--requirement", "--constraint")):
        refuse(f"{line!r} leads to another file, which is looked at only when it is named requirements*.txt")
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        refuse(f"{line!r} is no requirement with a version")
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "===") or "*" in specifiers[0].version:
        refuse(f"{requirement.name} is not pinned to one version (==)")
    return Package(ecosystem="PyPI", name=requirement.name, version=specifiers[0].version)


def read_toml_lock(content: bytes) -> Locked:
    """Return the packages of uv.lock, poetry.lock, pdm.lock or pylock.toml.

    Raises:
        LockFileError: it is no TOML, or has no list of packages.
    """
    try:
        lock: dict[str, Any] = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refuse(f"it is no TOML: {error}")
    entries = lock.get("package", lock.get("packages"))
    if not isinstance(entries, list):
        refuse("it has no list of packages")
    return _from(entries)


def _from(entries: Iterable[Any]) -> Locked:
    packages: list[Package] = []
    problems: list[str] = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            refuse("an entry has no name")
        source = entry.get("source", {})
        if (isinstance(source, dict) and any(kind in source for kind in _LOCAL)) or "directory" in entry:
            # The project itself and its neighbours: they have no advisories.
            continue
        if not isinstance(entry.get("version"), str):
            problems.append(f"{entry['name']} has no version")
            continue
        packages.append(Package(ecosystem="PyPI", name=entry["name"], version=entry["version"]))
    return Locked(unique(packages), tuple(problems))


class _PipfileLock(msgspec.Struct):
    default: dict[str, dict[str, Any]] = {}
    develop: dict[str, dict[str, Any]] = {}
    meta: Any = msgspec.field(name="_meta", default=None)


def read_pipfile_lock(content: bytes) -> Locked:
    """Return the packages of a Pipfile.lock.

    Raises:
        LockFileError: it is none.
    """
    try:
        lock = msgspec.json.decode(content, type=_PipfileLock)
    except msgspec.DecodeError as error:
        refuse(f"it is no Pipfile.lock: {error}")
    packages: list[Package] = []
    problems: list[str] = []
    for name, entry in [*lock.default.items(), *lock.develop.items()]:
        version = entry.get("version")
        if isinstance(version, str) and version.startswith("=="):
            packages.append(Package(ecosystem="PyPI", name=name, version=version.lstrip("=")))
        else:
            problems.append(f"{name} is not pinned to one version")
    return Locked(unique(packages), tuple(problems))


def read_installed(site_packages: Path) -> Locked:
    """Return the packages that are installed in a folder, as their metadata says.

    Raises:
        OSError: the folder can't be read.
    """
    packages: list[Package] = []
    problems: list[str] = []
    for folder in sorted(site_packages.iterdir()):
        if folder.suffix != ".dist-info":
            continue
        fields = _metadata(folder / "METADATA")
        if {"Name", "Version"} <= fields.keys():
            packages.append(Package(ecosystem="PyPI", name=fields["Name"], version=fields["Version"]))
        else:
            problems.append(f"{folder.name} does not say its name and version")
    return Locked(unique(packages), tuple(problems))


def _metadata(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    head = text.partition("\n\n")[0]
    return {
        key: value.strip() for key, _, value in (line.partition(":") for line in head.splitlines()) if value
    }
