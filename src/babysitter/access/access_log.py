"""Who asked what of a server, from where, and what became of it: one chained line a request.

The lines have the form of a journal's, so the same tools check them. What a request carried is
not in them: no body, no query, no header, no credential but its public id.

Lines are written at once and synced together, at the latest after ``SYNC_EVERY_S``: a power cut
may take the last second of them, and nothing else may. A file whose lines do not chain is set
aside, whole, under a name that says so, and the fresh one begins with what became of it.

Format: docs/reference/access-log.md.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Struct

from babysitter.model.clock import Clock, format_time
from babysitter.model.errors import NotFoundError, StoreError
from babysitter.model.lines import BrokenLineError, Chain, Record
from babysitter.stores.failures import disk_errors
from babysitter.stores.tree import Tree, write_all

FILE = "server/access.jsonl"
BYTES_MAX = 64 * 1024 * 1024
"""A file that has grown to this is set aside, and the next one names it."""
SYNC_EVERY_S = 1.0
TEXT_MAX = 300


class Line(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a line of the log holds; ``type`` is the name of its kind."""

    type: ClassVar[str]


class Requested(Line, frozen=True, kw_only=True):
    """One request. ``who`` is empty where nobody showed who they are.

    credential: the public id of the token or session. address: of the caller, behind trusted proxies too.
    route: the pattern that was met; empty: none. path: as it was asked for, masked, without its query.
    workspace, subject: what it was about, where that is known. ms: how long it took.
    """

    type = "REQUEST"
    who: str = ""
    credential: str = ""
    method_of_credential: str = ""
    address: str
    method: str
    route: str = ""
    path: str = ""
    workspace: str = ""
    status: int
    ms: int
    bytes: int = 0
    refused: str = ""


class Continued(Line, frozen=True, kw_only=True):
    """The first line of a file that follows another: its name, its SHA-256 and why it was set aside."""

    type = "CONTINUED"
    file: str
    sha256: str
    why: Literal["full", "broken"]
    problem: str = ""


class AccessLog:
    """See the module. Safe for several threads; one process writes it, which holds the server's lock."""

    def __init__(self, tree: Tree, clock: Clock) -> None:
        self._tree = tree
        self._clock = clock
        self._lock = threading.Lock()
        self._chain = Chain()
        self._fd = -1
        self._is_dirty = False
        self._is_dead = False

    @property
    def is_dead(self) -> bool:
        """Whether a line could not be written; then nothing may be answered before it is ``open`` again."""
        return self._is_dead

    def open(self) -> None:
        """Afterwards lines can be written; what stands in the file was checked."""
        with self._lock:
            if self._fd >= 0:
                self._tree.disk.close(self._fd)
            self._fd, self._chain = -1, Chain()
            data = self._data()
            try:
                for _ in self._chain.read(data):
                    pass
            except BrokenLineError as broken:
                self._set_aside("broken", broken.problem)
            else:
                self._fd = self._tree.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                self._tree.sync_entries(FILE)
            self._is_dead = False

    def write(self, line: Requested) -> None:
        """Add a line. It is on disk at the latest after ``sync``."""
        with self._lock, self._deadly():
            self._write(line)
            if self._chain.offset > BYTES_MAX:
                self._set_aside("full", "")

    @contextmanager
    def _deadly(self) -> Iterator[None]:
        """Take note of a failure: what stands in the file after it is not known."""
        try:
            yield
        except StoreError:
            self._is_dead = True
            raise

    def sync(self) -> None:
        """Afterwards every line that was written survives a crash of the machine."""
        with self._lock, self._deadly():
            if self._is_dirty and not self._is_dead:
                with disk_errors("syncing the access log", FILE):
                    self._tree.disk.sync_data(self._fd)
                self._is_dirty = False

    def close(self) -> None:
        """Sync, and let go of the file."""
        self.sync()
        with self._lock:
            self._tree.disk.close(self._fd)
            self._fd = -1

    def _write(self, line: Line) -> None:
        data = self._chain.line(line.type, format_time(self._clock.now_ns()), msgspec.json.encode(line))
        with disk_errors("writing the access log", FILE):
            write_all(self._tree.disk, self._fd, data)
        self._is_dirty = True

    def _data(self) -> bytes:
        with suppress(NotFoundError):
            return self._tree.read(FILE)
        return b""

    def _set_aside(self, why: Literal["full", "broken"], problem: str) -> None:
        """Give the file another name and begin a fresh one that names it."""
        data = self._data()
        stamp = format_time(self._clock.now_ns()).replace(":", "").replace(".", "")
        name = f"access-{stamp}{'.broken' if why == 'broken' else ''}.jsonl"
        if self._fd >= 0:
            self._tree.disk.close(self._fd)
            # Should what follows fail: the number may be another file's by then.
            self._fd = -1
        with disk_errors("setting the access log aside", FILE), self._tree.parent(FILE) as (dir_fd, old):
            self._tree.disk.rename(old, name, dir_fd)
            self._tree.disk.sync(dir_fd)
        self._chain = Chain()
        self._fd = self._tree.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        digest = hashlib.sha256(data).hexdigest()
        self._write(Continued(file=name, sha256=digest, why=why, problem=problem))
        with disk_errors("syncing the access log", FILE):
            self._tree.disk.sync_data(self._fd)
        self._tree.sync_entries(FILE)
        self._is_dirty = False


class Unproven(NamedTuple):
    """Where the log can't show that it is whole; ``why`` is a sentence."""

    why: str


def read_access(tree: Tree) -> Iterator[Record | Unproven]:
    """Yield the lines that chain, oldest first, of all files; and where something lacks.

    A broken file hides none of those after it: each begins a chain of its own and names the one before.
    """
    followed = _followed(tree)
    aside = [f"server/{name}" for name in tree.names("server") if name.startswith("access-")]
    for path in sorted(set(aside) - followed.keys()):
        yield Unproven(f"{path} is named by no file that follows it.")
        yield from _lines(path, tree.read(path))
    for path, digest in reversed(followed.items()):
        try:
            data = tree.read(path)
        except NotFoundError:
            if digest:
                yield Unproven(f"{path} is gone, and another file follows it.")
            continue
        if digest and hashlib.sha256(data).hexdigest() != digest:
            yield Unproven(f"{path} is not what it was when it was set aside.")
        yield from _lines(path, data)


def _followed(tree: Tree) -> dict[str, str]:
    """Return the files of the log, the newest first, with the digest that the one after it says it has."""
    found, path, digest = dict[str, str](), FILE, ""
    while path and path not in found:
        found[path] = digest
        path = digest = ""
        with suppress(NotFoundError, BrokenLineError):
            first = next(Chain().read(tree.read(next(reversed(found)))), None)
            if first is not None and first.type == Continued.type:
                said = msgspec.json.decode(first.data, type=Continued)
                path, digest = f"server/{said.file}", said.sha256
    return found


def _lines(path: str, data: bytes) -> Iterator[Record | Unproven]:
    try:
        yield from Chain().read(data)
    except BrokenLineError as broken:
        yield Unproven(f"{path} does not chain from its line {broken.seq} on: {broken.problem}.")


def requested(record: Record) -> Requested | None:
    """Return what a line says of a request; None for a line of another kind."""
    return msgspec.json.decode(record.data, type=Requested) if record.type == Requested.type else None
