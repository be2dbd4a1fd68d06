"""The outbox when disks fail: whatever fails when, every notice is told, and known doubles never."""

import errno
import itertools
from pathlib import Path

import msgspec
import pytest

from babysitter.model.errors import StoreFailedError
from babysitter.service.notify.kept import KeptRun
from babysitter.service.notify.words import Letter
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.faulty_disk import Fault, FaultKind, FaultyDisk
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.notify.telling import Taken, ask, channel, now_ns, outbox, workspace

RUNS = ("r", "s")
TOLD = 4
"""Two runs, each on two channels."""


def asking() -> FakeWorkspace:
    place = workspace(channel("ops"), channel("chat"))
    for run_id in RUNS:
        ask(place, run_id)
    return place


def kept_as(folder: Path, state: str) -> set[str]:
    """Return the ids that stand on the disk in that state."""
    files = (folder / "outbox" / "runs").glob("*.json")
    runs = [msgspec.json.decode(file.read_bytes(), type=KeptRun) for file in files]
    return {each.id for kept in runs for each in kept.notices.values() if each.state == state}


class Looking(Taken):
    """See Taken. Looks, when something is sent, whether the disk has it as owed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.unknown: list[str] = []

    def note(self, letter: Letter) -> None:
        if letter.id not in kept_as(self.folder, "owed"):
            self.unknown.append(letter.id)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_whichever_operation_fails_everything_is_told_and_nothing_that_is_kept_as_told_again(
    place: Path, kind: FaultKind, number: int
) -> None:
    runs = asking()
    counts = []
    for fail_at in itertools.count(1):
        folder = place / str(fail_at)
        folder.mkdir()
        taken = Taken()
        disk = FaultyDisk(RealDisk(), Fault(fail_at, kind, number))
        try:
            outbox(runs, folder, taken, Tree(disk.port, str(folder))).pump(now_ns(runs))
        except StoreFailedError:
            assert disk.fired
        known, before = kept_as(folder, "sent"), len(taken.letters)

        outbox(runs, folder, taken).pump(now_ns(runs))
        outbox(runs, folder, taken).pump(now_ns(runs))

        assert len(set(taken.ids)) == TOLD, f"the {fail_at}th operation: {disk.operations[-1]}"
        assert not known & set(taken.ids[before:]), "what is kept as sent was sent again"
        assert len(taken.ids) <= TOLD + 1, "one failure costs one double at most"
        counts.append(len(taken.ids))
        if not disk.fired:
            break

    assert len(counts) > 40
    assert counts[-1] == TOLD


def test_the_same_outbox_goes_on_after_a_failure(place: Path) -> None:
    """A server keeps its outbox; what it had read before the disk failed is not forgotten."""
    runs = asking()
    for fail_at in itertools.count(1):
        folder = place / str(fail_at)
        folder.mkdir()
        taken = Taken()
        disk = FaultyDisk(RealDisk(), Fault(fail_at, "before", errno.EIO))
        box = outbox(runs, folder, taken, Tree(disk.port, str(folder)))
        for _ in range(3):
            try:
                box.pump(now_ns(runs))
            except StoreFailedError:
                continue

        assert len(set(taken.ids)) == TOLD, f"the {fail_at}th operation: {disk.operations[-1]}"
        if not disk.fired:
            break


def test_what_is_sent_stands_on_the_disk_as_owed_before(place: Path) -> None:
    runs, taken = asking(), Looking(place)
    taken.look = taken.note

    outbox(runs, place, taken).pump(now_ns(runs))

    assert len(taken.letters) == TOLD
    assert taken.unknown == []


def test_a_file_that_was_damaged_costs_doubles_under_the_same_ids(place: Path) -> None:
    runs, taken = asking(), Taken()
    outbox(runs, place, taken).pump(now_ns(runs))
    (place / "outbox" / "runs" / "r.json").write_bytes(b'{"offset":')

    outbox(runs, place, taken).pump(now_ns(runs))

    assert len(taken.ids) == TOLD + 2
    assert len(set(taken.ids)) == TOLD
