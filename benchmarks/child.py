"""Start one measurement in a process of its own and read the one JSON object that it prints.

Each measurement begins with a fresh interpreter: no warm caches of the one before, peak memory of its own,
and the bare loop and ours are the same kind of process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

COMPILED = {"PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": str(ROOT / "benchmarks/.work/compiled")}
"""An installed package is compiled once.

A shell that forbids it (PYTHONDONTWRITEBYTECODE) would have every start of a program compile all of ours, and
none of Python's own: measured, 178 ms for a command that takes a user far less.
"""


class MeasurementError(Exception):
    """A measurement did not end well; its last words are in the text."""


def measure(module: str, *arguments: str | float | Path, timeout_s: float = 900) -> dict[str, Any]:
    """Run ``python -m module arguments`` here and return what it printed.

    Raises:
        MeasurementError: it failed, took too long, or printed something else.
    """
    return measure_command(
        [sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT, timeout_s=timeout_s
    )


def measure_command(
    command: Sequence[str | Path], *, cwd: Path, timeout_s: float, extra: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run a command and return the JSON object on the last line of what it printed.

    Raises:
        MeasurementError: as ``measure``.
    """
    words = [str(word) for word in command]
    environment = {**os.environ, **COMPILED, **(extra or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise MeasurementError(f"{' '.join(words)}: not done after {timeout_s:.0f} s") from late
    except OSError as missing:
        raise MeasurementError(f"{' '.join(words)}: {missing}") from missing
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        last_words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise MeasurementError(f"{' '.join(words)}: exit status {done.returncode}\n{last_words}")
    try:
        printed = json.loads(lines[-1])
    except ValueError as garbled:
        raise MeasurementError(f"{' '.join(words)}: printed {lines[-1]!r} instead of JSON") from garbled
    if not isinstance(printed, dict):
        raise MeasurementError(f"{' '.join(words)}: printed {lines[-1]!r} instead of a JSON object")
    return printed
