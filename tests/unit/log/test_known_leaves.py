"""A log that is open for weeks keeps little of what has ended, and gives all of it when asked."""

from pathlib import Path

import pytest

from babysitter.log.leaves import Approval, BreakGlassReviewed, Leaf, RunOpened, RunSealed
from babysitter.log.tree import leaf_hash
from babysitter.model.errors import CorruptJournalError
from tests.unit.log.logs import held, leaves_on_disk, open_log, progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


def opened(run_id: str) -> RunOpened:
    return RunOpened(
        run_id=run_id,
        process_id="p",
        process_digest="0" * 64,
        requested_by="alice",
        policy_sha256="0" * 64,
        first_line_sha256="0" * 64,
        run_key="",
    )


def emergency(run_id: str) -> Approval:
    return Approval(
        run_id=run_id,
        breakpoint_id="b",
        seq=3,
        prefix="0" * 64,
        line_sha256="0" * 64,
        approver="bob",
        decision="approve",
        method="ssh",
        break_glass=True,
    )


def sealed(run_id: str) -> RunSealed:
    return RunSealed(run_id=run_id, seq=9, prefix="0" * 64, status="completed", signature="")


def reviewed(run_id: str) -> BreakGlassReviewed:
    digest = "0" * 64
    return BreakGlassReviewed(
        run_id=run_id,
        breakpoint_id="b",
        reviewer="carol",
        statement_sha256=digest,
        signature_sha256=digest,
    )


STORY: list[Leaf] = [
    opened("a"),
    opened("b"),
    progress("a"),
    emergency("a"),
    sealed("a"),
    held("a"),
    progress("b"),
    reviewed("a"),
]


def of(leaves: list[Leaf], run_id: str) -> list[Leaf]:
    return [leaf for leaf in leaves if getattr(leaf, "run_id", None) == run_id]


@pytest.mark.parametrize("goes_on", ["the same process", "another process"])
def test_a_run_s_leaves_are_all_there_before_and_after_its_seal(folder: Path, goes_on: str) -> None:
    log = open_log(folder)
    for count, leaf in enumerate(STORY, 1):
        log.append([leaf], durable=True)
        reader = log if goes_on == "the same process" else open_log(folder)
        for run_id in ("a", "b", "never"):
            assert reader.by_run(run_id) == of(STORY[:count], run_id)
        assert reader.leaves() == leaves_on_disk(folder) == STORY[:count]
        assert reader.hashes() == [leaf_hash(line) for line in reader.lines()]


def test_an_emergency_is_open_until_it_is_reviewed_whether_or_not_its_run_has_ended(folder: Path) -> None:
    log = open_log(folder)

    log.append(STORY[:5], durable=True)
    assert log.unreviewed() == [("a", "b")]
    assert log.unsealed() == {"b"}
    log.append(STORY[5:], durable=True)
    assert log.unreviewed() == []


def test_no_leaf_of_a_sealed_run_is_kept(folder: Path) -> None:
    log = open_log(folder)
    log.append(STORY, durable=True)

    assert log._known.of_run("a") == []
    assert log._known.of_run("b") == [opened("b"), progress("b")]
    assert sum(isinstance(leaf, RunOpened) for leaf in log._known.newest.values()) == 1


def test_leaves_that_were_edited_since_they_were_read_are_refused(folder: Path) -> None:
    log = open_log(folder)
    log.append(STORY, durable=True)
    path = folder / "log.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"alice"', b'"mallo"', 1))

    with pytest.raises(CorruptJournalError, match="line 2 has prefix"):
        log.by_run("a")
