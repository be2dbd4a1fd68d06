"""What any store must keep, whoever holds the run and wherever the bytes are.

A ``Store`` belongs to a workspace. Reading needs no lease. Writing a run needs
its ``Lease``, which one driver holds at a time; mail is the one thing that
others may write. Paths are relative to the run, with ``/``, and already checked.

The conformance suite is babysitter/testing/store_conformance.py; how a database
store and workers on several machines fit in: docs/adr/0010-stores-and-leases.md.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Holder(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who drives a run: shown to whoever finds it locked."""

    user: str
    host: str
    pid: int
    since: str


class Piece(Struct, frozen=True, kw_only=True):
    """A part of a file. ``offset``: where it begins; ``size``: of the whole file."""

    data: bytes
    offset: int
    size: int


def piece_begin(size: int, offset: int, bytes_max: int) -> int:
    """Return where a piece begins: at ``offset``, or, where that is below 0, so that it is the file's end."""
    return max(0, size - bytes_max) if offset < 0 else min(offset, size)


class LogFile(Protocol):
    """A growing file of a task's output."""

    def write(self, data: bytes) -> None:
        """Keep the bytes, not yet durably."""
        ...

    def close(self, *, durable: bool) -> None:
        """End the file; with ``durable`` it survives a crash of the machine when this returns."""
        ...


class Lease(Protocol):
    """One driver's hold on one run. After a StoreFailedError it is dead: every call raises the same."""

    run_id: str
    clean: bool
    """False: whoever held the run before did not let go in order, so bytes of the journal may be in memory
    only. Then the journal must be replaced by what of it is good before anything is appended."""

    def append(self, batch: bytes, *, offset: int) -> None:
        """Keep the batch at the end of the journal. When this returns, it survives a crash of the machine.

        Raises:
            AppendConflictError: the journal is not ``offset`` bytes long.
            StoreFailedError: the outcome is unknown and the lease is dead.
        """
        ...

    def replace_journal(self, good: bytes) -> None:
        """Put ``good`` in the journal's place in one step, durably: a fresh file, synced and renamed."""
        ...

    def put_blob(self, path: str, data: bytes) -> None:
        """Keep a file that a line will name. Durable when this returns, its directory entries too."""
        ...

    def put_derived(self, path: str, data: bytes) -> None:
        """Keep a file that can be rebuilt from the journal: replaced in one step, not synced."""
        ...

    def open_log(self, path: str) -> LogFile:
        """Begin a task's output file, emptying one of that name."""
        ...

    def mail(self) -> list[str]:
        """Return the names of the mail that waits, oldest first. Cheap enough to ask at every step."""
        ...

    def read_mail(self, name: str) -> bytes:
        """Return one mail's bytes."""
        ...

    def delete_mail(self, name: str) -> None:
        """Forget one mail; its content is in the journal. Forgetting it twice does nothing."""
        ...

    def release(self) -> None:
        """Let go. Releasing twice does nothing."""
        ...


class RunBytes(Protocol):
    """What a run consists of, for whoever checks it: in a store, or as a server gave it."""

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        """Return the journal's bytes from ``offset`` on."""
        ...

    def read_file(self, run_id: str, path: str) -> bytes:
        """Return a file of the run.

        Raises:
            NotFoundError: it is not there.
        """
        ...


class Store(RunBytes, Protocol):
    """The runs of one workspace, as bytes."""

    def create(self, run_id: str, files: Mapping[str, bytes], journal: bytes) -> None:
        """Make the run with its first files and lines: durable and whole when this returns, not there before.

        Raises:
            RunExistsError: there is a run of that id.
        """
        ...

    def lease(self, run_id: str, holder: Holder) -> Lease:
        """Take the run, for one driver.

        Raises:
            NotFoundError: no such run.
            RunLockedError: another holds it; ``facts['holder']`` is its Holder, where known.
        """
        ...

    def holder(self, run_id: str) -> Holder | None:
        """Return who holds the run now, or None."""
        ...

    def run_ids(self) -> list[str]:
        """Return the ids of all runs, sorted."""
        ...

    def journal_size(self, run_id: str) -> int:
        """Return how many bytes the journal has, without reading them: whether it has grown.

        Raises:
            NotFoundError: no such run.
        """
        ...

    def size(self, run_id: str) -> int:
        """Return how many bytes the files of the run have together, without reading them.

        Raises:
            NotFoundError: no such run.
        """
        ...

    def read_piece(self, run_id: str, path: str, *, offset: int, bytes_max: int) -> Piece:
        """Return a part of a file: from ``offset`` on; with -1 its end. No more than that is held in memory.

        Raises:
            NotFoundError: it is not there.
        """
        ...

    def paths(self, run_id: str) -> list[str]:
        """Return the paths of all files of the run, sorted."""
        ...

    def location(self, run_id: str, path: str = "") -> str:
        """Return where a person finds it: a path, or a URL."""
        ...

    def send_mail(self, run_id: str, name: str, data: bytes) -> None:
        """Leave mail for the run's driver, durably and in one step."""
        ...
