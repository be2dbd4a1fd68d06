"""``run watch`` and ``inbox --watch`` on a real terminal: they follow, answer keys, leave it as it was."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from babysitter.model import events as ev
from tests.integration.cli.terminal import Terminal
from tests.integration.watching import runs
from tests.integration.watching.served import Server, serving

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    root = tmp_path / "shop"
    with serving(root) as server:
        yield server, root


@contextmanager
def watching(root: Path, *words: str) -> Iterator[Terminal]:
    argv = [sys.executable, "-m", "babysitter", *words]
    terminal = Terminal(argv, root, {**os.environ, "TERM": "xterm"}, size=(30, 110))
    try:
        yield terminal
    finally:
        terminal.close()


def test_a_run_is_followed_until_it_ends(shop: tuple[Server, Path]) -> None:
    server, root = shop
    run = runs.going(server)
    with watching(root, "run", "watch", "nightly-7") as terminal:
        terminal.wait_for("Write the report")
        run.add(runs.asked(run, "2", "2-go", "Send it?"), after_s=1)
        terminal.wait_for("babysitter approve nightly-7/2-go --key KEY")
        run.add(
            *runs.released("2-go"),
            runs.ended("1-report"),
            ev.RunCompleted(output=1, output_sha256=""),
            after_s=1,
        )

        assert terminal.ended() == 0
        assert terminal.seen.count(ENTER) == terminal.seen.count(LEAVE) == 1
        assert "2 of 2 steps done" in terminal.seen.partition(LEAVE)[2]


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_who_leaves_finds_the_terminal_as_it_was(shop: tuple[Server, Path], key: str) -> None:
    server, root = shop
    runs.going(server)
    with watching(root, "run", "watch", "nightly-7") as terminal:
        terminal.wait_for("q leaves")
        terminal.type(key)
        terminal.ended()

        assert terminal.seen.count(LEAVE) == 1
        assert "\x1b[?25h" in terminal.seen


def test_the_inbox_shows_what_comes_and_goes(shop: tuple[Server, Path]) -> None:
    server, root = shop
    run = runs.going(server)
    with watching(root, "inbox", "--watch") as terminal:
        terminal.wait_for("Nothing waits for a person.")
        run.add(runs.asked(run, "2", "2-go", "Send it?"), after_s=1)
        terminal.wait_for("1 question waits for a person")
        run.add(*runs.released("2-go"), after_s=1)
        drawn = terminal.text.count("Nothing waits")
        terminal.wait_for("Nothing waits for a person." if drawn == 1 else "q leaves")
        terminal.type("q")
        assert terminal.ended() == 0


def test_where_there_is_no_terminal_each_event_is_a_line(shop: tuple[Server, Path]) -> None:
    server, root = shop
    runs.broken(server)
    lines: list[str] = []
    for more in ([], ["--json"]):
        argv = [sys.executable, "-m", "babysitter", "run", "watch", "import-3", *more]
        done = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=60, check=False)
        lines = done.stdout.splitlines()

        assert (done.returncode, len(lines), "\x1b" in done.stdout) == (1, 5, False)
    assert json.loads(lines[-1])["type"] == "RUN_FAILED"


def test_the_access_log_is_listed(shop: tuple[Server, Path]) -> None:
    server, root = shop
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{server.url}/api/v1/runs")
    argv = [sys.executable, "-m", "babysitter", "audit", "access", "--denied", "--json"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=60, check=True)

    (request,) = json.loads(done.stdout)["requests"]
    assert (request["who"], request["status"], request["refused"]) == ("", 401, "refused.credential")
