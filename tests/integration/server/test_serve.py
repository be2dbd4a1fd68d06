"""``babysitter serve`` for real: killed at any moment, refused where it must be, ended in order."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from babysitter.journal.verify import verify_run
from babysitter.service.wiring import open_workspace
from tests.integration.server.process import SETTINGS, account, client, made, serving, token

KILLS = int(os.environ.get("BABYSITTER_SERVER_KILLS", "6"))
SEED = int(os.environ.get("BABYSITTER_SEED") or time.time_ns() % 1_000_000)
RUNS = 6
PATIENCE_S = 30.0


def eventually(client_: httpx2.Client, path: str, wanted: str) -> dict[str, object]:
    """Return a run's status once it is that; each look waits for the server and not for a clock."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, object] = client_.get(path).json()
        if found.get("status") == wanted:
            return found
        assert time.monotonic() < until_s, found


class Crowd:
    """An agent that starts runs and a person who approves, whatever server is up; what was acknowledged."""

    def __init__(self, root: Path, traces: Path) -> None:
        self.root, self.traces = root, traces
        self.agent, self.person = token(root, "agent"), token(root, "human", person=account())
        self.names = [f"r{number}" for number in range(RUNS)]
        self.begun: set[str] = set()
        self.answered: set[str] = set()

    def work(self, url: str) -> int:
        """Start what is not started, answer what is asked; return how many runs have ended."""
        with client(url, self.agent) as bot, client(url, self.person) as ada:
            for name in set(self.names) - self.begun:
                inputs = {"steps": 5, "trace": str(self.traces / name)}
                reply = bot.post("/api/v1/runs", json={"entry": "flow.py", "inputs": inputs, "runId": name})
                # One whose answer was lost with the server is there already.
                if reply.status_code in {201, 409}:
                    self.begun.add(name)
            for question in ada.get("/api/v1/breakpoints").json()["breakpoints"]:
                at = question["breakpoint"]
                path = f"/api/v1/runs/{at['runId']}/breakpoints/{at['breakpointId']}/answer"
                reply = ada.post(path, json={"decision": "approve", "comment": f"yes {at['runId']}"})
                if reply.status_code == 200:
                    self.answered.add(at["runId"])
            return int(ada.get("/api/v1/runs?status=completed").json()["total"])

    def left(self, url: str) -> list[object]:
        """Return the runs that have not ended, with what is wrong."""
        with client(url, self.person) as ada:
            runs = ada.get("/api/v1/runs").json()["runs"]
        return [run for run in runs if run["status"] != "completed"]


@pytest.mark.promise("G24")
def test_a_server_that_is_killed_at_any_moment_loses_no_answer_and_repeats_nothing(tmp_path: Path) -> None:
    """Steps leave traces outside: one twice would be seen. A step of unknown outcome asks a person."""
    dice = random.Random(SEED)
    crowd = Crowd(made(tmp_path / "shop"), tmp_path)
    for _ in range(KILLS):
        with serving(crowd.root) as (url, child):
            killing = threading.Timer(dice.uniform(0.02, 1.2), child.kill)
            killing.start()
            with suppress(httpx2.TransportError):
                while True:
                    crowd.work(url)
            killing.join()

    with serving(crowd.root) as (url, _):
        until_s = time.monotonic() + PATIENCE_S
        while crowd.work(url) < RUNS:
            assert time.monotonic() < until_s, f"seed {SEED}: {crowd.left(url)}"

    store = open_workspace(crowd.root).store
    for name in crowd.names:
        assert verify_run(store, name).problems == (), f"seed {SEED}"
        journal = store.read_journal(name).decode()
        traces = Counter((tmp_path / name).read_text(encoding="utf-8").split())
        said = journal.count('"EFFECT_UNKNOWN"')
        assert max(traces.values()) <= 1 + said, f"seed {SEED}: {traces}"
        assert set(traces) == {*"01234", "released"}, f"seed {SEED}: {traces}"
        assert f'"comment":"yes {name}"' in journal or name not in crowd.answered, f"seed {SEED}"


def test_a_server_that_is_told_to_stop_lets_go_of_its_runs(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    agent = token(root, "agent")

    with serving(root) as (url, child):
        with client(url, agent) as bot:
            inputs = {"steps": 1, "trace": str(tmp_path / "trace")}
            bot.post("/api/v1/runs", json={"entry": "flow.py", "inputs": inputs, "runId": "r"})
            eventually(bot, "/api/v1/runs/r/status", "waiting")
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 143
        assert child.stderr is not None
        assert "Traceback" not in child.stderr.read()

    assert open_workspace(root).store.holder("r") is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "there is no TLS"),
        (["--host", "0.0.0.0", "--tls-cert", "c.pem", "--tls-key", "k.pem"], "none that people can type"),
        (["--tls-cert", "cert.pem"], "come together"),
        (
            ["--port", "1", "--host", "127.9.9.9", "--tls-cert", "c.pem", "--tls-key", "k.pem"],
            "no certificate",
        ),
    ],
)
@pytest.mark.promise("G20")
def test_where_it_would_not_be_safe_it_does_not_start(tmp_path: Path, options: list[str], words: str) -> None:
    root = made(tmp_path / "shop")
    command = [sys.executable, "-m", "babysitter", "serve", "--port", "0", *options]

    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode in {2, 4}
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_server_in_the_same_place_does_not_start(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")

    with serving(root):
        command = [sys.executable, "-m", "babysitter", "serve", "--port", "0"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 4
    assert "another server is at work" in done.stderr


def test_several_workspaces_are_served_from_one_place_and_a_role_in_one_is_none_in_the_other(
    tmp_path: Path,
) -> None:
    root = made(tmp_path / "shop", SETTINGS + '[server]\nworkspaces = ["../bank"]\n')
    made(tmp_path / "bank", SETTINGS.replace("shop", "bank") + '[access]\nviewers = ["nobody@example.com"]\n')
    person = token(root, "human", person=account())

    with serving(root) as (url, _), client(url, person) as ada:
        assert ada.get("/api/v1/runs?workspace=shop").status_code == 200
        assert ada.get("/api/v1/runs?workspace=bank").status_code == 404
        assert set(ada.get("/api/v1/me").json()["roles"]) == {"shop"}
