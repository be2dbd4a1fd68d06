"""What checking journals costs on one processor: chain alone, in full, and ``--all`` over many runs.

    python -m benchmarks.verify --dir DIR [--events 50000] [--runs 1000] [--rounds 5]

The journals are written by the real writer. Beside each round runs the bare loop: ``sha256().update`` and
``hexdigest`` over the same lines, which is the least that any check of the chain does. The share of that
loop is what may be compared between machines. Files are read from the page cache, since a cold disk is not
ours to measure; every open, read and listing counts. Prints one JSON object: of every figure the fastest
and the middle round.
"""

import argparse
import gc
import hashlib
import json
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from babysitter.journal.layout import shown_path, task_file
from babysitter.journal.verify import verify_chain, verify_run
from babysitter.journal.writer import JournalWriter
from babysitter.model.events import (
    BreakpointReleased,
    BreakpointRequested,
    BreakpointResponded,
    EffectRequested,
    EffectResolved,
    EffectStarted,
    Event,
    LogWritten,
    RunCompleted,
    ValueTaken,
)
from babysitter.service.verifying import verify_runs
from babysitter.service.wiring import open_workspace
from babysitter.stores.files import FileStore
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import JOURNAL, MemoryStore
from babysitter.testing.plain_masker import PlainMasker
from babysitter.testing.sample_run import HOLDER, SHA, TIME, create_sample_run

EFFECTS_A_ROUND = 6
EVENTS_A_ROUND = 3 * EFFECTS_A_ROUND + 5
RUN_EVENTS = 100


def effect(call: int, *, shown_by: JournalWriter | None) -> list[Event]:
    """Return an effect's three events; its arguments are about 150 bytes. ``shown_by``: write its files."""
    effect_id = f"{call}-deploy"
    args = {
        "service": f"billing-{call}",
        "image": f"registry.example.com/billing:{call}",
        "replicas": call % 7,
        "flags": {"dry_run": False, "note": "rolling update, two at a time"},
        "regions": ["eu-central", "us-east"],
    }
    result = {"ok": True, "pods": [f"pod-{call}-{n}" for n in range(3)], "seconds": call % 90}
    if shown_by is not None:
        for name, value in (("input.json", args), ("result.json", result)):
            shown_by.derived(task_file(effect_id, name), value)
    return [
        EffectRequested(
            effect_id=effect_id,
            call_id=str(call),
            task_id="deploy",
            kind="inline" if shown_by is None else "shell",
            label=f"deploy billing {call}",
            args_sha256="",
            task_def_ref=task_file(effect_id, "task.json"),
            args=args,
            labels=("billing",),
        ),
        EffectStarted(effect_id=effect_id, attempt=1, sandbox_sha256=SHA, worker="alice@build-1"),
        EffectResolved(
            effect_id=effect_id, attempt=1, status="ok", result=result, started_at=TIME, finished_at=TIME
        ),
    ]


def question(writer: JournalWriter, call: int) -> list[Event]:
    """Return a breakpoint's three events; what was shown becomes a file."""
    breakpoint_id = f"{call}-release"
    shown = writer.put_blob(shown_path(breakpoint_id), f"# Release {call}?\n\nTwo services.\n".encode())
    return [
        BreakpointRequested(
            breakpoint_id=breakpoint_id,
            call_id=str(call),
            question="Deploy with production credentials?",
            title="Production Deployment",
            context={"environment": "production", "critical": True},
            tags=("production",),
            rule="default",
            eligible=("alice",),
            policy_sha256=SHA,
            shown_sha256=shown.sha256,
        ),
        BreakpointResponded(
            breakpoint_id=breakpoint_id, approver="alice", decision="approve", comment="fine", method="local"
        ),
        BreakpointReleased(
            breakpoint_id=breakpoint_id, approved=True, responded_by=("alice",), rule="default"
        ),
    ]


def write_run(store: MemoryStore, run_id: str, events: int, *, with_files: bool) -> None:
    """Make a run of ``events`` lines. ``with_files``: with those that show its tasks to a person."""
    clock = FakeClock()
    create_sample_run(store, clock, run_id)
    writer, _ = JournalWriter.open(store, run_id, HOLDER, PlainMasker(), clock)
    writer.derived("state/state.json", {"runId": run_id})
    call = 0
    while writer.last_seq + EVENTS_A_ROUND < events:
        mix: list[Event] = []
        for _ in range(EFFECTS_A_ROUND):
            call += 1
            mix += effect(call, shown_by=writer if with_files else None)
        mix += question(writer, call + 1)
        mix.append(LogWritten(call_id=str(call + 2), message="two of three are done", fields={"done": 2}))
        mix.append(ValueTaken(call_id=str(call + 3), kind="now", value=TIME))
        call += 3
        for event in mix:
            writer.stage(event)
    for rest in range(call + 1, call + events - writer.last_seq):
        writer.stage(LogWritten(call_id=str(rest), message="almost done"))
    writer.stage(RunCompleted(output={"done": True}, output_sha256=""))
    writer.commit()
    writer.close()


def lay_out(store: MemoryStore, runs_dir: Path) -> None:
    """Put the runs of a store in memory on disk; nothing is synced, since only reading is measured."""
    for run_id, run in store.runs.items():
        for path, data in run.files.items():
            target = runs_dir / run_id / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def bare_loop(lines: list[bytes]) -> None:
    """Hash the lines as any check of the chain must, and do nothing else."""
    hasher = hashlib.sha256()
    for line in lines:
        hasher.hexdigest()
        hasher.update(line)


def in_turn(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Return each call's fastest and middle seconds; they take turns, so a busy moment hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            started = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - started)
    return {name: {"min": min(each), "median": statistics.median(each)} for name, each in taken.items()}


def rates(seconds: dict[str, dict[str, float]], events: int) -> dict[str, dict[str, float]]:
    """Return events a second of each call, and which share of the bare loop's they are."""
    bare = seconds["bare"]
    return {
        name: {
            "perSBest": round(events / each["min"]),
            "perSMedian": round(events / each["median"]),
            "shareOfBare": round(bare["min"] / each["min"], 3),
        }
        for name, each in seconds.items()
    }


def measure_one(folder: Path, events: int, rounds: int) -> dict[str, object]:
    """Measure one long run: its chain, all of it in memory and from files, and the bare loop."""
    memory = MemoryStore()
    write_run(memory, "long", events, with_files=False)
    lay_out(memory, folder / "one")
    store = FileStore(folder / "one")
    lines = memory.runs["long"].files[JOURNAL].splitlines(keepends=True)
    assert verify_run(store, "long").ok
    seconds = in_turn(
        {
            "bare": lambda: bare_loop(lines),
            "chain": lambda: verify_chain(store, "long"),
            "full": lambda: verify_run(memory, "long"),
            "fullWithFiles": lambda: verify_run(store, "long"),
        },
        rounds,
    )
    return {
        "events": len(lines),
        "files": len(memory.runs["long"].files),
        "bytesALine": round(sum(map(len, lines)) / len(lines)),
        **rates(seconds, events),
    }


def measure_all(folder: Path, runs: int, rounds: int, *, with_files: bool) -> dict[str, object]:
    """Measure many runs of 100 events one after another, as ``verify --all`` does."""
    memory = MemoryStore()
    for number in range(runs):
        write_run(memory, f"run-{number:04}", RUN_EVENTS, with_files=with_files)
    files = sum(len(run.files) for run in memory.runs.values())
    home = folder / ("shown" if with_files else "plain")
    lay_out(memory, home / "runs")
    workspace = open_workspace(home, runs_dir=str(home / "runs"))
    run_ids = workspace.store.run_ids()
    assert all(view.ok for view in verify_runs(workspace.store, run_ids))
    seconds = in_turn(
        {
            "full": lambda: verify_runs(workspace.store, run_ids),
            "chain": lambda: verify_runs(workspace.store, run_ids, chain_only=True),
        },
        rounds,
    )
    return {"runs": runs, "filesARun": files / runs, **{f"{name}S": each for name, each in seconds.items()}}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, required=True)
    given = parser.parse_args()
    folder: Path = given.dir / "verify"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        report = {
            "one": measure_one(folder, given.events, given.rounds),
            "all": measure_all(folder, given.runs, given.rounds, with_files=False),
            "allWithTaskFiles": measure_all(folder, given.runs, given.rounds, with_files=True),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
