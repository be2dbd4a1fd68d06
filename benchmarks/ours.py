"""One measurement of Babysitter, in a process of its own: prints one JSON object.

Run by benchmarks/run.py:
    python -m benchmarks.ours drive sequential --steps 1000 --dir DIR [--unsynced]
    python -m benchmarks.ours together --runs 1000 --steps 10 --dir DIR
    python -m benchmarks.ours prepare --steps 3333 --dir DIR      makes a run of 10,000 events
    python -m benchmarks.ours replay --dir DIR                    replays it
    python -m benchmarks.ours resume --dir DIR                    goes on with it
    python -m benchmarks.ours spawn --count 20 --dir DIR          the sandbox alone

``perS`` is driving alone, ``wholePerS`` counts creating the runs too: a peer's time always does, so only the
second may be held against it. With ``--unsynced`` fdatasync and fsync do nothing: what is left is our own
cost, and such a run is worth nothing but that.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from babysitter.service.runs import RunService

HERE = Path(__file__).resolve().parent
ENTRY = "processes.py"
PAUSED = "paused"
SETTINGS = '[workspace]\nid = "benchmark"\n'


def make_workspace(folder: Path, sources: tuple[str, ...] = (ENTRY,)) -> Path:
    """Make the folder a workspace with a copy of the measured processes; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "babysitter.toml").write_text(SETTINGS, encoding="utf-8")
    for source in sources:
        shutil.copyfile(HERE / source, folder / source)
    # Late: an unsynced measurement changes what is imported first.
    from babysitter.testing.trusting import trust_as_it_is

    trust_as_it_is(folder, *sources)
    return folder


def unsync() -> None:
    """Have syncs do nothing from now on. Call it before anything of ours is imported."""
    for name in ("fdatasync", "fsync"):
        setattr(os, name, lambda _descriptor: None)


def usage() -> dict[str, float]:
    """Return what this process has used: CPU seconds and peak memory.

    The peak is VmHWM. ``ru_maxrss`` would not do: it survives exec, so that a child of a large process begins
    with that one's peak (measured: 310 MiB for a program of 9), which hides any growth below it.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    return {"userS": used.ru_utime, "systemS": used.ru_stime, "peakKiB": peak_kib}


def timed(call: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Return what the call took (wall and CPU seconds, peak memory of the process so far), and its result."""
    before, started = usage(), time.perf_counter()
    result = call()
    took_s, after = time.perf_counter() - started, usage()
    used = {key: after[key] - before[key] for key in ("userS", "systemS")}
    return {"seconds": took_s, **used, "peakKiB": after["peakKiB"]}, result


def step_seconds(journal: Path) -> list[float]:
    """Return what each step of a sequential run took, from one EFFECT_RESOLVED to the next."""
    stamps = []
    with journal.open("rb") as lines:
        for line in lines:
            if b'"type":"EFFECT_RESOLVED"' in line[:160]:
                at = line.index(b'"recordedAt":"') + 14
                hours, minutes, seconds = line[at + 11 : at + 26].split(b":")
                stamps.append(int(hours) * 3600 + int(minutes) * 60 + float(seconds))
    return [(later - earlier) % 86400 for earlier, later in pairwise(stamps)]


def windows(seconds: list[float]) -> dict[str, float]:
    """Return the median step around step 100 and at the end; single steps say more of the disk than of us."""
    width = max(20, min(500, len(seconds) // 4))
    return {
        "earlyStepS": statistics.median(seconds[50 : 50 + width]),
        "lateStepS": statistics.median(seconds[-width:]),
    }


def expect(is_so: bool, otherwise: str) -> None:
    """End the measurement when what was measured did not do its work."""
    if not is_so:
        sys.exit(f"not a measurement: {otherwise}")


def service_for(folder: Path) -> "RunService":
    """Return the use cases on the runs of a workspace, with everything they import already imported."""
    from babysitter.service.runs import RunService
    from babysitter.service.wiring import open_workspace

    return RunService(open_workspace(folder))


def drive(given: argparse.Namespace) -> dict[str, Any]:
    """Start one run and drive it to its end."""
    runs = service_for(make_workspace(given.dir))
    entry = f"{ENTRY}#{given.process}"
    # Imports, and the sandbox's probe, are not a step's cost.
    runs.start(entry, {"steps": 1}, run_id="first")
    created, run_id = timed(lambda: runs.create(entry, {"steps": given.steps}, run_id="measured"))
    used, view = timed(lambda: runs.drive(run_id))
    expect(view.status == "completed", f"the run is {view.status}: {view.error}")
    expected = given.steps * (given.steps + 1) // 2 if given.process == "fan_out" else given.steps
    expect(view.output == expected, f"{view.output} came out instead of {expected}")
    journal = given.dir / ".a5c/runs/measured/journal/journal.jsonl"
    size = journal.stat().st_size
    result = {
        **used, "createS": created["seconds"], "steps": given.steps, "perS": given.steps / used["seconds"],
        "wholePerS": given.steps / (created["seconds"] + used["seconds"]),
        "bytesPerStep": size // given.steps,
    }  # fmt: skip
    if given.process == "sequential" and given.steps >= 200:
        result |= windows(step_seconds(journal))
    return result


def together(given: argparse.Namespace) -> dict[str, Any]:
    """Create many runs, then drive them together; creation is timed apart."""
    runs = service_for(make_workspace(given.dir))
    entry = f"{ENTRY}#sequential"
    runs.start(entry, {"steps": 1}, run_id="first")
    run_ids = [f"run-{number:05d}" for number in range(given.runs)]
    inputs = {"steps": given.steps}
    created, _ = timed(lambda: [runs.create(entry, inputs, run_id=run_id) for run_id in run_ids])
    driven, views = timed(lambda: runs.drive_many(run_ids))
    expect(len(views) == given.runs, f"{len(views)} runs came back")
    expect(
        all(view.status == "completed" and view.output == given.steps for view in views), "not all completed"
    )
    size = sum((given.dir / f".a5c/runs/{run_id}/journal/journal.jsonl").stat().st_size for run_id in run_ids)
    steps = given.runs * given.steps
    return {
        **driven, "createS": created["seconds"], "steps": steps, "perS": steps / driven["seconds"],
        "wholePerS": steps / (created["seconds"] + driven["seconds"]), "bytesPerStep": size // steps,
    }  # fmt: skip


def prepare(given: argparse.Namespace) -> dict[str, Any]:
    """Make a run that has done its steps and has been given the signal it waits for; nobody drives it."""
    from babysitter.service.delivery import Delivery
    from babysitter.service.wiring import open_workspace

    runs = service_for(make_workspace(given.dir))
    inputs = {"steps": given.steps, "path": str(given.dir / "first-step")}
    view = runs.start(f"{ENTRY}#paused", inputs, run_id=PAUSED)
    expect(view.status == "waiting", f"the run is {view.status}: {view.error}")
    Delivery(open_workspace(given.dir)).signal(PAUSED, "go")
    journal = given.dir / ".a5c/runs" / PAUSED / "journal/journal.jsonl"
    return {"run": PAUSED, "events": journal.read_bytes().count(b"\n")}


def resume(given: argparse.Namespace) -> dict[str, Any]:
    """Go on with the prepared run. The clock starts when the interpreter is up: our own imports count."""
    started = time.monotonic()
    view = service_for(given.dir).drive(PAUSED)
    expect(view.status == "completed", f"the run is {view.status}: {view.error}")
    at = float((given.dir / "first-step").read_text(encoding="utf-8"))
    return {"firstStepS": at - started, "sinceStartS": at - process_start()}


def process_start() -> float:
    """Return when this process was made, on the monotonic clock, to a hundredth of a second."""
    after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    since_boot_s = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return since_boot_s + time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)


def replay(given: argparse.Namespace) -> dict[str, Any]:
    """Replay the prepared run: read, verify the chain, decode, and step the process's code."""
    from babysitter.service.replaying import replay_run
    from babysitter.service.wiring import open_workspace

    workspace = open_workspace(given.dir)
    used, replayed = timed(lambda: replay_run(workspace, PAUSED))
    return {**used, "events": replayed.events, "perS": replayed.events / used["seconds"]}


def spawn(given: argparse.Namespace) -> dict[str, Any]:
    """Start ``true`` in our sandbox, in a bare bubblewrap, and in a bare one followed by a sync, in turn.

    The bare one makes the same namespaces, and mounts the whole system as it is; ``barest`` makes no
    namespace but the one that its mount needs. Both are the binary that our sandbox uses.
    """
    from babysitter.executors.sandbox.choose import choose_runner, find_bubblewraps
    from babysitter.model.effects import Sandbox
    from babysitter.model.runner import Program

    runner = choose_runner(make_workspace(given.dir))
    barest = [str(find_bubblewraps()[0]), "--ro-bind", "/", "/"]
    bare = [*barest, "--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    program, sink, line = Program(argv=("true",), env={}, timeout_s=30), Nothing(), b"x" * 1000
    descriptor = os.open(given.dir / "line", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def start_bare(command: list[str]) -> None:
        subprocess.run([*command, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=True)

    def bare_and_sync() -> None:
        start_bare(bare)
        os.write(descriptor, line)
        os.fdatasync(descriptor)

    def sandboxed() -> None:
        ended = runner.run(program, Sandbox(), sink, sink, sink)
        expect((ended.why, ended.status) == ("exit", 0), f"true ended with {ended.why} {ended.status}")

    calls = {
        "bareS": lambda: start_bare(bare), "bareAndSyncS": bare_and_sync, "sandboxedS": sandboxed,
        "barestS": lambda: start_bare(barest),
    }  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(given.count):
        for name, call in calls.items():
            taken[name].append(timed(call)[0]["seconds"])
    return {name: statistics.mean(seconds) for name, seconds in taken.items()}


class Nothing:
    """A sink that forgets, and a stop token that nobody sets."""

    def write(self, chunk: bytes) -> None:
        """Forget the chunk."""

    def tail(self, count: int) -> str:
        """Return nothing."""
        del count
        return ""

    def is_set(self) -> bool:
        """Return False."""
        return False

    def on_set(self, call: Callable[[], None]) -> None:
        """Never call."""


MEASUREMENTS = {
    "drive": drive, "together": together,
    "prepare": prepare, "resume": resume, "replay": replay,
    "spawn": spawn,
}  # fmt: skip


def main() -> None:
    """Run one measurement and print it as one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("measurement", choices=list(MEASUREMENTS))
    parser.add_argument("process", nargs="?", default="sequential")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--unsynced", action="store_true")
    given = parser.parse_args()
    if given.unsynced:
        unsync()
    print(json.dumps(MEASUREMENTS[given.measurement](given)))


if __name__ == "__main__":
    main()
