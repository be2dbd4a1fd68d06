"""Lock files of Python: requirements with pins, uv.lock, poetry.lock, pdm.lock, pylock.toml, Pipfile.lock.

A requirement that is not pinned to one version has none that could be held against an advisory; it is named
as a problem. Markers are not evaluated: what one platform gets is looked at for all.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from babysitter.scanners.osv.packages import Locked, LockFileError, Reading, json_lock, refuse

_LOCAL = ("editable", "virtual", "directory")
"""Folders of somebody's own. A wheel that lies beside the code (``path``) is a package as any other."""
_OPTION = re.compile(r"\s--\S+.*$")
_COMMENT = re.compile(r"(^|\s)#.*$")


def read_requirements(content: bytes) -> Locked:
    """Return the pins of a requirements file."""
    found = Reading("PyPI")
    for line in _logical_lines(content.decode(errors="replace")):
        try:
            found.take(*_pinned(line))
        except LockFileError as error:
            found.problem(str(error))
    return found.locked()


def _logical_lines(text: str) -> Iterator[str]:
    """Yield each requirement, continued lines joined, comments and hashes left out."""
    for line in text.replace("\\\n", " ").replace("\\\r\n", " ").splitlines():
        stripped = _COMMENT.sub("", line).strip()
        if not stripped or re.match(
            r"--(index-url|extra-index-url|find-links|no-|only-|pre|trusted)", stripped
        ):
            continue
        yield _OPTION.sub("", stripped).strip()


def _pinned(line: str) -> tuple[str, str]:
    if line.startswith(("-r", "-c", "--requirement", "--constraint")):
        refuse(f"{line!r} leads to another file, which is looked at only when it is named requirements*.txt")
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        refuse(f"{line!r} is no requirement with a version")
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "===") or "*" in specifiers[0].version:
        refuse(f"{requirement.name} is not pinned to one version (==)")
    return requirement.name, specifiers[0].version


def read_toml_lock(content: bytes) -> Locked:
    """Return the packages of uv.lock, poetry.lock, pdm.lock or pylock.toml.

    Raises:
        LockFileError: it is no TOML, or has no list of packages.
    """
    try:
        lock: dict[str, Any] = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refuse(f"it is no TOML: {error}")
    # One file may have both words, and an installer reads the one that is its own.
    lists = [lock[word] for word in ("package", "packages") if word in lock]
    if not lists or not all(isinstance(entries, list) for entries in lists):
        refuse("it has no list of packages")
    return _from(entry for entries in lists for entry in entries)


def _from(entries: Iterable[Any]) -> Locked:
    found = Reading("PyPI")
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            refuse("an entry has no name")
        source = entry.get("source", {})
        if (isinstance(source, dict) and any(kind in source for kind in _LOCAL)) or "directory" in entry:
            # The project itself and its neighbours: they have no advisories.
            continue
        if isinstance(entry.get("version"), str):
            found.take(entry["name"], entry["version"])
        else:
            found.problem(f"{entry['name']} has no version")
    return found.locked()


def read_pipfile_lock(content: bytes) -> Locked:
    """Return the packages of a Pipfile.lock, of every category that it has.

    Raises:
        LockFileError: it is none.
    """
    lock = json_lock(content, dict[str, dict[str, Any]], "Pipfile.lock")
    found = Reading("PyPI")
    for category, entries in lock.items():
        for name, entry in entries.items() if category != "_meta" else ():
            version = entry.get("version") if isinstance(entry, dict) else None
            if isinstance(version, str) and version.startswith("=="):
                found.take(name, version.lstrip("="))
            else:
                found.problem(f"{name} is not pinned to one version")
    return found.locked()


def read_installed(site_packages: Path) -> Locked:
    """Return the packages that are installed in a folder, as their metadata says.

    Raises:
        OSError: the folder can't be read.
    """
    found = Reading("PyPI")
    for folder in sorted(site_packages.iterdir()):
        if folder.suffix != ".dist-info":
            continue
        fields = _metadata(folder / "METADATA")
        if {"Name", "Version"} <= fields.keys():
            found.take(fields["Name"], fields["Version"])
        else:
            found.problem(f"{folder.name} does not say its name and version")
    return found.locked()


def _metadata(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    head = text.partition("\n\n")[0]
    return {
        key: value.strip() for key, _, value in (line.partition(":") for line in head.splitlines()) if value
    }
