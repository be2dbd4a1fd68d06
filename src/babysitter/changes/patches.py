"""A patch taken apart: its sections, one a file, and which lines are new. Pure: bytes in, facts out.

Within a patch of git's every line of content begins with a blank, a sign or a backslash, and no line of a
binary one can hold a blank, so where a section begins can't be forged by what a file holds.
"""

import re
from collections.abc import Sequence

from babysitter.model.changes import ChangedFile

_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_BEGIN = re.compile(rb"^diff --git ", re.MULTILINE)


def sections(patch: bytes) -> list[bytes]:
    """Return the sections of a patch, each from its ``diff --git`` line on."""
    starts = [found.start() for found in _BEGIN.finditer(patch)]
    ends = [*starts[1:], len(patch)][: len(starts)]
    return [patch[start:end] for start, end in zip(starts, ends, strict=True)]


def body(section: bytes) -> bytes:
    """Return a section without its heading: from its first hunk, or from where a binary one begins."""
    for mark in (b"\n@@ ", b"\nGIT binary patch\n", b"\nBinary files "):
        place = section.find(mark)
        if place >= 0:
            return section[place + 1 :]
    return b""


def is_binary(section: bytes) -> bool:
    """Tell whether a section holds a binary file's bytes instead of lines."""
    return body(section).startswith((b"GIT binary patch\n", b"Binary files "))


def new_lines(section: bytes) -> frozenset[int]:
    """Return the numbers of the lines that a section adds, as the file has them afterwards."""
    found: set[int] = set()
    number = left = 0
    for line in body(section).split(b"\n"):
        hunk = _HUNK.match(line) if left <= 0 else None
        if hunk is not None:
            number, left = int(hunk[1]), int(hunk[2] or 1)
            continue
        if line.startswith(b"+"):
            found.add(number)
        if line.startswith((b"+", b" ")):
            number, left = number + 1, left - 1
    return frozenset(found)


def lines_there(files: Sequence[ChangedFile], patch: bytes) -> dict[str, frozenset[int] | None]:
    """Return ``changed_lines`` of the files that are there afterwards."""
    there = {file.path for file in files if file.change != "deleted"}
    return {path: lines for path, lines in changed_lines(files, patch).items() if path in there}


def changed_lines(files: Sequence[ChangedFile], patch: bytes) -> dict[str, frozenset[int] | None]:
    """Return the lines that are new, by path; None: all of the file.

    Args:
        files: those of the difference, in its order.
        patch: the difference.
    """
    found: dict[str, frozenset[int] | None] = {}
    parts = sections(patch)
    # Were there another number of them, nobody would know whose each is: then all lines count as new.
    is_told = len(parts) == sum(file.kept for file in files)
    for number, file in enumerate(files):
        whole = file.change == "added" or file.added is None or not file.kept or not is_told
        found[file.path] = None if whole else new_lines(parts[number])
    return found
