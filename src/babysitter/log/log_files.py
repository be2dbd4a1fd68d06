"""The files of a workspace's log: its lock, its lines, and how a failing disk is got over.

Invariants, each with a test in tests/unit/log and tests/fault/test_log_faults.py:
    - the entries that lead to ``log.jsonl`` are durable before its first line is;
    - after a failed operation the lines are written anew before anything is added to them: Linux may
      report the next sync as good though the pages of the failed one were dropped;
    - the folder is for its owner alone (0700), and so are its files (0600).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from babysitter.model.clock import Clock
from babysitter.model.errors import NotFoundError, StoreError, StoreFailedError
from babysitter.stores.failures import disk_errors
from babysitter.stores.tree import Tree, write_all

LOG, CHECKPOINT, LOCK = "log.jsonl", "checkpoint", "lock"
LOCK_WAIT_S = 20.0
_LOCK_PAUSE_S = 0.002


class LogFiles:
    """See the module. Not safe for several threads at once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.folder = Path(tree.root)
        self._is_suspect = False
        self._is_unmarked = False
        self._has_folder = False
        self._is_locked = False

    @contextmanager
    def locked(self, clock: Clock) -> Iterator[None]:
        """Have the log to ourselves. A lock file with something in it says that an operation failed.

        Inside, it may be asked for again by the same thread.

        Raises:
            StoreFailedError: another process has it for too long.
        """
        if self._is_locked:
            yield
            return
        self.make_folder()
        disk = self.tree.disk
        fd = self.tree.open(LOCK, os.O_RDWR | os.O_CREAT)
        try:
            with disk_errors("locking the log", f"{self.folder}/{LOCK}"):
                self._wait_for(fd, clock)
                self._is_suspect = self._is_unmarked or disk.size(fd) > 0
            self._is_locked = True
            try:
                yield
            except StoreError:
                self._mark(fd)
                raise
        finally:
            self._is_locked = False
            disk.close(fd)

    @property
    def is_suspect(self) -> bool:
        """Whether what is read may not be what is on disk, so that it must be written anew. Locked."""
        return self._is_suspect

    def lines(self, offset: int = 0) -> bytes:
        """Return what stands in the log from a byte on."""
        try:
            fd = self.tree.open(LOG, os.O_RDONLY)
        except NotFoundError:
            return b""
        try:
            with disk_errors("reading the log", f"{self.folder}/{LOG}"):
                return self.tree.disk.read(fd, offset)
        finally:
            self.tree.disk.close(fd)

    def append(self, data: bytes, *, durable: bool) -> None:
        """Add whole lines. Locked."""
        fd = self.tree.open(LOG, os.O_WRONLY | os.O_APPEND)
        try:
            with disk_errors("appending to the log", f"{self.folder}/{LOG}"):
                write_all(self.tree.disk, fd, data)
                if durable:
                    self.tree.disk.sync_data(fd)
        finally:
            self.tree.disk.close(fd)

    def rewrite(self, data: bytes) -> None:
        """Have exactly these lines on disk, in a fresh file, when this returns. Locked."""
        self._sync_folder()
        self.tree.replace(LOG, data, durable=True)
        if self._is_suspect:
            self.tree.overwrite(LOCK, b"")
            self._is_suspect = self._is_unmarked = False

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint's bytes; none where there is none, or where a power cut took it."""
        try:
            data = self.tree.read(CHECKPOINT)
        except NotFoundError:
            return b""
        return data if data.strip(b"\0") else b""

    def largest_kept(self) -> bytes:
        """Return the largest checkpoint of those that were kept with what witnesses signed; or none."""
        sizes = [int(name) for name in self.tree.names("checkpoints") if name.isdecimal()]
        return self.tree.read(f"checkpoints/{max(sizes)}") if sizes else b""

    def make_folder(self) -> None:
        """Afterwards the folder is there, and closed to others."""
        if self._has_folder:
            return
        disk = self.tree.disk
        with disk_errors("making the folder of the log", str(self.folder)):
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            above_fd = disk.open_directory(str(self.folder.parent))
            try:
                with suppress(FileExistsError):
                    disk.make_directory(self.folder.name, above_fd)
                fd = disk.open_directory(self.folder.name, above_fd)
            finally:
                disk.close(above_fd)
            try:
                disk.restrict(fd)
            finally:
                disk.close(fd)
        self._has_folder = True

    def _mark(self, fd: int) -> None:
        """Let whoever takes the lock next know that an operation failed: others, or at least ourselves."""
        try:
            write_all(self.tree.disk, fd, b"!")
        except OSError:
            self._is_unmarked = True

    def _sync_folder(self) -> None:
        """Make the folder's own entry durable; whoever made it may have died before."""
        with disk_errors("syncing the folder of the log", str(self.folder)):
            fd = self.tree.disk.open_directory(str(self.folder.parent))
            try:
                self.tree.disk.sync(fd)
            finally:
                self.tree.disk.close(fd)

    def _wait_for(self, fd: int, clock: Clock) -> None:
        until_s = clock.monotonic_s() + LOCK_WAIT_S
        while not self.tree.disk.try_lock(fd, shared=False):
            if clock.monotonic_s() > until_s:
                raise StoreFailedError(
                    f"another process has held the log at {self.folder} for {LOCK_WAIT_S:g} seconds.",
                    hint="Look which one (fuser, lsof); then resume the run: nothing is lost.",
                )
            self.tree.disk.pause(_LOCK_PAUSE_S)
