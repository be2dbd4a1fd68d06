"""A workspace's log for tests: opened over a folder, with leaves to append, and checked from its bytes."""

from pathlib import Path

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.leaves import Leaf, RunHeld, RunProgress, leaf_of
from babysitter.log.notes import is_signed_by, parse_key
from babysitter.log.tree import leaf_hash, root_of
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.lines import Chain
from babysitter.stores.disk import Disk, RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock, FakeDice

ORIGIN = "logs.example.com/ours"


def open_log(folder: Path, disk: Disk | None = None, *, origin: str = ORIGIN) -> WorkspaceLog:
    """Return the log as another process would open it."""
    tree = Tree(disk if disk is not None else RealDisk(), str(folder))
    return WorkspaceLog(tree, clock=FakeClock(), dice=FakeDice(), origin=origin)


def held(run_id: str) -> RunHeld:
    """Return a small leaf about a run."""
    return RunHeld(run_id=run_id, by="alice", reason_sha256="0" * 64)


def progress(run_id: str, seq: int = 1) -> RunProgress:
    """Return a leaf that nobody waits for."""
    return RunProgress(run_id=run_id, seq=seq, prefix="0" * 64, signature="")


def filled(folder: Path, count: int = 5) -> WorkspaceLog:
    """Return a log with durable leaves about run-0, run-1 and so on."""
    log = open_log(folder)
    for number in range(count):
        log.append([held(f"run-{number}")], durable=True)
    return log


def run_ids(log: WorkspaceLog) -> list[str]:
    """Return which runs the leaves are about, those of recoveries left out."""
    return [str(getattr(leaf, "run_id", "")) for leaf in log.leaves() if hasattr(leaf, "run_id")]


def leaves_on_disk(folder: Path) -> list[Leaf]:
    """Return the leaves as an auditor reads them, from nothing but the file."""
    return [leaf_of(record) for record in Chain().read((folder / "log.jsonl").read_bytes())]


def is_whole(folder: Path) -> bool:
    """Hold a log's files against each other: lines chain, the checkpoint is signed and of a beginning."""
    data = (folder / "log.jsonl").read_bytes()
    leaves_on_disk(folder)
    note, checkpoint = read_checkpoint((folder / "checkpoint").read_text())
    key = parse_key((folder / "log.vkey").read_text())
    hashes = [leaf_hash(line) for line in data.splitlines(keepends=True)]
    assert checkpoint.size <= len(hashes)
    assert checkpoint.root == root_of(hashes[: checkpoint.size])
    assert checkpoint.origin == key.name
    assert is_signed_by(note, key)
    return True
