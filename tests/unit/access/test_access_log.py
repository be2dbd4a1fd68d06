"""The access log: one chained line a request, and nothing that was there is ever lost silently."""

import hashlib
import json
from pathlib import Path

import pytest

from babysitter.access import access_log
from babysitter.access.access_log import AccessLog, Requested, Unproven, read_access, requested
from babysitter.access.server_lock import server_lock
from babysitter.model.errors import RefusedError
from babysitter.model.lines import Chain, Record
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock


def line(path: str) -> Requested:
    return Requested(who="ada", address="127.0.0.1", method="GET", path=path, status=200, ms=1)


def opened(folder: Path, clock: FakeClock | None = None) -> AccessLog:
    log = AccessLog(Tree(RealDisk(), str(folder)), clock or FakeClock())
    log.open()
    return log


def paths(folder: Path) -> list[str]:
    return [line.path for found in read(folder) if isinstance(found, Record) and (line := requested(found))]


def problems(folder: Path) -> list[str]:
    return [found.why for found in read(folder) if isinstance(found, Unproven)]


def read(folder: Path) -> list[Record | Unproven]:
    return list(read_access(Tree(RealDisk(), str(folder))))


def three_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Write a log that was set aside twice; return its files, the oldest first."""
    monkeypatch.setattr(access_log, "BYTES_MAX", 600)
    log = opened(folder)
    while len(list((folder / "server").glob("access-*.jsonl"))) < 2:
        log.write(line("/x"))
    log.close()
    return sorted((folder / "server").glob("access-*.jsonl"))


@pytest.mark.promise("G21")
def test_a_server_that_starts_again_goes_on_with_the_same_chain(tmp_path: Path) -> None:
    for name in ("one", "two"):
        log = opened(tmp_path)
        log.write(line(f"/{name}"))
        log.close()

    data = (tmp_path / "server" / "access.jsonl").read_bytes()
    seen = [record.seq for record in Chain().read(data)]

    assert seen == [1, 2]
    assert paths(tmp_path) == ["/one", "/two"]
    assert (tmp_path / "server" / "access.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.promise("G21")
@pytest.mark.parametrize("harm", ["torn", "changed", "nul"])
def test_a_file_that_does_not_chain_is_set_aside_whole_and_the_next_one_says_so(
    tmp_path: Path, harm: str
) -> None:
    log = opened(tmp_path)
    for name in ("one", "two", "three"):
        log.write(line(f"/{name}"))
    log.close()
    file = tmp_path / "server" / "access.jsonl"
    good = file.read_bytes()
    bad = {"torn": good[:-9], "changed": good.replace(b"/two", b"/twe"), "nul": good + b"\0" * 64}[harm]
    file.write_bytes(bad)

    log = opened(tmp_path, FakeClock(start_ns=1_800_000_000_000_000_000))
    log.write(line("/four"))
    log.close()

    first = json.loads(file.read_bytes().splitlines()[0])
    aside = tmp_path / "server" / first["data"]["file"]
    assert first["type"] == "CONTINUED"
    assert first["data"]["why"] == "broken"
    assert aside.read_bytes() == bad
    assert first["data"]["sha256"] == hashlib.sha256(bad).hexdigest()
    assert [record.seq for record in Chain().read(file.read_bytes())] == [1, 2]


@pytest.mark.promise("G21")
def test_a_broken_file_hides_nothing_of_those_that_follow_it(tmp_path: Path) -> None:
    """It is set aside once and for ever; an auditor would see nothing of any later day."""
    log = opened(tmp_path)
    for name in ("one", "two"):
        log.write(line(f"/{name}"))
    log.close()
    file = tmp_path / "server" / "access.jsonl"
    file.write_bytes(file.read_bytes()[:-9])

    log = opened(tmp_path)
    log.write(line("/three"))
    log.close()

    assert paths(tmp_path) == ["/one", "/three"]
    [problem] = problems(tmp_path)
    assert "does not chain from its line 2 on" in problem


@pytest.mark.promise("G21")
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("harm", ["gone", "shorter", "another"])
def test_a_file_that_was_set_aside_can_not_be_changed_or_taken_away_unnoticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int, harm: str
) -> None:
    aside = three_files(tmp_path, monkeypatch)[which]
    assert problems(tmp_path) == []

    if harm == "gone":
        aside.unlink()
    elif harm == "shorter":
        aside.write_bytes(b"".join(aside.read_bytes().splitlines(keepends=True)[:-1]))
    else:
        chain = Chain()
        aside.write_bytes(chain.line("REQUEST", "2026-01-01T00:00:00.000000Z", b"{}"))

    assert any(aside.name in problem for problem in problems(tmp_path))


@pytest.mark.promise("G21")
def test_a_file_that_nobody_set_aside_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three_files(tmp_path, monkeypatch)
    (tmp_path / "server" / "access.jsonl").unlink()
    opened(tmp_path).close()

    assert len(problems(tmp_path)) == 2
    assert "named by no file" in problems(tmp_path)[0]


def test_a_file_that_is_full_is_followed_by_another_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "BYTES_MAX", 600)
    log = opened(tmp_path)
    for number in range(6):
        log.write(line(f"/{number}"))
    log.close()

    assert paths(tmp_path) == [f"/{number}" for number in range(6)]
    assert len(list((tmp_path / "server").glob("access-*.jsonl"))) >= 2


def test_two_servers_in_one_place_are_one_too_many(tmp_path: Path) -> None:
    tree = Tree(RealDisk(), str(tmp_path))

    with (
        server_lock(tree),
        pytest.raises(RefusedError, match="another server"),
        server_lock(Tree(RealDisk(), str(tmp_path))),
    ):
        pass
    with server_lock(tree):
        pass
