"""A server under load: many runs, many watchers, many runs that wait, many runs on disk.

Run by benchmarks/run.py:
    python -m benchmarks.serving load --runs 200 --watchers 50 --dir DIR
    python -m benchmarks.serving waiting --runs 2000 --dir DIR
    python -m benchmarks.serving start --runs 10000 --dir DIR
    python -m benchmarks.serving steady --seconds 600 --dir DIR

The server is a process of its own; whoever asks it shares the machine with it, so what is measured is what
a user of a machine that is busy with nothing else but this would see.
"""

import argparse
import json
import os
import queue
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babysitter.service.runs import RunService
from babysitter.service.wiring import open_workspace
from babysitter.testing.trusting import trust_as_it_is
from benchmarks.child import COMPILED, ROOT
from benchmarks.serving_child import WORKSPACE

HEAD = {"Authorization": "Bearer ada", "Content-Type": "application/json"}
ENTRY = "processes.py#served"
PATIENCE_S = 240.0


class Asker:
    """One connection to the server that is kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (parsed JSON)
        """Return what the server answers, parsed; anything but a success ends the measurement."""
        data = json.dumps(body).encode() if body is not None else None
        self._connection.request(method, path, data, HEAD)
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise SystemExit(f"{method} {path}: {reply.status} {text[:300]!r}")
        return json.loads(text)

    def stream(self, path: str) -> HTTPResponse:
        """Return a stream of events."""
        self._connection.request("GET", path, None, HEAD)
        return self._connection.getresponse()


def prepare(folder: Path) -> Path:
    """Return a workspace with the processes in it, trusted."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "benchmarks" / "processes.py", folder / "processes.py")
    (folder / "babysitter.toml").write_text(f'[workspace]\nid = "{WORKSPACE}"\n', encoding="utf-8")
    trust_as_it_is(folder, ENTRY)
    return folder


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """Give the URL and process id of a server of that workspace."""
    command = [sys.executable, "-m", "benchmarks.serving_child", "--dir", str(folder)]
    environment = {**os.environ, **COMPILED}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip(), child.pid
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=60)


def rss_kb(pid: int) -> int:
    """Return how much memory a process has, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def quantiles_ms(seconds: list[float]) -> dict[str, float]:
    """Return the middle and the slowest of 100, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": cuts[49] * 1000, "p99": cuts[98] * 1000, "count": len(seconds)}


def load(folder: Path, runs: int, watchers: int) -> dict[str, Any]:
    """Have many runs advance together while people watch; then approve each."""
    with server(prepare(folder)) as (url, pid):
        asker = Asker(url)
        names = [f"r{number}" for number in range(runs)]
        ended: queue.Queue[tuple[str, float]] = queue.Queue()
        before_s = time.perf_counter()
        for name in names:
            inputs = {"steps": 10, "pause_s": 0.2}
            asker.ask("POST", "/api/v1/runs", {"entry": ENTRY, "inputs": inputs, "runId": name})
        for name in names[:watchers]:
            threading.Thread(target=watch, args=(url, name, ended), daemon=True).start()
        taken = []
        waiting = 0
        while waiting < runs:
            for name in names:
                began_s = time.perf_counter()
                asker.ask("GET", f"/api/v1/runs/{name}/status")
                taken.append(time.perf_counter() - began_s)
            waiting = len(asker.ask("GET", "/api/v1/breakpoints")["breakpoints"])
            if time.perf_counter() - before_s > PATIENCE_S:
                raise SystemExit(f"only {waiting} of {runs} runs came to their question")
        advanced_s = time.perf_counter() - before_s
        reached = [approved(asker, name, ended) for name in names[:watchers]]
        return {
            "status": quantiles_ms(taken),
            "approval": quantiles_ms(reached),
            "advancedS": advanced_s,
            "rssMb": rss_kb(pid) / 1024,
        }


def watch(url: str, name: str, ended: "queue.Queue[tuple[str, float]]") -> None:
    """Read a run's lines as they come; say when its end came."""
    for line in Asker(url).stream(f"/api/v1/runs/{name}/stream"):
        if b'"RUN_COMPLETED"' in line:
            ended.put((name, time.perf_counter()))
            return


def approved(asker: Asker, name: str, ended: "queue.Queue[tuple[str, float]]") -> float:
    """Approve; return the seconds until a watcher has seen what the run did because of it."""
    began_s = time.perf_counter()
    path = f"/api/v1/runs/{name}/breakpoints/{question_of(asker, name)}/answer"
    began_s = time.perf_counter()
    asker.ask("POST", path, {"decision": "approve"})
    who, at_s = ended.get(timeout=PATIENCE_S)
    assert who == name, f"{who} ended, and nobody approved it"
    return at_s - began_s


def question_of(asker: Asker, name: str) -> str:
    """Return the open question of a run."""
    return str(asker.ask("GET", f"/api/v1/runs/{name}/status")["breakpoints"][0]["breakpointId"])


def waiting(folder: Path, runs: int) -> dict[str, Any]:
    """Compare a server of nothing with one of many runs that wait."""
    prepare(folder)
    with server(folder) as (url, pid):
        Asker(url).ask("GET", "/api/v1/runs?limit=1")
        Asker(url).ask("GET", "/api/v1/breakpoints")
        alone_kb = settled_kb(pid)
    service = RunService(open_workspace(folder))
    for number in range(runs):
        service.start(ENTRY, {"steps": 1, "pause_s": 0}, run_id=f"w{number}")
    with server(folder) as (url, pid):
        until_known(url, runs)
        # An inbox that somebody has opened is kept, too.
        Asker(url).ask("GET", "/api/v1/breakpoints")
        with_kb = settled_kb(pid)
    return {"runs": runs, "kbEach": (with_kb - alone_kb) / runs, "aloneMb": alone_kb / 1024}


def settled_kb(pid: int) -> int:
    """Return a process's memory once it no longer changes."""
    before = 0
    for _ in range(60):
        now = rss_kb(pid)
        if abs(now - before) < 64:
            return now
        before = now
        time.sleep(0.5)
    return before


def until_known(url: str, runs: int) -> None:
    """Return when the server knows that many runs."""
    asker = Asker(url)
    until_s = time.monotonic() + PATIENCE_S
    while asker.ask("GET", "/api/v1/runs?limit=1")["total"] < runs:
        if time.monotonic() > until_s:
            raise SystemExit("the server does not know all runs")
        # Asking sorts all of them; asked more often, that would be what is measured.
        time.sleep(0.1)


def start(folder: Path, runs: int) -> dict[str, Any]:
    """Start over many runs on disk; most have ended, one in twenty waits."""
    prepare(folder)
    service = RunService(open_workspace(folder))
    service.start(ENTRY, {"steps": 2, "pause_s": 0}, run_id="waits")
    service.start("processes.py#sequential", {"steps": 10}, run_id="ended")
    home = folder / ".a5c" / "runs"
    for number in range(runs - 2):
        shutil.copytree(home / ("waits" if number % 20 == 0 else "ended"), home / f"c{number}")
    began_s = time.perf_counter()
    with server(folder) as (url, _):
        listens_s = time.perf_counter() - began_s
        until_known(url, runs)
        return {"runs": runs, "listensS": listens_s, "knownS": time.perf_counter() - began_s}


def steady(folder: Path, seconds: float) -> dict[str, Any]:
    """Have runs come and go; compare the memory of the last quarter with that of the second."""
    with server(prepare(folder)) as (url, pid):
        asker, sizes, number = Asker(url), list[int](), 0
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            name = f"s{number}"
            number += 1
            inputs = {"steps": 5, "pause_s": 0}
            asker.ask("POST", "/api/v1/runs", {"entry": ENTRY, "inputs": inputs, "runId": name})
            while not asker.ask("GET", f"/api/v1/runs/{name}/status")["breakpoints"]:
                time.sleep(0.01)
            path = f"/api/v1/runs/{name}/breakpoints/{question_of(asker, name)}/answer"
            asker.ask("POST", path, {"decision": "approve"})
            sizes.append(rss_kb(pid))
    quarter = len(sizes) // 4
    second, last = sizes[quarter : 2 * quarter], sizes[-quarter:]
    return {
        "runs": number,
        "ratio": statistics.median(last) / statistics.median(second),
        "kbPerRun": (statistics.median(last) - statistics.median(second)) / (2 * quarter),
        "mb": statistics.median(last) / 1024,
    }


def main() -> None:
    """Measure one of them and print it as one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=["load", "waiting", "start", "steady"])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--watchers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--dir", type=Path, required=True)
    given = parser.parse_args()
    if given.what == "load":
        found = load(given.dir, given.runs, given.watchers)
    elif given.what == "steady":
        found = steady(given.dir, given.seconds)
    else:
        found = {"waiting": waiting, "start": start}[given.what](given.dir, given.runs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
