"""One driver's hold on a run of files: the lock, the journal's end, blobs, logs and mail.

Invariants, each with a test:
    - one append is one write and one fdatasync;
    - after any failed operation the lease is dead: Linux may report the next sync as good although the
      pages of the failed one were dropped, so nothing may be acknowledged after it;
    - the sidecar says "released" only after an orderly end, so the next driver knows when to write the
      good part of the journal to a fresh file. A lost or damaged sidecar counts as no orderly end.
"""

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

import msgspec

from babysitter.model.errors import (
    AppendConflictError,
    NotFoundError,
    RunLockedError,
    StoreError,
    StoreFailedError,
)
from babysitter.stores.disk import Disk
from babysitter.stores.failures import disk_errors, store_failed
from babysitter.stores.interface import Holder, LogFile
from babysitter.stores.tree import Tree, write_all

T = TypeVar("T")

JOURNAL = "journal/journal.jsonl"
DRIVER = "state/driver.json"
_LOCKED_FILE = "run.json"
_LOCK_TRIES = 4
_LOCK_TRIES_WHILE_ASKED = 100
_LOCK_PAUSE_S = 0.002
"""Whoever asks who holds a run takes the lock for microseconds; a driver that meets that tries again, and
again for as long as it meets nobody else: many who ask at once must not look like a driver."""


class Driver(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The content of ``state/driver.json``: who drives, or the journal's length at an orderly end."""

    holder: Holder | None = None
    released_at_bytes: int | None = None


def read_driver(tree: Tree) -> Driver:
    """Return the sidecar's content; an empty Driver when it is missing or damaged."""
    try:
        return msgspec.json.decode(tree.read(DRIVER), type=Driver)
    except (NotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return Driver()


def mark_released(tree: Tree, size: int) -> None:
    """Say that ``size`` bytes of journal are on disk. A failure is not told: the next driver checks more."""
    try:
        tree.overwrite(DRIVER, msgspec.json.encode(Driver(released_at_bytes=size)))
    except StoreError:
        return


def lock_run(tree: Tree, run_id: str, *, shared: bool) -> int | None:
    """Return a descriptor that holds the run's lock until it is closed, or None when another has it.

    Raises:
        NotFoundError: no such run.
    """
    try:
        fd = tree.open(_LOCKED_FILE, os.O_RDONLY)
    except NotFoundError:
        raise NotFoundError(
            f"there is no run {run_id} at {tree.root}.",
            hint="'babysitter run list' shows the runs there are.",
            run_id=run_id,
        ) from None
    try:
        with disk_errors(f"locking run {run_id}", tree.root):
            if tree.disk.try_lock(fd, shared=shared):
                return fd
    except BaseException:
        tree.disk.close(fd)
        raise
    tree.disk.close(fd)
    return None


def is_driven(tree: Tree, run_id: str) -> bool:
    """Tell whether a driver has the run's lock: those who ask share it, and leave room for one more.

    Raises:
        NotFoundError: no such run.
    """
    fd = lock_run(tree, run_id, shared=True)
    if fd is not None:
        tree.disk.close(fd)
    return fd is None


class FileLog:
    """A task's output file."""

    def __init__(self, lease: "FileLease", tree: Tree, path: str) -> None:
        self._lease = lease
        self._tree = tree
        self._path = path
        self._fd: int | None = lease.guarded(lambda: tree.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))

    def write(self, data: bytes) -> None:
        """See LogFile."""
        assert self._fd is not None, "the log is closed"
        try:
            write_all(self._tree.disk, self._fd, data)
        except OSError as error:
            self._lease.die(store_failed(error, f"writing {self._path}", f"{self._tree.root}/{self._path}"))

    def close(self, *, durable: bool) -> None:
        """See LogFile. Closing twice does nothing."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        try:
            if durable:
                self._tree.disk.sync(fd)
        except OSError as error:
            self._lease.die(store_failed(error, f"syncing {self._path}", f"{self._tree.root}/{self._path}"))
        finally:
            self._tree.disk.close(fd)
        if durable:
            self._lease.guarded(lambda: self._tree.sync_entries(self._path))


class FileLease:
    """See Lease. Blobs and logs may come from several threads at once; appends from one."""

    def __init__(self, disk: Disk, runs_dir: str, run_id: str, holder: Holder) -> None:
        self.run_id = run_id
        self._runs_dir = runs_dir
        self._disk = disk
        self._tree = Tree(disk, f"{runs_dir}/{run_id}")
        self._failure: StoreFailedError | None = None
        self._mutex = threading.Lock()
        self._journal_fd = -1
        self._lock_fd = self._take_lock(holder)
        try:
            self._journal_fd = self._tree.open(JOURNAL, os.O_WRONLY | os.O_APPEND)
            with disk_errors("measuring the journal", f"{self._tree.root}/{JOURNAL}"):
                size = disk.size(self._journal_fd)
            self.clean = read_driver(self._tree).released_at_bytes == size
            self._tree.overwrite(DRIVER, msgspec.json.encode(Driver(holder=holder)))
        except BaseException:
            self._close()
            raise

    def append(self, batch: bytes, *, offset: int) -> None:
        """See Lease."""
        if self._failure is not None:
            raise self._failure
        disk, fd = self._disk, self._journal_fd
        try:
            size = disk.size(fd)
            if size == offset:
                taken = disk.write(fd, batch)
                if taken != len(batch):
                    # Only a full disk takes a part; asking again would write the rest as another batch.
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                disk.sync_data(fd)
        except OSError as error:
            self.die(store_failed(error, "appending to the journal", f"{self._tree.root}/{JOURNAL}"))
        if size != offset:
            raise AppendConflictError(
                f"the journal of run {self.run_id} has {size} bytes, not {offset}: something else wrote.",
                hint="Open the run again, which reads and verifies it.",
                expected=offset,
                actual=size,
            )

    def replace_journal(self, good: bytes) -> None:
        """See Lease."""
        self.guarded(lambda: self._replace_journal(good))
        self.clean = True

    def put_blob(self, path: str, data: bytes) -> None:
        """See Lease."""
        self.guarded(lambda: self._tree.replace(path, data, durable=True))

    def put_derived(self, path: str, data: bytes) -> None:
        """See Lease."""
        self.guarded(lambda: self._tree.replace(path, data, durable=False))

    def open_log(self, path: str) -> LogFile:
        """See Lease."""
        return FileLog(self, self._tree, path)

    def mail(self) -> list[str]:
        """See Lease."""
        return self.guarded(lambda: self._tree.names("mail"))

    def read_mail(self, name: str) -> bytes:
        """See Lease."""
        return self.guarded(lambda: self._tree.read(f"mail/{name}"))

    def delete_mail(self, name: str) -> None:
        """See Lease."""
        self.guarded(lambda: self._tree.remove(f"mail/{name}"))

    def release(self) -> None:
        """See Lease."""
        if self._lock_fd == -1:
            return
        if self._failure is None and self.clean:
            # Without the length the sidecar stays as it is, and the next driver checks more.
            with suppress(OSError):
                mark_released(self._tree, self._disk.size(self._journal_fd))
        self._close()

    def die(self, failure: StoreFailedError) -> NoReturn:
        """Refuse everything from here on with the first failure, and raise this one."""
        with self._mutex:
            if self._failure is None:
                self._failure = failure
        raise failure

    def guarded(self, operation: Callable[[], T]) -> T:
        """Return what the operation gives, unless the lease is dead; a failure kills it."""
        if self._failure is not None:
            raise self._failure
        try:
            return operation()
        except StoreFailedError as failure:
            self.die(failure)

    def _take_lock(self, holder: Holder) -> int:
        for attempt in range(_LOCK_TRIES_WHILE_ASKED):
            if attempt:
                self._disk.pause(_LOCK_PAUSE_S)
            fd = lock_run(self._tree, self.run_id, shared=False)
            if fd is not None:
                return fd
            if attempt + 1 >= _LOCK_TRIES and is_driven(self._tree, self.run_id):
                break
        other = read_driver(self._tree).holder
        who = (
            f"{other.user} on {other.host}, process {other.pid}, since {other.since}"
            if other
            else "another driver"
        )
        raise RunLockedError(
            f"run {self.run_id} is being driven by {who}.",
            hint="Wait until it ends or stop it there; approve, signal and cancel reach a driven run.",
            run_id=self.run_id,
            holder=other,
            asked_by=holder,
        )

    def _replace_journal(self, good: bytes) -> None:
        self._tree.replace(JOURNAL, good, durable=True)
        with disk_errors("syncing the runs directory", self._runs_dir):
            # The driver before may have died between making the run and syncing its entry.
            fd = self._disk.open_directory(self._runs_dir)
            try:
                self._disk.sync(fd)
            finally:
                self._disk.close(fd)
        fresh = self._tree.open(JOURNAL, os.O_WRONLY | os.O_APPEND)
        self._disk.close(self._journal_fd)
        self._journal_fd = fresh

    def _close(self) -> None:
        if self._journal_fd != -1:
            self._disk.close(self._journal_fd)
        # Last, since closing it gives the run free.
        self._disk.close(self._lock_fd)
        self._journal_fd = self._lock_fd = -1
