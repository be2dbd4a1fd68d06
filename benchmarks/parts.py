"""What is measured of ours: each function makes one or two figures, named as in benchmarks/figures.py.

Where the disk has a part, ours and what it is compared with take turns (benchmarks/rounds.py); with
``--unsynced`` what is left is our own cost, and is shown beside the figure.
"""

import shutil
import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.bench import Bench, micros
from benchmarks.child import MeasurementError, measure
from benchmarks.figures import GOALS, Figure, failed, judge
from benchmarks.rounds import figure_of, middle
from benchmarks.syncs import count_syncs, syncs_per_step


def measure_sequential(bench: Bench) -> Iterator[Figure]:
    """One step after another against the bare loop, with lines as large as a step's."""
    steps = bench.size.sequential
    size_bytes = bench.workload("sequential")["bytesPerStep"]
    rounds = bench.turns_of(
        bench.turns,
        bare=lambda: measure(
            "benchmarks.disk", "one", "--bytes", size_bytes, "--count", steps, "--dir", bench.folder
        ),
        ours=lambda: bench.workload("sequential"),
    )
    unsynced = bench.ours("drive", "sequential", "--steps", steps, "--unsynced")
    yield figure_of(
        "sequential", GOALS["sequential"], rounds,
        lambda taken: float(taken["ours"]["perS"] / taken["bare"]["perS"]),
        steps_per_s=middle(rounds, "ours", "perS"),
        limit_per_s=middle(rounds, "bare", "perS"),
        bytes_per_step=size_bytes,
        cpu_without_sync=micros(unsynced["userS"] + unsynced["systemS"], steps),
    )  # fmt: skip


def measure_growth(bench: Bench) -> Iterator[Figure]:
    """A long run against a short one: the cost of a step, and the peak of memory."""
    steps = 2000 if bench.is_quick else 10_000
    rounds = bench.turns_of(2, long=lambda: bench.ours("drive", "sequential", "--steps", steps))
    short = bench.ours("drive", "sequential", "--steps", 100)
    unsynced = bench.ours("drive", "sequential", "--steps", steps, "--unsynced")
    yield figure_of(
        "growth", GOALS["growth"], rounds,
        lambda taken: float(taken["long"]["lateStepS"] / taken["long"]["earlyStepS"]),
        steps=steps,
        early=micros(middle(rounds, "long", "earlyStepS")),
        late=micros(middle(rounds, "long", "lateStepS")),
        without_sync=unsynced["lateStepS"] / unsynced["earlyStepS"],
    )  # fmt: skip
    peak_kib = middle(rounds, "long", "peakKiB")
    parts = {"long_MiB": peak_kib / 1024, "short_MiB": short["peakKiB"] / 1024, "steps": steps}
    yield judge("memory", peak_kib / short["peakKiB"], parts)


def measure_runs(bench: Bench) -> Iterator[Figure]:
    """Many runs driven together against a bare loop over as many files."""
    runs, run_steps = bench.size.runs, bench.size.run_steps
    size_bytes = bench.workload("runs")["bytesPerStep"]
    rounds = bench.turns_of(
        2 if bench.is_quick else 3,
        bare=lambda: measure(
            "benchmarks.disk", "many", "--bytes", size_bytes, "--files", runs, "--rounds", run_steps,
            "--dir", bench.folder,
        ),
        ours=lambda: bench.workload("runs"),
    )  # fmt: skip
    unsynced = bench.ours("together", "--runs", runs, "--steps", run_steps, "--unsynced")
    yield figure_of(
        "runs", GOALS["runs"], rounds,
        lambda taken: float(taken["ours"]["perS"] / taken["bare"]["perS"]),
        steps_per_s=middle(rounds, "ours", "perS"),
        limit_per_s=middle(rounds, "bare", "perS"),
        creating_per_s=runs / middle(rounds, "ours", "createS"),
        cpu_without_sync=micros(unsynced["userS"] + unsynced["systemS"], runs * run_steps),
    )  # fmt: skip


def measure_fan_out(bench: Bench) -> Iterator[Figure]:
    """All steps at once against one after another."""
    rounds = bench.turns_of(
        bench.turns, wide=lambda: bench.workload("fan-out"), narrow=lambda: bench.workload("sequential")
    )
    yield figure_of(
        "fan-out", GOALS["fan-out"], rounds,
        lambda taken: float(taken["wide"]["perS"] / taken["narrow"]["perS"]),
        steps_per_s=middle(rounds, "wide", "perS"),
        sequential_per_s=middle(rounds, "narrow", "perS"),
    )  # fmt: skip


def measure_shell(bench: Bench) -> Iterator[Figure]:
    """Sandboxed programs against bare ones."""
    count = 20 if bench.is_quick else 100
    rounds = bench.turns_of(
        2 if bench.is_quick else 3,
        step=lambda: bench.ours("drive", "shell", "--steps", count),
        spawn=lambda: bench.ours("spawn", "--count", count),
    )
    yield figure_of(
        "shell", GOALS["shell"], rounds,
        lambda taken: float(taken["step"]["seconds"] / count / taken["spawn"]["bareAndSyncS"]),
        step=micros(middle(rounds, "step", "seconds"), count),
        bare_and_sync=micros(middle(rounds, "spawn", "bareAndSyncS")),
    )  # fmt: skip
    sandboxed_s, bare_s = middle(rounds, "spawn", "sandboxedS"), middle(rounds, "spawn", "bareS")
    yield judge("sandbox", sandboxed_s / bare_s, {"sandboxed": micros(sandboxed_s), "bare": micros(bare_s)})


def measure_egress(bench: Bench) -> Iterator[Figure]:
    """One host by name against no network, and against the whole."""
    sizes = ("--count", 10 if bench.is_quick else 50, "--megabytes", 64 if bench.is_quick else 512)
    taken = measure("benchmarks.egress", *sizes, "--dir", bench.folder)
    parts = {"without": micros(taken["plainS"]), "with": micros(taken["namedS"])}
    yield judge("egress-start", taken["startRatio"], parts)
    speeds = {
        name: f"{taken[key] / 1e6:.0f} MB/s"
        for name, key in (("direct", "directPerS"), ("proxy", "proxiedPerS"))
    }
    yield judge("egress-speed", taken["speedRatio"], speeds)


def measure_resume(bench: Bench) -> Iterator[Figure]:
    """Going on with a long run, and replaying it."""
    folder = bench.fresh()
    prepared = measure(
        "benchmarks.ours", "prepare", "--steps", 333 if bench.is_quick else 3333, "--dir", folder
    )
    replays = [measure("benchmarks.ours", "replay", "--dir", folder) for _ in range(3)]
    resumed = measure("benchmarks.ours", "resume", "--dir", folder)
    shutil.rmtree(folder)
    parts = {"events": prepared["events"], "from_process_start": f"{resumed['sinceStartS']:.3f} s"}
    yield judge("resume", resumed["firstStepS"], parts)
    yield judge("replay", median(replay["perS"] for replay in replays), {"events": prepared["events"]})


def measure_startup(bench: Bench) -> Iterator[Figure]:
    """Commands against a bare interpreter."""
    rounds = 5 if bench.is_quick else 20
    folder = bench.fresh()
    version = measure("benchmarks.startup", "version", "--rounds", rounds, "--dir", folder)
    yield judge(
        "version", version["oursS"] / (1.8 * version["pythonS"] + 0.020),
        {"ours": f"{version['oursS'] * 1e3:.1f} ms", "python": f"{version['pythonS'] * 1e3:.1f} ms"},
    )  # fmt: skip
    # Three events a step; the first, the last and the wait for the signal make up the rest.
    prepared = measure("benchmarks.ours", "prepare", "--steps", 332, "--dir", folder)
    # A run that waits makes `run status` leave with 3; one that has completed, with 0.
    measure("benchmarks.ours", "resume", "--dir", folder)
    status = measure("benchmarks.startup", "status", prepared["run"], "--rounds", rounds, "--dir", folder)
    shutil.rmtree(folder)
    yield judge("status", status["oursS"] * 1e3, {"events": prepared["events"]})


def measure_kill(bench: Bench) -> Iterator[Figure]:
    """Random kills; any finding is a fault."""
    moments = 12 if bench.is_quick else 300
    seen = measure("benchmarks.kill", "--moments", moments, "--dir", bench.fresh(), timeout_s=1800)
    shown = ("moments", "hits", "runs", "unknown_outcomes", "torn_tails", "seed")
    figure = judge("kill", seen["faults"], {name: seen[name] for name in shown})
    if not seen["sourceStayedTheSame"]:
        raise MeasurementError("the source changed while runs of it were killed and resumed; measure a copy")
    evidence = [*seen["lost"], *seen["repeats"], *seen["bad_journals"]]
    yield figure if not evidence else failed("kill", GOALS["kill"], "\n".join(evidence[:10]))


def count_our_syncs(bench: Bench) -> dict[str, float]:
    """Return how often each sequential step of ours syncs, by kind of call."""
    counted = []
    for steps in (20, 70):
        arguments = ["drive", "sequential", "--steps", str(steps), "--dir", str(bench.fresh())]
        counted.append(count_syncs([sys.executable, "-m", "benchmarks.ours", *arguments]))
    return syncs_per_step(counted[0], counted[1], 50)
