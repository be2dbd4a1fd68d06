"""What a command costs before it does anything: measured in turn with the thing it is compared with.

Run by benchmarks/run.py:
    python -m benchmarks.startup version --rounds 20 --dir DIR
    python -m benchmarks.startup status RUN --rounds 10 --dir WORKSPACE
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

BABYSITTER = Path(sys.executable).parent / "babysitter"


def spawn_s(command: Sequence[str | Path], folder: Path) -> float:
    """Return the seconds from starting the command to its end.

    Raises:
        CalledProcessError: it failed.
    """
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return time.perf_counter() - started


def in_turn(commands: dict[str, Sequence[str | Path]], folder: Path, rounds: int) -> dict[str, float]:
    """Return each command's median seconds; they take turns, so that a busy moment hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        spawn_s(command, folder)  # The first start reads from the disk.
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(spawn_s(command, folder))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def main() -> None:
    """Measure one of the two and print the medians as one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=["version", "status"])
    parser.add_argument("run", nargs="?", default="")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--dir", type=Path, required=True)
    given = parser.parse_args()
    ours = ["--version"] if given.what == "version" else ["run", "status", given.run]
    commands: dict[str, Sequence[str | Path]] = {
        "pythonS": [sys.executable, "-c", "pass"],
        "oursS": [BABYSITTER, *ours],
    }
    print(json.dumps(in_turn(commands, given.dir, given.rounds)))


if __name__ == "__main__":
    main()
