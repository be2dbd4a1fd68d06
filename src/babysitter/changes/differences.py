"""The difference between two states: which files, and the whole of it in git's own format.

Renames are told as such, binary files are in it, and what is too large is named with its sizes instead of
being left out in silence. A file that has become a link, or a link to another repository, is one that was
deleted and one that was added: so git writes it, in two sections of the patch.
"""

from dataclasses import dataclass, replace

from babysitter.changes.git import Git
from babysitter.model.changes import Change, ChangedFile
from babysitter.model.errors import ReviewError

FILE_BYTES_MAX = 8 * 1024 * 1024
"""A file with more than this, before or after, is told by its name, modes and sizes alone."""
PATCH_BYTES_MAX = 64 * 1024 * 1024
_RENAMES = ("-M50%", "-l1000")
_FORM = ("--full-index", "--binary", "--no-color", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/")
_LINES = ("--diff-algorithm=histogram", "--no-ext-diff", "--no-textconv")
_CHANGES: dict[bytes, Change] = {b"A": "added", b"D": "deleted", b"R": "renamed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files that differ, those with a section of the patch in its order, and the patch."""

    files: tuple[ChangedFile, ...]
    patch: bytes


@dataclass(frozen=True, slots=True)
class _Entry:
    mode_before: str
    mode: str
    blob_before: bytes
    blob: bytes
    change: Change
    was: bytes
    path: bytes


def difference(git: Git, before: str, after: str) -> Found:
    """Return the difference between two trees.

    Raises:
        ReviewError: it is larger than can be kept.
    """
    entries = _entries(git.run("diff-tree", "-r", "-z", "--raw", "--full-index", *_RENAMES, before, after))
    sizes = _sizes(git, entries)
    large = [each for each in entries if _size(sizes, each) > FILE_BYTES_MAX]
    if sum(_size(sizes, each) for each in entries if each not in large) > PATCH_BYTES_MAX:
        raise ReviewError(
            f"the files that changed have more than {PATCH_BYTES_MAX >> 20} MiB: nobody can review that.",
            hint='Ask sooner, name a nearer commit (diff="….."), or have .gitignore name what is no source.',
        )
    without = [b":(exclude,literal,top)" + path for each in large for path in {each.path, each.was} if path]
    words = [word.decode("utf-8", "surrogateescape") for word in without]
    pathspec = ("--", ":/", *words) if words else ()
    patch = git.run("diff-tree", "-r", "-p", *_RENAMES, *_FORM, *_LINES, before, after, *pathspec)
    counted = git.run("diff-tree", "-r", "-z", "--numstat", *_RENAMES, *_LINES, before, after)
    lines = _lines(counted)
    kept = [each for each in entries if each not in large]
    files = (
        *(_file(each, sizes, lines) for each in kept),
        *(_file(each, sizes, lines, kept=False) for each in large),
    )
    return Found(files=files, patch=patch)


def _entries(raw: bytes) -> list[_Entry]:
    """Return what ``--raw -z`` lists: ``:modes blobs letter NUL path NUL``, with two paths for a rename.

    One for each section that the patch has.
    """
    parts = raw.split(b"\0")
    found = []
    place = 0
    while place + 1 < len(parts):
        mode_before, mode, blob_before, blob, letter = parts[place].lstrip(b":").split(b" ")
        is_renamed = letter[:1] in (b"R", b"C")
        was = parts[place + 1] if is_renamed else b""
        place += 3 if is_renamed else 2
        entry = _Entry(
            mode_before=_mode(mode_before),
            mode=_mode(mode),
            blob_before=blob_before,
            blob=blob,
            change=_CHANGES.get(letter[:1], "changed"),
            was=was,
            path=parts[place - 1],
        )
        found += _in_two(entry) if letter[:1] == b"T" else [entry]
    return found


def _in_two(entry: _Entry) -> list[_Entry]:
    """Return what became of a path that is of another type now, in the order of the patch's sections."""
    nothing = b"0" * len(entry.blob)
    return [
        replace(entry, change="deleted", mode="", blob=nothing),
        replace(entry, change="added", mode_before="", blob_before=nothing),
    ]


def _mode(mode: bytes) -> str:
    return "" if mode == b"000000" else mode.decode()


def _sizes(git: Git, entries: list[_Entry]) -> dict[bytes, int]:
    """Return the size of each blob that the entries name."""
    names = {name for each in entries for name in (each.blob_before, each.blob) if name.strip(b"0")}
    if not names:
        return {}
    asked = b"".join(name + b"\n" for name in sorted(names))
    told = git.run("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=asked)
    sizes = {}
    for line in told.splitlines():
        words = line.split(b" ")
        if len(words) == 3 and words[1] == b"blob":
            sizes[words[0]] = int(words[2])
    missing = [each for each in entries if not _is_known(sizes, each)]
    if missing:
        raise ReviewError(
            f"the contents of {missing[0].path.decode('utf-8', 'backslashreplace')} are not to be had, so "
            "what changed can't be shown.",
            hint="A partial clone or a shallow one lacks objects: fetch them, and drive the run again.",
        )
    return sizes


def _is_known(sizes: dict[bytes, int], entry: _Entry) -> bool:
    sides = ((entry.mode_before, entry.blob_before), (entry.mode, entry.blob))
    return all(not mode or mode == "160000" or blob in sizes for mode, blob in sides)


def _size(sizes: dict[bytes, int], entry: _Entry) -> int:
    return max(sizes.get(entry.blob_before, 0), sizes.get(entry.blob, 0))


def _lines(numstat: bytes) -> dict[bytes, tuple[int | None, int | None]]:
    """Return lines added and removed by path; None and None for a binary file."""
    parts = numstat.split(b"\0")
    found: dict[bytes, tuple[int | None, int | None]] = {}
    place = 0
    while place < len(parts) and parts[place]:
        added, removed, path = parts[place].split(b"\t", 2)
        place += 1
        if not path:
            path = parts[place + 1]
            place += 2
        found[path] = (_number(added), _number(removed))
    return found


def _number(text: bytes) -> int | None:
    return None if text == b"-" else int(text)


def _file(
    entry: _Entry,
    sizes: dict[bytes, int],
    lines: dict[bytes, tuple[int | None, int | None]],
    *,
    kept: bool = True,
) -> ChangedFile:
    added, removed = lines.get(entry.path, (None, None))
    if added is not None:
        # Of a path that is of another type now, git counts both sides at once.
        added = 0 if entry.change == "deleted" else added
        removed = 0 if entry.change == "added" else removed
    return ChangedFile(
        path=entry.path.decode("utf-8", "backslashreplace"),
        change=entry.change,
        was=entry.was.decode("utf-8", "backslashreplace"),
        mode_before=entry.mode_before,
        mode=entry.mode,
        bytes_before=sizes.get(entry.blob_before, 0),
        bytes=sizes.get(entry.blob, 0),
        added=added,
        removed=removed,
        kept=kept,
    )
