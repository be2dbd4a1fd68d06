"""What the outbox keeps: for each run, which notices it owes and what became of them; and its lock.

Invariants, each with a test in tests/fault/test_outbox_faults.py:
    - a notice is durable here as owed before anything of it leaves;
    - what stands here as sent has been taken by its receiver;
    - a file is replaced whole, and one that is lost costs doubles, never a notice: the journals have it all;
    - the folder is for its owner alone (0700), and so are its files (0600).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from babysitter.model.errors import NotFoundError, StoreFailedError
from babysitter.model.notify_settings import NoticeKind

State = Literal["owed", "sent", "failed", "withdrawn"]
_LOCK, _RUNS, _SUFFIX = "lock", "runs", ".json"


class Kept(Struct, kw_only=True, rename="camel"):
    """A notice, and what became of it.

    state: ``withdrawn``: nothing was left to do, or the settings no longer want it told.
    attempts: how often it was tried. next_ns: not before that. problem: why it was not taken, the last time.
    """

    id: str
    kind: NoticeKind
    channel: str
    seq: int
    breakpoint_id: str = ""
    due_ns: int
    owed_ns: int
    state: State = "owed"
    attempts: int = 0
    next_ns: int = 0
    ended_ns: int = 0
    problem: str = ""


class KeptRun(Struct, kw_only=True, rename="camel"):
    """What is kept of a run.

    offset: how many bytes of its journal have been looked at, and under which settings (a digest).
    next_ns: when something falls due; 0: nothing.
    """

    offset: int = 0
    settings: str = ""
    next_ns: int = 0
    notices: dict[str, Kept] = {}

    @property
    def owed(self) -> list[Kept]:
        """What is still to be delivered, the oldest first."""
        return sorted(
            (each for each in self.notices.values() if each.state == "owed"), key=lambda each: each.due_ns
        )


class FolderDisk(Protocol):
    """What of a disk the lock takes."""

    def try_lock(self, fd: int, *, shared: bool) -> bool:
        """See stores.disk.Disk."""
        ...

    def close(self, fd: int) -> None:
        """See stores.disk.Disk."""
        ...


class Folder(Protocol):
    """The folder of run data, as ``service.wiring.folder_tree`` gives it."""

    @property
    def disk(self) -> FolderDisk:
        """Where it is."""
        ...

    def read(self, path: str) -> bytes:
        """See stores.tree.Tree."""
        ...

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        """See stores.tree.Tree."""
        ...

    def open(self, path: str, flags: int) -> int:
        """See stores.tree.Tree."""
        ...

    def remove(self, path: str) -> None:
        """See stores.tree.Tree."""
        ...

    def names(self, path: str) -> list[str]:
        """See stores.tree.Tree."""
        ...


class OutboxFiles:
    """See the module. ``name``: of the outbox in the folder."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Be the only sender; gives False, without waiting, when another is."""
        fd = self._folder.open(f"{self._name}/{_LOCK}", os.O_RDWR | os.O_CREAT)
        try:
            yield self._try_lock(fd)
        finally:
            self._folder.disk.close(fd)

    def _try_lock(self, fd: int) -> bool:
        try:
            return self._folder.disk.try_lock(fd, shared=False)
        except OSError as error:
            raise StoreFailedError(
                f"the outbox can't be locked: {error.strerror}.",
                hint="Look whether the disk can lock files; nothing was sent, and everything stays owed.",
            ) from error

    def read(self, run_id: str) -> KeptRun:
        """Return what is kept of a run; nothing where there is nothing, or what is there is no such thing."""
        try:
            data = self._folder.read(self._path(run_id))
        except NotFoundError:
            return KeptRun()
        try:
            return msgspec.json.decode(data, type=KeptRun)
        except msgspec.DecodeError:
            # Nobody's word is lost with it: the journals say what is owed. Some is told twice.
            return KeptRun()

    def write(self, run_id: str, kept: KeptRun, *, durable: bool = True) -> None:
        """Keep it. Durable when this returns, if that is asked for."""
        self._folder.replace(self._path(run_id), msgspec.json.encode(kept), durable=durable)

    def runs(self) -> list[str]:
        """Return the runs of which something is kept."""
        names = self._folder.names(f"{self._name}/{_RUNS}")
        return [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]

    def forget(self, run_id: str) -> None:
        """Remove what is kept of a run that is not there any more."""
        self._folder.remove(self._path(run_id))

    def _path(self, run_id: str) -> str:
        return f"{self._name}/{_RUNS}/{run_id}{_SUFFIX}"
