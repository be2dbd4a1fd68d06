"""The log when disks fail, processes are killed and the power goes: what it acknowledged is there, once."""

import errno
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.log.leaves import Leaf, LogRecovered
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.errors import CorruptJournalError, StoreFailedError
from babysitter.stores.disk import Disk, RealDisk
from babysitter.testing.faulty_disk import Fault, FaultKind, FaultyDisk
from tests.unit.log.logs import held, is_whole, leaves_on_disk, open_log, progress

ROOT = Path(__file__).resolve().parents[2]
KINDS: tuple[FaultKind, ...] = ("before", "after", "torn")
ERRNOS = (errno.EIO, errno.ENOSPC)
Step = Callable[[WorkspaceLog], tuple[Leaf, ...]]


def adding(*leaves: Leaf, durable: bool = True) -> Step:
    """Return a step that appends, and tells which leaves are then safe."""

    def step(log: WorkspaceLog) -> tuple[Leaf, ...]:
        log.append(leaves, durable=durable)
        return leaves if durable else ()

    return step


def keeping(log: WorkspaceLog) -> tuple[Leaf, ...]:
    """Keep a file and then name it, as a change of the rules does."""
    log.keep("policies", "x.json", b"{}")
    log.append([held("kept")], durable=True)
    return (held("kept"),)


STEPS: tuple[Step, ...] = (
    adding(held("a")),
    adding(progress("a"), durable=False),
    adding(held("b"), held("c")),
    keeping,
    adding(progress("a", 2), durable=False),
    adding(held("d")),
)


class Recorder:
    """Takes the steps over a disk, one log object for all, and notes what was acknowledged."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.log = open_log(folder, disk)
        self.acknowledged: list[Leaf] = []
        self.failures: list[StoreFailedError] = []

    def go(self, steps: tuple[Step, ...] = STEPS, *, tries: int = 2) -> None:
        for step, _ in itertools.product(steps, range(tries)):
            try:
                self.acknowledged += step(self.log)
            except StoreFailedError as failure:
                self.failures.append(failure)


def is_in_order(wanted: list[Leaf], found: list[Leaf]) -> bool:
    rest = iter(found)
    return all(leaf in rest for leaf in wanted)


def healthy_operations(place: Path) -> list[str]:
    disk = FaultyDisk(RealDisk(), None)
    Recorder(place / "healthy", disk.port).go()
    return disk.operations


@pytest.mark.linux
@pytest.mark.parametrize("number", ERRNOS, ids=errno.errorcode.get)
@pytest.mark.parametrize("kind", KINDS)
def test_whichever_disk_operation_fails_all_that_was_acknowledged_is_there(
    place: Path, kind: FaultKind, number: int
) -> None:
    """The process goes on with the same log, and another opens it afterwards."""
    operations = healthy_operations(place)
    fds = len(list(Path("/proc/self/fd").iterdir()))

    for nth in itertools.count(1):
        if kind == "torn" and nth <= len(operations) and operations[nth - 1] != "write":
            continue
        folder = place / str(nth) / "log"
        disk = FaultyDisk(RealDisk(), Fault(nth, kind, number))

        broken = Recorder(folder, disk.port)
        broken.go()
        mended = open_log(folder)
        mended.append([held("later")], durable=True)

        where = f"operation {nth} ({disk.operations[nth - 1] if disk.fired else 'none'})"
        assert is_in_order([*broken.acknowledged, held("later")], leaves_on_disk(folder)), where
        assert mended.leaves() == leaves_on_disk(folder), where
        assert is_whole(folder), where
        assert len(list(Path("/proc/self/fd").iterdir())) == fds, where
        if not disk.fired:
            break
        # Where a file is looked for in vain, that is what is said, and no failure.
        assert len(broken.failures) == 1 or kind == "after", where
        for failure in broken.failures:
            assert errno.errorcode[number] in failure.message, where
            assert failure.hint, where
        shutil.rmtree(place / str(nth))

    assert nth > len(operations), "the loop ended before every operation had failed"


@pytest.mark.parametrize("kind", KINDS)
def test_whichever_operation_of_a_recovery_fails_no_cut_goes_untold(place: Path, kind: FaultKind) -> None:
    torn = b'{"seq":2,"prefix":"ab'
    for nth in itertools.count(1):
        folder = place / str(nth) / "log"
        open_log(folder).append([held("a")], durable=True)
        with (folder / "log.jsonl").open("ab") as file:
            file.write(torn)
        disk = FaultyDisk(RealDisk(), Fault(nth, kind, errno.EIO))

        with suppress(StoreFailedError):
            open_log(folder, disk.port).append([held("b")], durable=True)

        where = f"operation {nth}"
        data = (folder / "log.jsonl").read_bytes()
        assert torn in data or b"log.recovered" in data, where
        open_log(folder).append([held("c")], durable=True)
        cuts = [leaf for leaf in leaves_on_disk(folder) if isinstance(leaf, LogRecovered)]
        # A second one tells of the torn line that the failing disk left.
        assert cuts[0].dropped_bytes == len(torn), where
        assert is_whole(folder), where
        if not disk.fired:
            assert len(cuts) == 1
            break

    assert nth > 20


class SyncsFailing(RealDisk):
    """A disk whose syncs fail while a test says so."""

    fails = False

    def sync_data(self, fd: int) -> None:  # type: ignore[override]  # the port promises no more
        """See Disk."""
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(fd)


@pytest.mark.parametrize("goes_on", ["the same process", "another process"])
def test_after_a_failed_sync_the_lines_are_written_anew(place: Path, goes_on: str) -> None:
    """Linux may report the next sync as good though the pages of the failed one were dropped."""
    folder, disk = place / "log", SyncsFailing()
    log = open_log(folder, disk)
    log.append([held("a"), held("b")], durable=True)
    signed = (folder / "checkpoint").read_bytes()
    before = (folder / "log.jsonl").stat().st_ino

    disk.fails = True
    with pytest.raises(StoreFailedError):
        log.append([held("c")], durable=True)
    disk.fails = False
    assert (folder / "checkpoint").read_bytes() == signed
    (log if goes_on == "the same process" else open_log(folder)).append([held("d")], durable=True)

    again = (folder / "log.jsonl").stat().st_ino
    assert again != before
    assert leaves_on_disk(folder) == [held(name) for name in "abcd"], "what reached the file whole is kept"
    log.append([held("e")], durable=True)
    open_log(folder).append([held("f")], durable=True)
    assert (folder / "log.jsonl").stat().st_ino == again, "once is enough"
    assert is_whole(folder)


def test_lines_that_a_failed_sync_took_are_no_rollback(place: Path) -> None:
    """They were never acknowledged, and the system may show the file as it is on disk again."""
    file, disk = place / "log" / "log.jsonl", SyncsFailing()
    log = open_log(place / "log", disk)
    log.append([held("a")], durable=True)
    on_disk = file.read_bytes()
    log.append([progress("a")], durable=False)

    disk.fails = True
    with pytest.raises(StoreFailedError):
        log.append([held("b")], durable=True)
    disk.fails = False
    file.write_bytes(on_disk)

    assert log.append([held("c")], durable=True) == [1]
    assert is_whole(place / "log")


def test_the_first_line_is_written_only_when_the_way_to_it_is_durable(place: Path) -> None:
    """Else a power cut could take the whole file with all that it had acknowledged."""
    disk = FaultyDisk(RealDisk(), None)
    open_log(place / "log", disk.port).append([held("a")], durable=True)

    # Four of the files beside it: key and verifier key, each with its folder's entry.
    before = disk.operations[: len(disk.operations) - disk.operations[::-1].index("sync_data")]
    assert before.count("sync") == 4 + 3, "the log's folder, its empty file, that file's entry"
    assert disk.operations.count("sync_data") == 1


def test_opening_an_approval_and_a_seal_cost_one_sync_each(place: Path) -> None:
    open_log(place / "log").append([held("a")], durable=True)
    disk = FaultyDisk(RealDisk(), None)
    log = open_log(place / "log", disk.port)

    for _ in range(3):
        log.append([held("b")], durable=True)

    assert [name for name in disk.operations if name.startswith("sync")] == ["sync_data"] * 3


operations = st.lists(st.sampled_from(["held", "progress", "reopen"]), min_size=1, max_size=12)


@given(operations, st.randoms(use_true_random=False))
def test_whenever_the_power_goes_all_that_was_acknowledged_is_there(
    done: list[str], dice: random.Random
) -> None:
    """What was not synced comes back in part, as NULs or not at all; the checkpoint, from any time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as made:
        folder = Path(made) / "log"
        log, acknowledged, safe = open_log(folder), list[Leaf](), b""
        checkpoints: list[bytes | None] = [None, b"", b"\0" * 100]
        for number, what in enumerate(["held", *done]):
            if what == "reopen":
                log = open_log(folder)
                continue
            is_durable = what == "held"
            leaf: Leaf = held(f"run-{number}") if is_durable else progress(f"run-{number}")
            log.append([leaf], durable=is_durable)
            if is_durable:
                acknowledged.append(leaf)
                safe = (folder / "log.jsonl").read_bytes()
                checkpoints.append((folder / "checkpoint").read_bytes())

        unsafe = (folder / "log.jsonl").read_bytes()[len(safe) :]
        left = unsafe[: dice.randint(0, len(unsafe))]
        (folder / "log.jsonl").write_bytes(safe + dice.choice([left, bytes(len(left))]))
        signed = dice.choice(checkpoints)
        (folder / "checkpoint").unlink()
        if signed is not None:
            (folder / "checkpoint").write_bytes(signed)

        open_log(folder).append([held("later")], durable=True)

        assert is_in_order([*acknowledged, held("later")], leaves_on_disk(folder))
        assert is_whole(folder)


APPENDING = """
import sys
from pathlib import Path
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.service.ports import SystemClock, SystemDice
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from tests.unit.log.logs import held, progress

folder, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
log = WorkspaceLog(Tree(RealDisk(), folder), clock=SystemClock(), dice=SystemDice(), origin="ours")
sys.stdin.readline()
for number in range(count):
    log.append([progress(f"{name}-{number}")], durable=False)
    (index,) = log.append([held(f"{name}-{number}")], durable=True)
    print(index, f"{name}-{number}", flush=True)
"""


def appending(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    """Return a process that appends as soon as it is let, and prints what was acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-c", APPENDING, str(folder), name, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def let(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def acknowledged_by(process: subprocess.Popen[str]) -> dict[int, str]:
    out, _ = process.communicate(timeout=60)
    whole = [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")]
    return {int(index): run_id for index, run_id in whole}


def test_several_processes_append_at_once_and_nothing_is_lost(place: Path) -> None:
    names = ["a", "b", "c", "d"]
    processes = [appending(place / "log", name, 20) for name in names]
    for process in processes:
        let(process)

    told = [acknowledged_by(process) for process in processes]

    leaves = leaves_on_disk(place / "log")
    assert [process.returncode for process in processes] == [0] * 4
    assert len(leaves) == 4 * 20 * 2
    assert not any(isinstance(leaf, LogRecovered) for leaf in leaves)
    for name, indexes in zip(names, told, strict=True):
        assert list(indexes) == sorted(indexes)
        assert list(indexes.values()) == [f"{name}-{number}" for number in range(20)]
        assert all(leaves[index] == held(run_id) for index, run_id in indexes.items())
    assert is_whole(place / "log")


def test_processes_that_are_killed_lose_nothing_that_they_acknowledged(place: Path) -> None:
    """Two at a time, so that one is often killed while the other waits for it."""
    dice = random.Random(7)
    told: dict[int, str] = {}
    for number in range(5):
        pair = [appending(place / "log", f"{name}{number}", 10_000) for name in "ab"]
        for process in pair:
            let(process)
        for process in pair:
            assert process.stdout is not None
            # Not before it has begun: killing an interpreter that starts tests nothing.
            first = process.stdout.readline().split()
            told[int(first[0])] = first[1]
        for process in pair:
            with suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(0.01, 0.1))
            process.send_signal(signal.SIGKILL)
            told |= acknowledged_by(process)

    open_log(place / "log").append([held("later")], durable=True)

    leaves = leaves_on_disk(place / "log")
    assert len(told) > 20
    assert all(leaves[index] == held(run_id) for index, run_id in told.items())
    assert leaves[-1] == held("later")
    assert is_whole(place / "log")


def test_a_log_that_is_wrong_is_no_failing_disk(place: Path) -> None:
    """A tampered log is refused for what it is, and nothing is written anew over it."""
    log = open_log(place / "log")
    log.append([held("a"), held("b")], durable=True)
    file = place / "log" / "log.jsonl"
    file.write_bytes(file.read_bytes().replace(b"alice", b"mallo", 1))
    before = file.stat().st_ino

    for _ in range(2):
        with pytest.raises(CorruptJournalError):
            open_log(place / "log").append([held("c")], durable=True)

    assert file.stat().st_ino == before
    assert (place / "log" / "lock").stat().st_size == 0
