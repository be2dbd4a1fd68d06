"""``atlas`` as a person or a script calls it, in a workspace with a run."""

import json
from pathlib import Path

import pytest

from babysitter.cli.root import run
from babysitter.testing.trusting import trust_as_it_is
from tests.unit.service.atlas.pages import FOREIGN

PROCESS = """\
from babysitter import Context, process, task

@task(inline=True)
def double(n: int) -> int:
    return 2 * n

@process
async def quick(ctx: Context) -> int:
    return await ctx.task(double, 21)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a run, a document and a record of another atlas."""
    monkeypatch.chdir(tmp_path)
    settings = '[sandbox]\nmode = "none"\n[secrets]\nrecognise = false\n[atlas]\npages = ["atlas/*.json"]\n'
    (tmp_path / "babysitter.toml").write_text(settings)
    (tmp_path / "quick.py").write_text(PROCESS)
    (tmp_path / "README.md").write_text("# Quick\n\nSee [the code](quick.py) \x1b[31m.\n")
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas" / "keys.json").write_bytes(FOREIGN)
    trust_as_it_is(tmp_path, "quick.py")
    assert run(["start", "quick.py", "--run-id", "r"]) == 0
    return tmp_path


def said(capfdbinary: pytest.CaptureFixture[bytes], *words: str) -> tuple[int, bytes]:
    capfdbinary.readouterr()
    status = run(["atlas", *words])
    return status, capfdbinary.readouterr().out


@pytest.mark.promise("G29")
@pytest.mark.usefixtures("place")
def test_the_json_of_a_page_is_its_record_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert said(capfdbinary, "get", "page:guide-keys", "--json") == (0, FOREIGN)

    status, record = said(capfdbinary, "get", "run:r", "--json")

    assert status == 0
    assert record.startswith(
        b'{\n "id": "run:r",\n "_kind": "Run",\n "_file": ".a5c/runs/r/journal/journal.jsonl"'
    )
    assert record.endswith(b"\n}")
    assert json.loads(record)["attributes"]["output"] == 42


@pytest.mark.usefixtures("place")
def test_a_page_as_text_has_the_way_to_it_its_facts_and_its_edges(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    status, out = said(capfdbinary, "get", "effect:r/1-double")

    text = out.decode()
    assert status == 0
    assert text.startswith("Atlas / Effects / r / double\nEffect  double\n")
    assert "  state         ok\n" in text
    assert "  → of_task  task:double\n" in text
    assert "  ← has_effect  run:r\n" in text


@pytest.mark.usefixtures("place")
def test_a_document_is_printed_without_anything_that_moves_a_terminal(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    status, out = said(capfdbinary, "get", "document:README")

    assert status == 0
    assert b"See [the code](quick.py)" in out
    assert b"\x1b" not in out


@pytest.mark.usefixtures("place")
def test_pages_are_searched_and_walked(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    status, out = said(capfdbinary, "search", "quick", "--kind", "Process", "--json")
    assert status == 0
    assert [hit["id"] for hit in json.loads(out)["hits"]] == ["process:quick.py:quick"]

    status, out = said(capfdbinary, "neighbors", "process:quick.py:quick", "--json")
    found = {(each["direction"], each["edge"], each["id"]) for each in json.loads(out)["neighbors"]}
    assert found == {
        ("out", "has_task", "task:double"),
        ("in", "documents", "document:README"),
        ("in", "runs", "run:r"),
    }
    assert said(capfdbinary, "neighbors", "run:r")[1].count(b"\n") == 4
    assert said(capfdbinary, "search", "xyzzy nothing") == (1, b"Nothing is found.\n")


@pytest.mark.usefixtures("place")
def test_an_unknown_page_is_told_with_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()

    assert run(["atlas", "get", "run:other"]) == 2
    assert "the Atlas has no page run:other." in capfd.readouterr().err


@pytest.mark.usefixtures("place")
def test_it_shows_runs_that_are_kept_elsewhere_without_naming_the_machine_s_folders(
    place: Path, tmp_path_factory: pytest.TempPathFactory, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "runs"
    (place / ".a5c" / "runs").rename(elsewhere)

    status, record = said(capfdbinary, "get", "run:r", "--json", "--runs-dir", str(elsewhere))

    assert status == 0
    assert json.loads(record)["_file"] == "runs/r/journal/journal.jsonl"
    assert str(elsewhere).encode() not in record
