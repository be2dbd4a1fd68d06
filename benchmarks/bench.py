"""One run of the bench: how much is measured, where, and how often what is compared takes turns."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import measure
from benchmarks.peer_runs import Size
from benchmarks.rounds import Round, take_turns

FULL = Size(sequential=1000, runs=1000, run_steps=10, fan_out=1000, seconds_max=60)
QUICK = Size(sequential=200, runs=50, run_steps=10, fan_out=200, seconds_max=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run of the bench: every measurement gets a fresh folder below ``folder``."""

    folder: Path
    is_quick: bool

    @property
    def size(self) -> Size:
        """How much of each workload."""
        return QUICK if self.is_quick else FULL

    @property
    def turns(self) -> int:
        """How often what is compared takes turns."""
        return 2 if self.is_quick else 5

    def fresh(self) -> Path:
        """Return an empty folder of its own for a measurement."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def ours(self, what: str, *arguments: str | int) -> dict[str, Any]:
        """Return what one measurement of ours printed; its workspace is removed."""
        folder = self.fresh()
        try:
            return measure("benchmarks.ours", what, *arguments, "--dir", folder)
        finally:
            shutil.rmtree(folder)

    def workload(self, name: str) -> dict[str, Any]:
        """Return what one of the three workloads printed when we performed it."""
        size = self.size
        if name == "runs":
            return self.ours("together", "--runs", size.runs, "--steps", size.run_steps)
        if name == "fan-out":
            return self.ours("drive", "fan_out", "--steps", size.fan_out)
        return self.ours("drive", "sequential", "--steps", size.sequential)

    def turns_of(self, count: int, **calls: Callable[[], dict[str, Any]]) -> list[Round]:
        """Return rounds of the calls."""
        return take_turns(self.folder, count, calls)


def micros(seconds: float, steps: int = 1) -> str:
    """Return microseconds a step, as text."""
    return f"{seconds / steps * 1e6:.0f} µs"
