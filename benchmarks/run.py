"""Measure every figure of docs/explanation/performance.md in one run, and say which goals are met.

    make bench                              all of it, some minutes
    python -m benchmarks.run --quick        small sizes, under a minute without peers
    python -m benchmarks.run --only sequential runs --json figures.json

Each measurement is a process of its own (benchmarks/child.py). What is compared takes turns, and what the
disk spoilt is called unsteady (benchmarks/rounds.py). Exit status 1 when a goal is missed or a measurement
failed.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import babysitter
from benchmarks.against_peers import measure_peers
from benchmarks.bench import Bench
from benchmarks.child import ROOT, MeasurementError
from benchmarks.credentials import measure_credentials
from benchmarks.figures import GOALS, Figure, Goal, failed
from benchmarks.machine import describe, source_sha256
from benchmarks.parts import (
    count_our_syncs,
    measure_egress,
    measure_fan_out,
    measure_growth,
    measure_kill,
    measure_resume,
    measure_runs,
    measure_sequential,
    measure_shell,
    measure_startup,
)
from benchmarks.proving import measure_journals, measure_proof, measure_secrets
from benchmarks.report import as_json, heading, line_of
from benchmarks.served import measure_server
from benchmarks.syncs import is_available

PARTS: dict[str, tuple[Callable[[Bench], Iterator[Figure]], tuple[str, ...]]] = {
    "sequential": (measure_sequential, ("sequential",)),
    "growth": (measure_growth, ("growth", "memory")),
    "runs": (measure_runs, ("runs",)),
    "fan-out": (measure_fan_out, ("fan-out",)),
    "shell": (measure_shell, ("shell", "sandbox")),
    "egress": (measure_egress, ("egress-start", "egress-speed")),
    "resume": (measure_resume, ("resume", "replay")),
    "startup": (measure_startup, ("version", "status")),
    "proof": (measure_proof, ("decision", "sign", "verify", "log", "audit")),
    "journals": (measure_journals, ("chain", "full")),
    "secrets": (measure_secrets, ("disguises", "masking")),
    "credentials": (
        measure_credentials,
        ("screened", "screened-p50", "screened-p99", "scanned", "false-alarms"),
    ),
    "server": (
        measure_server,
        ("served-status", "served-approval", "served-waiting", "served-start", "served-steady"),
    ),
    "kill": (measure_kill, ("kill",)),
    "peers": (measure_peers, ()),
}
"""What can be measured, in order, and the figures that each part makes."""


def measure_part(bench: Bench, name: str) -> Iterator[Figure]:
    """Yield the figures of a part; where it breaks off, those still missing are failures."""
    part, expected = PARTS[name]
    missing = list(expected)
    try:
        for figure in part(bench):
            if figure.name in missing:
                missing.remove(figure.name)
            yield figure
    except MeasurementError as error:
        for figure_name in missing or [name]:
            goal = GOALS.get(figure_name) or Goal(says=figure_name, relation="==", bound=1)
            yield failed(figure_name, goal, str(error))


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART",
                        help=", ".join(PARTS))  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as one JSON object")
    parser.add_argument(
        "--dir", type=Path, default=ROOT / "benchmarks/.work", help="where to measure: its file system"
    )
    given = parser.parse_args()
    given.dir.mkdir(parents=True, exist_ok=True)
    (given.dir / ".gitignore").write_text("*\n", encoding="utf-8")
    machine = describe(given.dir)
    print(heading(machine, is_quick=given.quick), flush=True)
    source = Path(babysitter.__file__).parent
    before = source_sha256(source)
    print(f"source {before[:12]} in {source}", flush=True)
    figures = []
    our_syncs: dict[str, float] | None = None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.dir) as folder:
        bench = Bench(folder=Path(folder), is_quick=given.quick)
        for name in (name for name in PARTS if name in given.only):
            for figure in measure_part(bench, name):
                figures.append(figure)
                print(line_of(figure), flush=True)
        if is_available() and any(
            figure.name == "sequential" and figure.value is not None for figure in figures
        ):
            our_syncs = count_our_syncs(bench)
            print(f"ours syncs a sequential step: {our_syncs}", flush=True)
    is_same_source = source_sha256(source) == before
    context = {
        "isQuick": given.quick, "ourSyncsPerStep": our_syncs,
        "sourceSha256": before, "sourceStayedTheSame": is_same_source,
    }  # fmt: skip
    if given.json is not None:
        given.json.write_text(
            json.dumps(as_json(machine, figures, context), indent=2) + "\n", encoding="utf-8"
        )
    bad = [figure for figure in figures if figure.verdict != "ok"]
    print(f"{len(figures) - len(bad)} of {len(figures)} figures reach their goals")
    if not is_same_source:
        print("the source changed while it was measured: these figures are of no version")
    return 1 if bad or not is_same_source else 0


if __name__ == "__main__":
    sys.exit(main())
