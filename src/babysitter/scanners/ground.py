"""What is scanned: the files below some paths of a workspace, listed by us.

Every scanner gets its files by name, so that what a tool leaves out on its own (ignore files in the very
code that is looked at, built-in lists) can be told from what it looked at.

Left out: links, what the settings exclude, and folders of installed things unless a path names them.
"""

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Self

from babysitter.model.errors import InvalidValueError

_LINE_END = re.compile(r"\r\n|\r|\n")
INSTALLED = frozenset(
    ".a5c .git .hg .svn .tox .nox .venv .mypy_cache .pytest_cache .ruff_cache __pycache__"
    " node_modules".split()
)
"""Folders that hold what others wrote or what can be made again."""


@dataclass(frozen=True)
class Ground:
    """Some paths of a workspace. ``root`` is resolved; ``paths`` and ``exclude`` are relative to it."""

    root: Path
    paths: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a path that is not there, or that leads out."""
        for path in self.paths:
            place = (self.root / path).resolve()
            if not place.is_relative_to(self.root) or not place.exists():
                raise InvalidValueError(
                    f"{path} is no file or folder of {self.root}.",
                    hint="Name paths that are there, relative to the workspace.",
                    path=path,
                )

    @classmethod
    def of_files(cls, root: Path, files: Iterable[str], exclude: tuple[str, ...] = ()) -> Self:
        """Return the ground of these files and no others; what is no file, or a link, is left out."""
        there = (file for file in files if (root / file).is_file() and not (root / file).is_symlink())
        inside = tuple(file for file in there if (root / file).resolve().is_relative_to(root))
        return cls(root, inside, exclude)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file, relative to the root, sorted."""
        return self._listed[0]

    @property
    def unread(self) -> tuple[str, ...]:
        """The folders that can't be listed, so nobody knows what is in them."""
        return self._listed[1]

    @cached_property
    def _listed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        found: set[str] = set()
        unread: list[str] = []
        for path in self.paths:
            place = (self.root / path).resolve()
            if place.is_file():
                found.add(place.relative_to(self.root).as_posix())
            else:
                found.update(self._below(place, unread))
        kept = (sorted(each for each in names if not self._excluded(each)) for names in (found, unread))
        return tuple(next(kept)), tuple(next(kept))

    def _below(self, folder: Path, unread: list[str]) -> Iterable[str]:
        def note(error: OSError) -> None:
            unread.append(self.relative(str(error.filename)))

        for here, folders, names in os.walk(folder, onerror=note):
            place = Path(here)
            folders[:] = [name for name in folders if not self._is_installed(place / name)]
            for name in names:
                file = place / name
                try:
                    is_ours = stat.S_ISREG(file.lstat().st_mode)
                except PermissionError as error:
                    note(error)
                    continue
                except FileNotFoundError:
                    # It has gone meanwhile.
                    continue
                if is_ours:
                    yield file.relative_to(self.root).as_posix()

    def _is_installed(self, folder: Path) -> bool:
        return folder.name in INSTALLED or folder.is_symlink() or (folder / "pyvenv.cfg").is_file()

    def _excluded(self, file: str) -> bool:
        return any(matches(file, pattern) for pattern in self.exclude)

    def ending(self, *suffixes: str) -> tuple[str, ...]:
        """Return the files whose name ends so."""
        return tuple(file for file in self.files if file.endswith(suffixes))

    def named(self, *patterns: str) -> tuple[str, ...]:
        """Return the files whose last part matches one of the globs."""
        return tuple(
            file
            for file in self.files
            if any(fnmatchcase(PurePosixPath(file).name, pattern) for pattern in patterns)
        )

    def relative(self, path: str) -> str:
        """Return a path as a tool wrote it, relative to the root."""
        return Path(os.path.relpath(self.root / path, self.root)).as_posix()

    def text(self, file: str) -> str:
        """Return what stands in a file; nothing when it is none of the root's, or can't be read."""
        place = (self.root / file).resolve()
        # A report may name anything, a device too.
        if not place.is_relative_to(self.root) or not place.is_file():
            return ""
        try:
            return place.read_bytes().decode("utf-8", errors="replace")
        except OSError:
            return ""

    def lines(self, file: str) -> list[str]:
        """Return the lines of a file, as tools count them; none when it can't be read."""
        return lines_of(self.text(file))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as compilers count them: a form feed or U+2028 ends none."""
    return _LINE_END.split(text)


def matches(file: str, pattern: str) -> bool:
    """Tell whether a file is what the glob names, or stands below a folder that it names."""
    parts = PurePosixPath(file)
    places = (parts.as_posix(), *(parent.as_posix() for parent in parts.parents))
    return any(fnmatchcase(place, pattern.rstrip("/")) for place in places)
