"""Files of a workspace that pages are read from: found by name, bounded in number and size, never a link.

A task may write a link that points at what must not be shown, so nothing is read that is not where its name
says. What is left out is told.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from babysitter.config import FILE_NAME
from babysitter.model.errors import BabysitterError, SettingsError
from babysitter.service.process.closure import NOT_OURS
from babysitter.service.wiring import folder_tree

FILES_MAX = 5000
FILE_BYTES_MAX = 1024 * 1024
_LOOKED_AT_MAX = 200_000
_FULL = f"Only the first {FILES_MAX} files are taken."
Stamp = tuple[str, int, int]
"""A file's path, time of change in nanoseconds and size: what is different once it was changed."""


@dataclass(slots=True)
class Found:
    """Files by path relative to the root, in order; what was left out, a sentence each.

    unprintable, links: how many were left out for that. Their names are not told: a name may hold
    a credential, and what can't be printed can't be looked for in it.
    """

    root: Path
    stamps: list[Stamp] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unprintable: int = 0
    links: int = 0

    def counted(self) -> "Found":
        """Return this, with what was counted told in the notes."""
        if self.unprintable:
            self.notes.append(f"Left out, as their names can't be printed: {self.unprintable}.")
        if self.links:
            self.notes.append(f"Left out, as they are links or no files at all: {self.links}.")
        return self

    @property
    def stamp(self) -> tuple[object, ...]:
        """What is different once a file, or what is told of them, was changed."""
        return tuple(self.stamps), self.unprintable, self.links

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Yield each file's path and content; one that can't be read by now is told in the notes."""
        tree = folder_tree(self.root)
        for path, _, _ in self.stamps:
            try:
                content = tree.read(path)
            except BabysitterError as error:
                self.notes.append(f"{path} is left out: {error.message}")
            else:
                yield path, content[:FILE_BYTES_MAX]


def stamp_of_file(root: Path, path: str) -> Stamp:
    """Return a file's stamp; zeros where there is none."""
    try:
        facts = (root / path).stat()
    except OSError:
        return path, 0, 0
    return path, facts.st_mtime_ns, facts.st_size


def find_named(root: Path, patterns: Iterable[str], setting: str) -> Found:
    """Return the files that match globs.

    Raises:
        SettingsError: a pattern of the setting leaves the workspace.
    """
    root = root.resolve()
    paths: dict[str, None] = {}
    for pattern in patterns:
        if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
            raise SettingsError(
                f"{root / FILE_NAME}: {setting} has {pattern!r}, which leaves the workspace.",
                hint="Write globs of files below the settings file.",
                file=str(root / FILE_NAME),
                line=0,
            )
        found = (path.relative_to(root).as_posix() for path in islice(root.glob(pattern), _LOOKED_AT_MAX))
        paths |= dict.fromkeys(sorted(found))
    kept = Found(root)
    for path in paths:
        if not NOT_OURS & set(path.split("/")):
            _keep(kept, path, _facts(root / path))
    return kept.counted()


def find_ending(root: Path, ending: str) -> Found:
    """Return the files below a folder whose names end so, but in folders that hide or are not its own."""
    kept = Found(root.resolve())
    todo, looked_at = [""], 0
    while todo and looked_at <= _LOOKED_AT_MAX:
        here = todo.pop()
        folders = []
        for entry in _entries(kept.root / here):
            looked_at += 1
            name = f"{here}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in NOT_OURS:
                    folders.append(f"{name}/")
            elif entry.name.endswith(ending):
                _keep(kept, name, _facts(entry))
        todo += reversed(folders)
    if looked_at > _LOOKED_AT_MAX:
        kept.notes.append(f"Only {_LOOKED_AT_MAX} names of the workspace were looked at.")
    return kept.counted()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        # Removed meanwhile, or of somebody else.
        return []


def _facts(file: Path | os.DirEntry[str]) -> os.stat_result | None:
    """Return what a file is, links not followed; None where it is gone."""
    try:
        return file.lstat() if isinstance(file, Path) else file.stat(follow_symlinks=False)
    except OSError:
        return None


def _keep(found: Found, path: str, facts: os.stat_result | None) -> None:
    """Take a file, or tell why not."""
    if facts is None or stat.S_ISDIR(facts.st_mode):
        return
    if not stat.S_ISREG(facts.st_mode):
        found.links += 1
    elif not path.isprintable():
        found.unprintable += 1
    elif facts.st_size > FILE_BYTES_MAX:
        found.notes.append(f"{path} is left out: it has more than {FILE_BYTES_MAX} bytes.")
    elif len(found.stamps) < FILES_MAX:
        found.stamps.append((path, facts.st_mtime_ns, facts.st_size))
    elif _FULL not in found.notes:
        found.notes.append(_FULL)
