"""Runs as files: closed to others, whole or not there, one driver, and no path out."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from babysitter.model.errors import InvalidIdError, NotFoundError, RunLockedError, StoreFailedError
from babysitter.stores.disk import Buffer, Disk, RealDisk
from babysitter.stores.files import FileStore
from babysitter.testing.faulty_disk import FaultyDisk
from babysitter.testing.store_conformance import FILES, FIRST, HOLDER, OTHER

RUN = "run-1"


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / ".a5c" / "runs"


@pytest.fixture
def store(runs_dir: Path) -> FileStore:
    made = FileStore(runs_dir)
    made.create(RUN, FILES, FIRST)
    return made


def operations_of(runs_dir: Path, disk: FaultyDisk) -> FileStore:
    port: Disk = disk.port
    return FileStore(runs_dir, port)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.promise("G03")
def test_everything_is_for_its_owner_alone_and_git_never_sees_it(store: FileStore, runs_dir: Path) -> None:
    old = os.umask(0)
    try:
        store.create("run-2", FILES, FIRST)
        lease = store.lease("run-2", HOLDER)
        lease.put_blob("tasks/1-a/result.json", b"{}")
        lease.release()
    finally:
        os.umask(old)

    home = runs_dir.parent
    assert (home / ".gitignore").read_text() == "*\n"
    for path in [home, *home.rglob("*")]:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_a_home_that_is_open_to_others_is_closed(runs_dir: Path) -> None:
    runs_dir.parent.mkdir(mode=0o755)

    FileStore(runs_dir).create(RUN, FILES, FIRST)

    assert mode(runs_dir.parent) == 0o700


def test_a_directory_that_the_user_chose_is_left_as_it_is(tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    chosen.mkdir(mode=0o755)
    chosen.chmod(0o755)

    FileStore(chosen).create(RUN, FILES, FIRST)

    assert mode(chosen) == 0o755
    assert names(chosen) == [RUN]
    assert mode(chosen / RUN) == 0o700


def test_a_directory_made_for_runs_hides_itself_from_git(tmp_path: Path) -> None:
    FileStore(tmp_path / "elsewhere").create(RUN, FILES, FIRST)

    assert (tmp_path / "elsewhere" / ".gitignore").read_text() == "*\n"


def test_a_gitignore_that_is_there_is_not_touched(runs_dir: Path) -> None:
    runs_dir.mkdir(parents=True)
    (runs_dir.parent / ".gitignore").write_text("# mine\n*\n")

    FileStore(runs_dir).create(RUN, FILES, FIRST)

    assert (runs_dir.parent / ".gitignore").read_text() == "# mine\n*\n"


def test_a_run_in_the_making_is_no_run(store: FileStore, runs_dir: Path) -> None:
    (runs_dir / ".new-run-2.1.1").mkdir()

    assert store.run_ids() == [RUN]
    assert [name for name in names(runs_dir) if name.startswith(".new")] == [".new-run-2.1.1"]


@pytest.mark.parametrize("there", ["a file", "a symlink"])
def test_a_run_never_takes_the_place_of_something_else(runs_dir: Path, there: str) -> None:
    runs_dir.mkdir(parents=True)
    place = runs_dir / RUN
    if there == "a file":
        place.write_text("mine")
    else:
        place.symlink_to(runs_dir)

    with pytest.raises(Exception, match="already"):
        FileStore(runs_dir).create(RUN, FILES, FIRST)

    assert names(runs_dir) == [RUN]
    assert place.is_symlink() or place.read_text() == "mine"


def test_many_threads_make_one_run_once(runs_dir: Path) -> None:
    store, made, lock = FileStore(runs_dir), [], threading.Lock()
    barrier = threading.Barrier(8)

    def create(n: int) -> None:
        barrier.wait()
        try:
            store.create(RUN, {"run.json": str(n).encode()}, FIRST)
        except Exception as error:  # noqa: BLE001 (told apart below)
            with lock:
                made.append(type(error).__name__)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == ["RunExistsError"] * 7
    assert names(runs_dir) == [RUN]


@pytest.mark.parametrize("path", ["tasks", "tasks/1-a", "tasks/1-a/result.json"])
def test_a_symlink_leads_nowhere(store: FileStore, runs_dir: Path, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    (outside / "1-a").mkdir(parents=True)
    for name in ("result.json", "1-a/result.json"):
        (outside / name).write_text("outside")
    link = runs_dir / RUN / path
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside / "result.json" if path.endswith(".json") else outside)
    lease = store.lease(RUN, HOLDER)

    with pytest.raises(InvalidIdError, match="symlink"):
        store.read_file(RUN, "tasks/1-a/result.json")
    with pytest.raises(InvalidIdError, match="symlink"):
        lease.open_log("tasks/1-a/result.json")
    if not path.endswith(".json"):
        with pytest.raises(InvalidIdError, match="symlink"):
            lease.put_blob("tasks/1-a/result.json", b"in")
    else:
        lease.put_blob("tasks/1-a/result.json", b"in")
        assert not link.is_symlink(), "the link is replaced, not followed"

    assert {file.read_text() for file in outside.rglob("*.json")} == {"outside"}
    lease.release()


def test_a_symlink_and_a_pipe_make_no_run_larger(store: FileStore, runs_dir: Path, tmp_path: Path) -> None:
    before = store.size(RUN)
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    (runs_dir / RUN / "link").symlink_to(tmp_path / "large")
    (runs_dir / RUN / "folder").symlink_to(tmp_path)
    os.mkfifo(runs_dir / RUN / "pipe")

    assert store.size(RUN) == before


def test_a_run_that_is_a_symlink_is_no_run(store: FileStore, runs_dir: Path) -> None:
    (runs_dir / "run-2").symlink_to(runs_dir / RUN)

    assert store.run_ids() == [RUN]
    with pytest.raises(NotFoundError):
        store.read_journal("run-2")


def test_a_second_process_learns_who_drives(store: FileStore, runs_dir: Path) -> None:
    lease = store.lease(RUN, HOLDER)
    program = (
        "import sys; from pathlib import Path; from babysitter.stores.files import FileStore\n"
        "from babysitter.stores.interface import Holder\n"
        "from babysitter.model.errors import RunLockedError\n"
        "store = FileStore(Path(sys.argv[1]))\n"
        "print(store.holder('run-1').user)\n"
        "try: store.lease('run-1', Holder(user='x', host='y', pid=1, since=''))\n"
        "except RunLockedError as error: print(error.message)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(runs_dir)], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[0] == "alice"
    assert "alice on build-1, process 4711" in done.stdout
    lease.release()


def test_a_killed_driver_lets_go_and_its_run_is_not_clean(store: FileStore, runs_dir: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from babysitter.stores.files import FileStore\n"
        "from babysitter.stores.interface import Holder\n"
        "lease = FileStore(Path(sys.argv[1])).lease('run-1', Holder(user='x', host='y', pid=1, since=''))\n"
        "os.kill(os.getpid(), 9)\n"
    )

    done = subprocess.run([sys.executable, "-c", program, str(runs_dir)], check=False)

    assert done.returncode == -9
    assert store.holder(RUN) is None
    lease = store.lease(RUN, HOLDER)
    assert not lease.clean
    lease.release()
    again = store.lease(RUN, HOLDER)
    assert not again.clean, "a driver that did not replace the journal proves nothing about it"
    again.release()


def test_asking_who_drives_never_keeps_a_driver_out(store: FileStore) -> None:
    """The question takes the lock for a moment; a driver that meets it tries again, however many ask."""
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            store.holder(RUN)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            store.lease(RUN, HOLDER).release()
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("content", [None, b"", b"\0\0\0", b'{"holder":', b'{"releasedAtBytes":5}', b"\xff"])
def test_a_lost_or_damaged_sidecar_counts_as_no_orderly_end(
    store: FileStore, runs_dir: Path, content: bytes | None
) -> None:
    sidecar = runs_dir / RUN / "state/driver.json"
    if content is None:
        sidecar.unlink()
    else:
        sidecar.write_bytes(content)

    lease = store.lease(RUN, HOLDER)

    assert not lease.clean
    lease.release()


def test_a_locked_run_with_a_lost_sidecar_is_still_locked(store: FileStore, runs_dir: Path) -> None:
    lease = store.lease(RUN, HOLDER)
    (runs_dir / RUN / "state/driver.json").unlink()

    with pytest.raises(RunLockedError, match="another driver"):
        store.lease(RUN, OTHER)

    lease.release()


def test_one_append_is_one_write_and_one_sync(runs_dir: Path) -> None:
    disk = FaultyDisk(RealDisk(), None)
    store = operations_of(runs_dir, disk)
    store.create(RUN, FILES, FIRST)
    lease = store.lease(RUN, HOLDER)
    disk.operations.clear()

    lease.append(b"x" * 1000, offset=len(FIRST))

    assert disk.operations == ["size", "write", "sync_data"]
    lease.release()


def test_a_blob_is_synced_with_every_directory_above_it(runs_dir: Path) -> None:
    disk = FaultyDisk(RealDisk(), None)
    store = operations_of(runs_dir, disk)
    store.create(RUN, FILES, FIRST)
    lease = store.lease(RUN, HOLDER)
    disk.operations.clear()

    lease.put_blob("tasks/1-a/result.json", b"{}")

    relevant = [name for name in disk.operations if name in {"write", "sync", "rename", "make_directory"}]
    # The file, then its entry, then the entry of tasks/1-a, then that of tasks.
    assert relevant == ["make_directory", "make_directory", "write", "sync", "rename", "sync", "sync", "sync"]
    lease.release()


def test_a_derived_file_costs_no_sync(runs_dir: Path) -> None:
    disk = FaultyDisk(RealDisk(), None)
    store = operations_of(runs_dir, disk)
    store.create(RUN, FILES, FIRST)
    lease = store.lease(RUN, HOLDER)
    disk.operations.clear()

    lease.put_derived("state/state.json", b"{}")

    assert not {"sync", "sync_data"} & set(disk.operations)
    lease.release()


def test_a_new_run_is_synced_before_and_after_it_takes_its_name(runs_dir: Path) -> None:
    disk = FaultyDisk(RealDisk(), None)
    operations_of(runs_dir, disk).create(RUN, FILES, FIRST)

    at = disk.operations.index("rename")
    before, after = disk.operations[:at], disk.operations[at + 1 :]
    # Outside: .a5c's parent, .a5c, .gitignore, .a5c's entries. Inside: three files, journal/, the run.
    assert before.count("sync") == 9
    assert after[0] == "sync"


def test_unfinished_mail_is_not_mail(store: FileStore, runs_dir: Path) -> None:
    (runs_dir / RUN / "mail").mkdir()
    (runs_dir / RUN / "mail" / ".01A.json.part").write_bytes(b"{")
    lease = store.lease(RUN, HOLDER)

    assert lease.mail() == []
    lease.release()


class HalfDisk(RealDisk):
    """Takes only half of each write, as a disk that fills up does, and says so."""

    def __init__(self) -> None:
        self.is_filling = False

    def write(self, fd: int, data: Buffer) -> int:  # type: ignore[override]
        return os.write(fd, memoryview(data)[: len(data) // 2] if self.is_filling else data)


def test_an_append_that_the_disk_takes_in_part_is_a_full_disk(runs_dir: Path) -> None:
    """Writing the rest would be a second batch, and the first half could survive without it."""
    disk = HalfDisk()
    store = FileStore(runs_dir, disk)
    store.create(RUN, FILES, FIRST)
    lease = store.lease(RUN, HOLDER)
    disk.is_filling = True

    with pytest.raises(StoreFailedError, match="ENOSPC"):
        lease.append(b"second\n", offset=len(FIRST))
    with pytest.raises(StoreFailedError):
        lease.append(b"second\n", offset=len(FIRST))

    lease.release()


def test_a_blob_that_the_disk_takes_in_part_never_takes_its_name(runs_dir: Path) -> None:
    disk = HalfDisk()
    store = FileStore(runs_dir, disk)
    store.create(RUN, FILES, FIRST)
    lease = store.lease(RUN, HOLDER)
    disk.is_filling = True

    with pytest.raises(StoreFailedError, match="ENOSPC"):
        lease.put_blob("artifacts/a", b"0123456789")

    assert "artifacts/a" not in store.paths(RUN)
    lease.release()
