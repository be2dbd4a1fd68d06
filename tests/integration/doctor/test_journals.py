"""Journals, clock, locks, log, witness, and how old runs are."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest

from babysitter.model.clock import format_time
from babysitter.stores.file_lease import Driver
from babysitter.stores.interface import Holder
from tests.integration.doctor.ward import NOW_NS, RULE, Arrange, Cases, Ward, names_of

WITNESS = '[[log.witnesses]]\nname = "w"\nkind = "git"\nurl = "ssh://git.example.com/w"\n'


def ran(ward: Ward) -> None:
    ward.run()


def edited(ward: Ward) -> None:
    journal = ward.run()
    journal.write_bytes(journal.read_bytes().replace(b'"requestedBy"', b'"requestedby"', 1))


def torn(ward: Ward) -> None:
    journal = ward.run()
    journal.write_bytes(journal.read_bytes()[:-7])


def later(ward: Ward) -> None:
    ward.run()
    ward.clock.time_ns = NOW_NS - 3600 * 10**9


def without_log(ward: Ward) -> None:
    ward.run()
    shutil.rmtree(ward.root / ".a5c/log")


def witnessed(ward: Ward) -> None:
    ward.run()
    ward.settings(WITNESS)


def unseen_production(ward: Ward) -> None:
    ward.run()
    ward.settings(RULE)


def old(ward: Ward) -> None:
    ward.run()
    ward.clock.advance(31 * 86_400)


def held_by_the_dead(ward: Ward) -> None:
    journal = ward.run()
    hold(journal, pid=2**22 - 1)
    ward.keep.append(locked(journal))


def hold(journal: Path, pid: int) -> None:
    holder = Holder(user="u", host=os.uname().nodename, pid=pid, since=format_time(NOW_NS))
    sidecar = journal.parent.parent / "state/driver.json"
    sidecar.write_bytes(msgspec.json.encode(Driver(holder=holder)))


def locked(journal: Path) -> BinaryIO:
    """Return an open file that holds a run's lock, as a program does that inherited it."""
    file = (journal.parent.parent / "run.json").open("rb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


CASES: Cases = {
    ("D23-journals-chain", "ok"): ran,
    ("D23-journals-chain", "problem"): edited,
    ("D23-journals-chain", "not-applicable"): lambda _: None,
    ("D23-clock", "ok"): ran,
    ("D23-clock", "problem"): later,
    ("D23-clock", "not-applicable"): lambda _: None,
    ("D23-locks", "ok"): ran,
    ("D23-locks", "problem"): held_by_the_dead,
    ("D23-locks", "not-applicable"): lambda _: None,
    ("D23-log", "ok"): ran,
    ("D23-log", "problem"): without_log,
    ("D23-log", "not-applicable"): lambda _: None,
    ("D23-witness", "ok"): witnessed,
    ("D23-witness", "problem"): unseen_production,
    ("D23-witness", "note"): ran,
    ("D23-witness", "not-applicable"): lambda _: None,
    ("D26-old-runs", "ok"): ran,
    ("D26-old-runs", "note"): old,
    ("D26-old-runs", "not-applicable"): lambda _: None,
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


def test_what_a_crash_leaves_is_told_from_what_somebody_did(ward: Ward) -> None:
    torn(ward)
    crashed = ward.look("D23-journals-chain")
    shutil.rmtree(ward.root / ".a5c")
    edited(ward)
    changed = ward.look("D23-journals-chain")

    assert (crashed.severity, crashed.command) == ("low", "babysitter resume r")
    assert (changed.severity, changed.command) == ("critical", "babysitter journal verify r")


def test_a_run_that_is_being_driven_may_end_in_half_a_line(ward: Ward) -> None:
    torn(ward)
    journal = ward.root / ".a5c/runs/r/journal/journal.jsonl"
    hold(journal, pid=os.getpid())
    ward.keep.append(locked(journal))

    assert ward.look("D23-journals-chain").state == "ok"


def test_a_folder_without_a_journal_is_no_run_that_is_whole(ward: Ward) -> None:
    ward.write(".a5c/runs/r/run.json")

    assert ward.look("D23-journals-chain").severity == "critical"


def test_a_clock_that_is_a_little_slow_is_no_problem(ward: Ward) -> None:
    ward.run()
    ward.clock.time_ns = NOW_NS - 60 * 10**9

    assert ward.look("D23-clock").state == "ok"


def test_a_lock_of_a_living_driver_is_fine(ward: Ward) -> None:
    journal = ward.run()
    hold(journal, pid=os.getpid())
    ward.keep.append(locked(journal))

    assert ward.look("D23-locks").found == "1 run held, each by a process that is alive or on another machine"


@pytest.mark.parametrize("name", ["log.jsonl", "checkpoint", "log.key"])
def test_each_part_of_the_log_is_missed(name: str, ward: Ward) -> None:
    ward.run()
    (ward.root / ".a5c/log" / name).unlink()

    found = ward.look("D23-log")

    assert (found.state, found.places) == ("problem", (f".a5c/log/{name}",))


def test_old_runs_are_for_the_rules_where_there_are_some_and_else_for_the_guides_command(ward: Ward) -> None:
    old(ward)
    without = ward.look("D26-old-runs")
    ward.settings('[[retention.rules]]\nid = "a"\nprocesses = ["*"]\nafter_days = 9\naction = "delete"\n')
    ruled = ward.look("D26-old-runs")

    assert (without.state, ruled.state) == ("note", "note")
    assert without.command.startswith("find ")
    assert ruled.command == "babysitter retention plan"


def test_a_run_that_has_not_ended_is_not_old(ward: Ward) -> None:
    journal = ward.run()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    ward.clock.advance(31 * 86_400)

    assert ward.look("D26-old-runs").state == "ok"
