"""Whichever disk operation fails, however, the run ends in the journal of a healthy disk."""

import errno
import itertools
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from babysitter.journal.reader import read_records
from babysitter.journal.verify import verify_run
from babysitter.journal.writer import JournalWriter
from babysitter.model.errors import NotFoundError, RunExistsError, StoreFailedError
from babysitter.model.events import Event
from babysitter.stores.disk import Disk, RealDisk
from babysitter.stores.files import FileStore
from babysitter.testing.clocks import FakeClock
from babysitter.testing.faulty_disk import Fault, FaultKind, FaultyDisk
from babysitter.testing.sample_run import HOLDER, RUN_ID, create_sample_run, sample_batches, sample_masker

ERRNOS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EMFILE)
KINDS: tuple[FaultKind, ...] = ("before", "after", "torn")


class Progress:
    """Drives the sample run from wherever it stands, and notes what was acknowledged."""

    def __init__(self, runs_dir: Path, disk: Disk) -> None:
        self.store = FileStore(runs_dir, disk)
        self.acknowledged = b""
        self._skip = 0
        self._writer: JournalWriter | None = None

    def go(self) -> None:
        clock = FakeClock()
        with suppress(RunExistsError):
            create_sample_run(self.store, clock)
        self._writer, records = JournalWriter.open(self.store, RUN_ID, HOLDER, sample_masker(), clock)
        self._skip = sum(record.type != "JOURNAL_RECOVERED" for record in records) - 1
        for batch in sample_batches():
            batch(self)  # type: ignore[arg-type]
            self._writer.commit()
            self.acknowledged = self._journal_as_written()
        self._writer.close()

    def stage(self, event: Event) -> Event:
        assert self._writer is not None
        if self._skip > 0:
            self._skip -= 1
            return event
        return self._writer.stage(event)

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)

    def give_up(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _journal_as_written(self) -> bytes:
        return (self.store.runs_dir / RUN_ID / "journal/journal.jsonl").read_bytes()


def said(runs_dir: Path) -> list[tuple[str, bytes]]:
    """What the journal says, without when, and without the lines that tell of a recovery."""
    records = read_records(FileStore(runs_dir), RUN_ID)
    return [(record.type, record.data) for record in records if record.type != "JOURNAL_RECOVERED"]


def healthy_operations(place: Path) -> tuple[list[str], list[tuple[str, bytes]]]:
    disk = FaultyDisk(RealDisk(), None)
    Progress(place / "healthy", disk.port).go()
    return disk.operations, said(place / "healthy")


def read_everything(store: FileStore, *, mail: str) -> None:
    store.read_journal(RUN_ID)
    store.paths(RUN_ID)
    store.run_ids()
    store.holder(RUN_ID)
    store.send_mail(RUN_ID, mail, b"{}")


def failure_of(call: Callable[[], None]) -> StoreFailedError | None:
    """Return the disk error that the call ends in; any other error is the test's failure."""
    try:
        call()
    except StoreFailedError as failure:
        return failure
    return None


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.linux
@pytest.mark.parametrize("number", ERRNOS, ids=errno.errorcode.get)
@pytest.mark.parametrize("kind", KINDS)
def test_whichever_disk_operation_fails_reopening_ends_in_the_journal_of_a_healthy_disk(
    place: Path, kind: FaultKind, number: int
) -> None:
    operations, expected = healthy_operations(place)
    fds = open_files()

    for nth in itertools.count(1):
        if kind == "torn" and nth <= len(operations) and operations[nth - 1] != "write":
            continue
        runs_dir = place / f"{nth}" / ".a5c" / "runs"
        disk = FaultyDisk(RealDisk(), Fault(nth, kind, number))
        broken = Progress(runs_dir, disk.port)
        said_by_disk = failure_of(broken.go)
        assert said_by_disk is None or errno.errorcode[number] in said_by_disk.message, f"operation {nth}"
        assert said_by_disk is None or said_by_disk.hint, f"operation {nth} says nothing of what to do"
        broken.give_up()
        if not disk.fired:
            break

        mended = Progress(runs_dir, RealDisk())
        mended.go()

        where = f"operation {nth} ({disk.operations[nth - 1]})"
        assert said(runs_dir) == expected, where
        assert mended.acknowledged.startswith(broken.acknowledged), where
        result = verify_run(mended.store, RUN_ID)
        assert result.ok, f"{where}: {result.problems}"
        assert open_files() == fds, where
        shutil.rmtree(place / f"{nth}")

    assert nth > len(operations), "the loop ended before every operation had failed"


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_failed_append_the_writer_is_dead(place: Path, kind: FaultKind) -> None:
    """Linux may report the next sync as good though the pages of the failed one were dropped."""
    store = FileStore(place / "runs")
    create_sample_run(store, FakeClock())
    disk = FaultyDisk(RealDisk(), None)
    writer, _ = JournalWriter.open(
        FileStore(place / "runs", disk.port), RUN_ID, HOLDER, sample_masker(), FakeClock()
    )
    sample_batches()[0](writer)
    disk._fault = Fault(len(disk.operations) + 2, kind, errno.EIO)

    with pytest.raises(StoreFailedError) as first:
        writer.commit()
    with pytest.raises(StoreFailedError) as second:
        writer.commit()
    with pytest.raises(StoreFailedError):
        sample_batches()[1](writer)

    assert writer.dead
    assert second.value is first.value
    writer.close()


def test_a_failed_sync_is_followed_by_a_fresh_file(place: Path) -> None:
    """What the failed sync left in memory may never reach the disk, so the next driver writes it anew."""
    runs_dir = place / "runs"
    create_sample_run(FileStore(runs_dir), FakeClock())
    journal = runs_dir / RUN_ID / "journal/journal.jsonl"
    disk = FaultyDisk(RealDisk(), None)
    writer, _ = JournalWriter.open(
        FileStore(runs_dir, disk.port), RUN_ID, HOLDER, sample_masker(), FakeClock()
    )
    sample_batches()[0](writer)
    disk._fault = Fault(len(disk.operations) + 3, "after", errno.EIO)
    with pytest.raises(StoreFailedError):
        writer.commit()
    writer.close()
    before = journal.stat().st_ino

    again, records = JournalWriter.open(FileStore(runs_dir), RUN_ID, HOLDER, sample_masker(), FakeClock())
    again.close()

    assert disk.operations[-2:] != [], "the sync was reached"
    assert journal.stat().st_ino != before
    assert len(records) == 4, "lines that reached the disk whole are kept"


def test_an_orderly_end_needs_no_fresh_file(place: Path) -> None:
    runs_dir = place / "runs"
    create_sample_run(FileStore(runs_dir), FakeClock())
    journal = runs_dir / RUN_ID / "journal/journal.jsonl"
    before = journal.stat().st_ino

    for batch in sample_batches()[:2]:
        writer, _ = JournalWriter.open(FileStore(runs_dir), RUN_ID, HOLDER, sample_masker(), FakeClock())
        batch(writer)
        writer.commit()
        writer.close()

    assert journal.stat().st_ino == before


@pytest.mark.parametrize("number", ERRNOS, ids=errno.errorcode.get)
def test_a_run_that_cannot_be_read_is_a_clear_error(place: Path, number: int) -> None:
    create_sample_run(FileStore(place / "runs"), FakeClock())

    for nth in itertools.count(1):
        disk = FaultyDisk(RealDisk(), Fault(nth, "before", number))
        store = FileStore(place / "runs", disk.port)
        failure = failure_of(lambda: read_everything(store, mail=f"{nth}.json"))  # noqa: B023 (called at once)
        if not disk.fired:
            break
        assert failure is not None
        assert errno.errorcode[number] in failure.message
        assert str(place) in failure.message

    assert nth > 10


def test_a_run_that_is_not_there_is_told_apart_from_a_failing_disk(place: Path) -> None:
    with pytest.raises(NotFoundError):
        FileStore(place / "runs").read_journal(RUN_ID)


@pytest.mark.parametrize("kind", KINDS)
def test_whichever_operation_of_a_recovery_fails_no_cut_goes_untold(place: Path, kind: FaultKind) -> None:
    """Cutting a tail and telling of it is one step: whatever fails, the tail or its line is there."""
    torn = b'{"seq":2,"prefix":"ab'
    for nth in itertools.count(1):
        runs_dir = place / f"{nth}" / "runs"
        create_sample_run(FileStore(runs_dir), FakeClock())
        journal = runs_dir / RUN_ID / "journal/journal.jsonl"
        journal.write_bytes(journal.read_bytes() + torn)
        disk = FaultyDisk(RealDisk(), Fault(nth, kind, errno.EIO))

        failure = failure_of(lambda: open_and_close(FileStore(runs_dir, disk.port)))  # noqa: B023 (called at once)

        where = f"operation {nth}"
        assert journal.read_bytes().endswith(torn) or b"JOURNAL_RECOVERED" in journal.read_bytes(), where
        open_and_close(FileStore(runs_dir))
        assert journal.read_bytes().count(b"JOURNAL_RECOVERED") == 1, where
        result = verify_run(FileStore(runs_dir), RUN_ID)
        assert result.ok, f"{where}: {result.problems}"
        if not disk.fired:
            assert failure is None
            break

    assert nth > 20


def open_and_close(store: FileStore) -> None:
    writer, _ = JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), FakeClock())
    writer.close()
