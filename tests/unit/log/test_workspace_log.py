"""The log on disk: it only grows, says so under its key, and refuses to go on when it was tampered with."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from babysitter.log import workspace_log
from babysitter.log.leaves import LogRecovered, PolicyChanged, SignersChanged
from babysitter.log.proofs import check_leaf, prove_leaf
from babysitter.log.tree import leaf_hash
from babysitter.model.errors import BabysitterError, CorruptJournalError, NotFoundError, StoreFailedError
from babysitter.model.lines import BATCH_BYTES_MAX
from babysitter.stores.disk import RealDisk
from babysitter.testing.faulty_disk import FaultyDisk
from tests.unit.log.logs import (
    ORIGIN,
    filled,
    held,
    is_whole,
    leaves_on_disk,
    open_log,
    progress,
    run_ids,
)

SYNCS = {"sync", "sync_data"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".a5c" / "log"


def checkpoint_size(folder: Path) -> int:
    return int((folder / "checkpoint").read_text().splitlines()[1])


def edit(folder: Path, number: int, old: bytes = b'"by":"alice"', new: bytes = b'"by":"mallo"') -> None:
    """Change something in a line, keeping its length."""
    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new)
    (folder / "log.jsonl").write_bytes(b"".join(lines))


def cut(folder: Path, lines: int) -> None:
    """Take whole lines from the end."""
    kept = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)[:-lines]
    (folder / "log.jsonl").write_bytes(b"".join(kept))


def test_leaves_are_appended_in_order_and_numbered_from_zero(folder: Path) -> None:
    log = open_log(folder)

    assert log.append([held("a"), held("b")], durable=True) == [0, 1]
    assert log.append([held("c")], durable=True) == [2]

    assert run_ids(log) == ["a", "b", "c"]
    assert run_ids(open_log(folder)) == ["a", "b", "c"]
    assert is_whole(folder)


def test_a_durable_append_is_signed_at_once(folder: Path) -> None:
    log = filled(folder, 3)

    assert checkpoint_size(folder) == 3
    assert log.verifier() is not None
    assert str(log.checkpoint()).startswith(f"{ORIGIN}\n3\n")


def test_nothing_to_append_adds_nothing(folder: Path) -> None:
    log = filled(folder, 2)

    assert log.append([], durable=True) == []

    assert checkpoint_size(folder) == 2


def test_a_run_is_found_by_its_id(folder: Path) -> None:
    log = filled(folder, 3)
    log.append([progress("run-1")], durable=False)

    assert log.by_run("run-1") == [held("run-1"), progress("run-1")]
    assert log.by_run("nobody") == []


def test_lines_and_hashes_are_those_of_the_file(folder: Path) -> None:
    log = filled(folder, 3)

    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)

    assert log.lines() == lines
    assert log.hashes() == [leaf_hash(line) for line in lines]


def test_every_leaf_can_be_shown_alone(folder: Path) -> None:
    log = filled(folder, 5)
    key = log.verifier()
    assert key is not None

    assert [check_leaf(prove_leaf(log, index), key) for index in range(5)] == log.leaves()


def test_a_leaf_that_no_checkpoint_is_over_cannot_be_shown_yet(folder: Path) -> None:
    log = filled(folder, 2)
    log.append([progress("run-1")], durable=False)

    with pytest.raises(NotFoundError):
        prove_leaf(log, 2)


def test_a_log_that_is_not_there_reads_as_empty_and_reading_makes_nothing(folder: Path) -> None:
    log = open_log(folder)

    assert (log.leaves(), log.by_run("r"), log.lines(), log.hashes()) == ([], [], [], [])
    assert (log.checkpoint(), log.verifier()) == (None, None)
    assert not folder.exists()


def test_everything_of_the_log_is_for_its_owner_alone(folder: Path) -> None:
    log = filled(folder)
    log.keep("policies", "x.json", b"{}")

    modes = {path: path.stat().st_mode & 0o777 for path in [folder, folder.parent, *folder.rglob("*")]}

    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if not path.is_dir()} == {0o600}


def test_a_folder_that_others_may_read_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)

    filled(folder, 1)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_log_without_a_name_makes_one_that_it_keeps(folder: Path) -> None:
    log = open_log(folder, origin="")
    log.append([held("a")], durable=True)
    name = str(log.checkpoint()).partition("\n")[0]

    other = open_log(folder, origin="another")
    other.append([held("b")], durable=True)

    assert name.startswith("babysitter/")
    assert str(other.checkpoint()).partition("\n")[0] == name


def test_progress_costs_no_sync_and_no_checkpoint_names_it_before_it_is_synced(folder: Path) -> None:
    filled(folder, 2)
    disk = FaultyDisk(RealDisk(), None)
    log = open_log(folder, disk.port)

    log.append([progress("run-1")], durable=False)

    assert SYNCS.isdisjoint(disk.operations)
    assert checkpoint_size(folder) == 2
    log.append([held("run-1")], durable=True)
    assert [name for name in disk.operations if name in SYNCS] == ["sync_data"]
    assert checkpoint_size(folder) == 4


def test_progress_that_a_power_cut_took_is_gone_without_harm(folder: Path) -> None:
    filled(folder, 2)
    before = (folder / "log.jsonl").read_bytes()
    open_log(folder).append([progress("run-1")], durable=False)
    (folder / "log.jsonl").write_bytes(before)

    later = open_log(folder)

    assert later.append([held("b")], durable=True) == [2]
    assert is_whole(folder)


def test_progress_that_piles_up_is_synced_before_it_could_be_torn_away(folder: Path) -> None:
    """A torn tail is cut only when it is short, so what is not synced stays short."""
    log = filled(folder, 1)
    unsynced, synced = 0, (folder / "log.jsonl").stat().st_size
    for seq in range(1, 800):
        log.append([progress("r", seq)], durable=False)
        size = (folder / "log.jsonl").stat().st_size
        if checkpoint_size(folder) == seq + 1:
            synced = size
        unsynced = max(unsynced, size - synced)

    assert workspace_log.WRITE_BYTES_MAX - 1000 < unsynced <= workspace_log.WRITE_BYTES_MAX


def test_what_is_too_much_for_one_write_is_written_in_several(folder: Path) -> None:
    disk = FaultyDisk(RealDisk(), None)
    log = open_log(folder, disk.port)
    log.append([held("a")], durable=True)
    del disk.operations[:]

    indexes = log.append([held(f"run-{number}") for number in range(1000)], durable=True)

    size = (folder / "log.jsonl").stat().st_size
    assert indexes == list(range(1, 1001))
    assert size > BATCH_BYTES_MAX
    assert disk.operations.count("sync_data") == -(-size // workspace_log.WRITE_BYTES_MAX)
    assert is_whole(folder)


@pytest.mark.parametrize("tail", [b"{", b'{"seq":6,"prefix":"', b"\0" * 4096, b"x" * BATCH_BYTES_MAX])
def test_a_torn_tail_is_cut_its_bytes_kept_and_said(folder: Path, tail: bytes) -> None:
    filled(folder)
    with (folder / "log.jsonl").open("ab") as file:
        file.write(tail)

    log = open_log(folder)
    index = log.append([held("later")], durable=True)

    digest = hashlib.sha256(tail).hexdigest()
    assert index == [6]
    assert log.leaves()[5] == LogRecovered(dropped_bytes=len(tail), dropped_sha256=digest)
    assert (folder / "torn" / digest).read_bytes() == tail
    assert is_whole(folder)


def test_a_torn_batch_keeps_its_whole_lines(folder: Path) -> None:
    filled(folder, 2)
    before = (folder / "log.jsonl").read_bytes()
    open_log(folder).append([progress("x"), progress("y")], durable=False)
    after = (folder / "log.jsonl").read_bytes()
    (folder / "log.jsonl").write_bytes(after[:-20])

    log = open_log(folder)
    log.append([held("later")], durable=True)

    assert after.startswith(before)
    assert run_ids(log) == ["run-0", "run-1", "x", "later"]
    assert is_whole(folder)


def test_a_reader_takes_a_torn_tail_for_a_line_that_is_being_written(folder: Path) -> None:
    filled(folder, 2)
    with (folder / "log.jsonl").open("ab") as file:
        file.write(b'{"seq":3')

    assert run_ids(open_log(folder)) == ["run-0", "run-1"]
    assert (folder / "log.jsonl").read_bytes().endswith(b'{"seq":3')


def test_a_tail_that_no_write_could_have_left_is_refused(folder: Path) -> None:
    filled(folder)
    with (folder / "log.jsonl").open("ab") as file:
        file.write(b"x" * (BATCH_BYTES_MAX + 1))

    with pytest.raises(CorruptJournalError, match="no batch is that long"):
        open_log(folder).append([held("later")], durable=True)


@pytest.mark.parametrize("number", [0, 2, 4])
def test_an_edit_is_refused_and_not_cut_as_torn(folder: Path, number: int) -> None:
    filled(folder)
    edit(folder, number)
    before = (folder / "log.jsonl").read_bytes()

    with pytest.raises(CorruptJournalError, match="its own checkpoint of 5") as refusal:
        open_log(folder).append([held("later")], durable=True)

    assert "verify" in refusal.value.hint
    assert (folder / "log.jsonl").read_bytes() == before
    assert not (folder / "torn").exists()


@pytest.mark.parametrize("number", [0, 2])
def test_a_reader_refuses_an_edit_too(folder: Path, number: int) -> None:
    """Else whoever hides a leaf could have it decided without."""
    filled(folder)
    edit(folder, number)

    with pytest.raises(CorruptJournalError):
        open_log(folder).leaves()


def test_a_line_that_says_nothing_known_is_refused(folder: Path) -> None:
    filled(folder, 1)
    edit(folder, 0, b'"run.held"', b'"run.lost"')

    with pytest.raises(CorruptJournalError, match="is no leaf"):
        open_log(folder).append([held("later")], durable=True)


@pytest.mark.parametrize("is_warm", [True, False], ids=["seen before", "opened anew"])
def test_a_rollback_is_refused(folder: Path, is_warm: bool) -> None:
    log = filled(folder)
    cut(folder, 2)

    with pytest.raises(CorruptJournalError):
        (log if is_warm else open_log(folder)).append([held("later")], durable=True)

    assert len(leaves_on_disk(folder)) == 3


def test_whoever_has_seen_more_refuses_a_rollback_of_everything(folder: Path, tmp_path: Path) -> None:
    """Bringing back an older folder, checkpoint included, deceives only those who look for the first time."""
    log = filled(folder, 3)
    shutil.copytree(folder, tmp_path / "older")
    log.append([held("forgotten")], durable=True)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "older", folder)

    with pytest.raises(CorruptJournalError, match="shorter than it was"):
        log.append([held("later")], durable=True)


def test_a_fork_is_refused_by_whoever_has_seen_the_other_branch(folder: Path, tmp_path: Path) -> None:
    log = filled(folder, 3)
    shutil.copytree(folder, tmp_path / "other")
    log.append([held("branch-a")], durable=True)
    open_log(tmp_path / "other").append([held("branch-b")], durable=True)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "other", folder)

    with pytest.raises(CorruptJournalError, match="its lines are others"):
        log.append([held("later")], durable=True)


def test_lines_of_another_branch_under_our_checkpoint_are_refused(folder: Path, tmp_path: Path) -> None:
    log = filled(folder, 3)
    shutil.copytree(folder, tmp_path / "other")
    log.append([held("branch-a")], durable=True)
    open_log(tmp_path / "other").append([held("branch-b")], durable=True)
    shutil.copy(tmp_path / "other" / "log.jsonl", folder / "log.jsonl")

    with pytest.raises(CorruptJournalError, match="has other lines"):
        open_log(folder).append([held("later")], durable=True)


def test_a_log_that_was_deleted_is_not_begun_anew(folder: Path) -> None:
    log = filled(folder)
    (folder / "log.jsonl").unlink()

    for each in (log, open_log(folder)):
        with pytest.raises(CorruptJournalError):
            each.append([held("later")], durable=True)


@pytest.mark.parametrize("left", [None, b"", b"\0" * 200])
def test_a_checkpoint_that_a_power_cut_took_is_signed_again(folder: Path, left: bytes | None) -> None:
    """It is not synced: all that it says follows from the lines."""
    filled(folder)
    (folder / "checkpoint").unlink()
    if left is not None:
        (folder / "checkpoint").write_bytes(left)

    open_log(folder).append([held("later")], durable=True)

    assert checkpoint_size(folder) == 6
    assert is_whole(folder)


def test_where_the_checkpoint_is_lost_those_that_witnesses_signed_are_held_against_the_log(
    folder: Path,
) -> None:
    log = filled(folder, 4)
    for size in (2, 3):
        log.keep("checkpoints", str(size), b"of a smaller tree")
    log.keep("checkpoints", "4", str(log.checkpoint()).encode())
    log.keep("checkpoints", "4.stamper.tsr", b"a token")
    (folder / "checkpoint").unlink()
    cut(folder, 1)

    with pytest.raises(CorruptJournalError, match="has fewer lines"):
        open_log(folder).append([held("later")], durable=True)


@pytest.mark.parametrize("text", [b"nonsense", b"\xff\xfe", b"ours\n1\n\n"])
def test_a_checkpoint_that_says_nothing_is_refused(folder: Path, text: bytes) -> None:
    filled(folder)
    (folder / "checkpoint").write_bytes(text)

    with pytest.raises(CorruptJournalError, match="checkpoint can't be read"):
        open_log(folder).append([held("later")], durable=True)


def test_an_older_checkpoint_is_caught_up_with(folder: Path) -> None:
    """A crash between the lines and their checkpoint leaves one."""
    log = filled(folder, 3)
    old = (folder / "checkpoint").read_bytes()
    log.append([held("more")], durable=True)
    (folder / "checkpoint").write_bytes(old)

    for each in (log, open_log(folder)):
        each.append([held("later")], durable=True)

    assert checkpoint_size(folder) == 6
    assert is_whole(folder)


@pytest.mark.parametrize("name", ["log.key", "log.vkey"])
@pytest.mark.parametrize("left", [None, b"x", b"\0" * 32], ids=["gone", "no key", "another"])
def test_without_its_key_the_log_stops_and_is_given_no_other(
    folder: Path, name: str, left: bytes | None
) -> None:
    filled(folder, 2)
    (folder / name).unlink()
    if left is not None:
        (folder / name).write_bytes(left)

    with pytest.raises(CorruptJournalError, match="the key of the log") as refusal:
        open_log(folder).append([held("later")], durable=True)

    assert "backup" in refusal.value.hint
    assert len(leaves_on_disk(folder)) == 2
    assert {path.name for path in folder.iterdir()} >= {"checkpoint", "log.jsonl"}


def test_a_file_that_a_leaf_names_is_kept_first(folder: Path) -> None:
    log = open_log(folder)

    log.keep("policies", "abc.json", b"{}")

    assert log.read("policies/abc.json") == b"{}"
    with pytest.raises(NotFoundError):
        log.read("policies/other.json")


@pytest.mark.linux
def test_a_symlink_in_place_of_the_log_is_not_followed(folder: Path, tmp_path: Path) -> None:
    filled(folder, 1)
    (folder / "log.jsonl").rename(tmp_path / "elsewhere")
    (folder / "log.jsonl").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BabysitterError, match="symlink"):
        open_log(folder).append([held("later")], durable=True)


def test_a_log_that_somebody_holds_for_too_long_is_said(folder: Path) -> None:
    filled(folder, 1)
    disk = FaultyDisk(RealDisk(), None)
    log = open_log(folder, disk.port)
    fd = log.tree.open("lock", os.O_RDWR)
    disk._disk.pause = lambda seconds: log._clock.advance(1.0)  # type: ignore[method-assign, attr-defined]

    try:
        assert RealDisk().try_lock(fd, shared=False)
        with pytest.raises(StoreFailedError, match="another process has held the log"):
            log.append([held("later")], durable=True)
        # Two who write one file at once write it aside under one name, so that waits, too.
        with pytest.raises(StoreFailedError, match="another process has held the log"):
            log.keep("policies", "p.json", b"{}")
    finally:
        os.close(fd)

    assert log.append([held("later")], durable=True) == [1]
    log.keep("policies", "p.json", b"{}")
    assert log.read("policies/p.json") == b"{}"


def test_what_is_asked_at_every_decision_is_kept_as_the_leaves_come_in(folder: Path) -> None:
    """Also what another process added; nothing looks through all leaves for it."""
    log, other = open_log(folder), open_log(folder)
    log.append([PolicyChanged(policy_sha256="1" * 64, by="alice"), held("r")], durable=True)

    other.append([PolicyChanged(policy_sha256="2" * 64, by="bob")], durable=True)

    newest = log.newest(PolicyChanged)
    assert newest is not None
    assert (newest.policy_sha256, log.newest(SignersChanged)) == ("2" * 64, None)
    assert (log.unreviewed(), log.unsealed()) == ([], set())
