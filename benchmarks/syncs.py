"""Count how often a program syncs, by asking the kernel (strace), not the program's documentation."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.child import ROOT, MeasurementError

_CALLS = "fsync,fdatasync,sync_file_range,syncfs,msync"
_ROW = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(?P<calls>\d+)\s+(?:\d+\s+)?(?P<name>\w+)$", re.MULTILINE)


def is_available() -> bool:
    """True when strace is installed."""
    return shutil.which("strace") is not None


def count_syncs(command: Sequence[str], *, timeout_s: float = 300) -> dict[str, int]:
    """Return how often the command and all its children called each kind of sync.

    Raises:
        MeasurementError: it failed, or strace may not trace here.
    """
    with tempfile.NamedTemporaryFile(prefix="strace-", suffix=".txt") as counted:
        traced = ["strace", "-f", "-c", "-q", "-e", f"trace={_CALLS}", "-o", counted.name, *command]
        done = subprocess.run(
            traced, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode != 0:
            raise MeasurementError(f"{' '.join(traced)}: exit status {done.returncode}\n{done.stderr[-600:]}")
        table = Path(counted.name).read_text(encoding="utf-8")
    return {row["name"]: int(row["calls"]) for row in _ROW.finditer(table) if row["name"] != "total"}


def syncs_per_step(few: dict[str, int], many: dict[str, int], steps_between: int) -> dict[str, float]:
    """Return the calls that each further step makes: set-up and end are in both counts and cancel."""
    return {
        name: round((many.get(name, 0) - few.get(name, 0)) / steps_between, 2)
        for name in sorted({*few, *many})
        if many.get(name, 0) != few.get(name, 0)
    }
