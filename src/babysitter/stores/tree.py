"""Files below one directory, reached one part at a time and never through a symlink.

Invariants, each with a test in tests/unit/stores/:
    - no path leaves the directory, whatever symlinks somebody put there;
    - a file is replaced in one step: readers see the old or the new, whole;
    - after a durable write the file, its directory's entry and those above it survive a crash.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from babysitter.model.errors import BabysitterError, NotFoundError
from babysitter.stores.disk import Buffer, Disk
from babysitter.stores.failures import store_failed
from babysitter.stores.paths import check_path, symlink_refused

_KNOWN_DIRECTORIES_MAX = 64
_LINK_ERRORS = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})
_NO_FILE = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOENT, errno.ENXIO})
"""What opening says of a symlink, of what is gone meanwhile, and of a socket."""


def temporary_name(name: str) -> str:
    """Return the name under which a file is written before it takes its own; a leftover is overwritten."""
    return f".{name}.part"


def write_all(disk: Disk, fd: int, data: Buffer) -> None:
    """Write every byte; a disk that takes only some at a time is asked again, one that takes none is full."""
    view = memoryview(data)
    while view:
        taken = disk.write(fd, view)
        if taken <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[taken:]


class Tree:
    """One directory of ours. Holds no descriptor between calls, so a thousand of them cost none."""

    def __init__(self, disk: Disk, root: str) -> None:
        self.disk = disk
        self.root = root
        self._durable: set[tuple[str, ...]] = set()

    def size(self, path: str) -> int:
        """Return the file's length in bytes. Errors as ``read``."""
        with self._errors("reading", path):
            fd = self.open(path, os.O_RDONLY)
            try:
                return self.disk.size(fd)
            finally:
                self.disk.close(fd)

    def read(self, path: str, *, offset: int = 0, most: int | None = None) -> bytes:
        """Return the file's bytes from ``offset`` on, at most so many.

        Raises:
            NotFoundError: there is no such file.
        """
        disk, parts = self.disk, check_path(path)
        held: list[int] = []
        # Without the context managers of the others: verification reads thousands of small files.
        try:
            fd = None
            for part in (self.root, *parts[:-1]):
                fd = disk.open_directory(part, fd)
                held.append(fd)
            fd = disk.open_file(parts[-1], os.O_RDONLY, fd)
            held.append(fd)
            return disk.read(fd, offset, most)
        except OSError as error:
            raise self._error_of(error, "reading", path) from error
        finally:
            for fd in held:
                disk.close(fd)

    def replace(self, path: str, data: Buffer, *, durable: bool, writer: str = "") -> None:
        """Write the file aside and give it its name; with ``durable`` no crash afterwards loses it.

        writer: who writes, where several may write one file at once: each then has a name aside of its own.
        """
        with self._errors("writing", path):
            with self.parent(path, make=True) as (dir_fd, name):
                aside = temporary_name(f"{name}.{writer}" if writer else name)
                fd = self.disk.open_file(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd)
                try:
                    write_all(self.disk, fd, data)
                    if durable:
                        self.disk.sync(fd)
                finally:
                    self.disk.close(fd)
                self.disk.rename(aside, name, dir_fd)
                if durable:
                    self.disk.sync(dir_fd)
            if durable:
                self._sync_above(check_path(path)[:-1])

    def overwrite(self, path: str, data: Buffer) -> None:
        """Write the file in its place, not synced: for what a reader can do without."""
        with self._errors("writing", path), self.parent(path, make=True) as (dir_fd, name):
            fd = self.disk.open_file(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd)
            try:
                write_all(self.disk, fd, data)
            finally:
                self.disk.close(fd)

    def open(self, path: str, flags: int) -> int:
        """Return a descriptor of the file; the caller closes it."""
        making = bool(flags & os.O_CREAT)
        with self._errors("opening", path), self.parent(path, make=making) as (dir_fd, name):
            return self.disk.open_file(name, flags, dir_fd)

    def sync_entries(self, path: str) -> None:
        """Make the entries that lead to the file durable, from the file's directory up to the tree's own."""
        with self._errors("syncing the directory of", path):
            parts = check_path(path)[:-1]
            with self.directory(parts) as fd:
                self.disk.sync(fd)
            self._sync_above(parts)

    def remove(self, path: str) -> None:
        """Remove the file; removing it twice does nothing."""
        with self._errors("removing", path), self.parent(path) as (dir_fd, name):
            try:
                self.disk.remove(name, dir_fd)
            except FileNotFoundError:
                return

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted, without unfinished files; none when it is not there."""
        try:
            with self._errors("listing", path), self.directory(check_path(path)) as fd:
                return sorted(name for name, _ in self.disk.entries(fd) if not name.startswith("."))
        except NotFoundError:
            return []

    def walk(self) -> list[str]:
        """Return the paths of all that is not a directory, symlinks and unfinished files too, sorted."""
        found: list[str] = []
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            parts = waiting.pop()
            with self._errors("listing", "/".join(parts) or "."), self.directory(parts) as fd:
                entries = self.disk.entries(fd)
            for name, is_directory in entries:
                if is_directory:
                    waiting.append((*parts, name))
                else:
                    found.append("/".join((*parts, name)))
        return sorted(found)

    def whole_size(self) -> int:
        """Return how many bytes all files have together; symlinks and sockets are no files of ours."""
        whole = 0
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            parts = waiting.pop()
            with self._errors("measuring", "/".join(parts) or "."), self.directory(parts) as fd:
                for name, is_directory in self.disk.entries(fd):
                    if is_directory:
                        waiting.append((*parts, name))
                    else:
                        whole += self._size_of(name, fd)
        return whole

    def _size_of(self, name: str, dir_fd: int) -> int:
        try:
            fd = self.disk.open_file(name, os.O_RDONLY, dir_fd)
        except OSError as error:
            if error.errno in _NO_FILE:
                return 0
            raise
        try:
            return self.disk.size(fd)
        finally:
            self.disk.close(fd)

    @contextmanager
    def directory(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """Give a descriptor of the directory; with ``make`` it and those above it are made when missing."""
        fd = self.disk.open_directory(self.root)
        try:
            for part in parts:
                below = self._step(part, fd, make=make)
                self.disk.close(fd)
                fd = below
            yield fd
        finally:
            self.disk.close(fd)

    @contextmanager
    def parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Give a descriptor of the file's directory, and the file's name in it."""
        parts = check_path(path)
        with self.directory(parts[:-1], make=make) as fd:
            yield fd, parts[-1]

    def _step(self, part: str, fd: int, *, make: bool) -> int:
        try:
            return self.disk.open_directory(part, fd)
        except FileNotFoundError:
            if not make:
                raise
        try:
            self.disk.make_directory(part, fd)
        except FileExistsError:
            # Another thread of this driver made it between the two calls.
            return self.disk.open_directory(part, fd)
        return self.disk.open_directory(part, fd)

    def _sync_above(self, parts: tuple[str, ...]) -> None:
        # A directory may stem from an earlier driver that never synced it, so
        # "it was there already" says nothing; only what this tree synced counts.
        while parts:
            if parts not in self._durable:
                with self.directory(parts[:-1]) as fd:
                    self.disk.sync(fd)
                if len(self._durable) >= _KNOWN_DIRECTORIES_MAX:
                    self._durable.clear()
                self._durable.add(parts)
            parts = parts[:-1]

    @contextmanager
    def _errors(self, what: str, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error_of(error, what, path) from error

    def _error_of(self, error: OSError, what: str, path: str) -> BabysitterError:
        if isinstance(error, FileNotFoundError):
            return NotFoundError(
                f"there is no {path} in {self.root}.",
                hint="Look at the name; 'babysitter run list' shows the runs there are.",
                path=path,
            )
        if error.errno in _LINK_ERRORS:
            return symlink_refused(path)
        return store_failed(error, f"{what} {path}", f"{self.root}/{path}")
