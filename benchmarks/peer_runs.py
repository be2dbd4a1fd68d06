"""Run the workloads on the other products; one that can't be installed or run fails the bench by name."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import MeasurementError, measure_command
from benchmarks.syncs import count_syncs, syncs_per_step

HERE = Path(__file__).resolve().parent
INSTALLED = HERE / ".peers"
WORKLOADS = ("sequential", "runs", "fan-out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another product.

    ecosystem: what install.sh is told to install for it.
    program: the command that performs a workload, before its arguments.
    is_slow: a workload ends after ``--seconds``, and what was done until then counts.
    """

    name: str
    ecosystem: str
    program: tuple[str, ...]
    is_slow: bool = False


PEERS = (
    Peer(
        name="DBOS",
        ecosystem="python",
        program=(str(INSTALLED / "venv/bin/python"), str(HERE / "peers/dbos_peer.py")),
    ),
    Peer(
        name="LangGraph",
        ecosystem="python",
        program=(str(INSTALLED / "venv/bin/python"), str(HERE / "peers/langgraph_peer.py")),
    ),
    Peer(
        name="TypeScript SDK",
        ecosystem="node",
        program=("node", str(INSTALLED / "node/sdk_peer.mjs")),
        is_slow=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of each workload. ``seconds_max`` ends a slow peer's workload early."""

    sequential: int
    runs: int
    run_steps: int
    fan_out: int
    seconds_max: float

    def arguments(self, workload: str) -> list[str]:
        """Return what a peer's program is told."""
        if workload == "runs":
            return ["--count", str(self.run_steps), "--runs", str(self.runs)]
        return ["--count", str(self.sequential if workload == "sequential" else self.fan_out)]


def install(ecosystem: str, *, timeout_s: float = 900) -> None:
    """Install the peers of one ecosystem, unless what is there is what the locked file says.

    Raises:
        MeasurementError: with the installer's last words.
    """
    try:
        done = subprocess.run(
            [HERE / "peers/install.sh", ecosystem],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise MeasurementError(f"peers/install.sh {ecosystem}: {failed}") from failed
    if done.returncode != 0:
        last_words = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise MeasurementError(f"peers/install.sh {ecosystem}: exit status {done.returncode}\n{last_words}")


def perform(peer: Peer, workload: str, size: Size, folder: Path) -> dict[str, Any]:
    """Perform a workload on a peer in a fresh folder below ``folder`` and return what its program printed.

    Raises:
        MeasurementError: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="peer-", dir=folder) as fresh:
        command = [*peer.program, workload, "--dir", fresh, *size.arguments(workload)]
        if peer.is_slow:
            command += ["--seconds", str(size.seconds_max)]
        return measure_command(command, cwd=HERE, timeout_s=900)


def count_peer_syncs(peer: Peer, folder: Path, few: int = 20, many: int = 70) -> dict[str, float]:
    """Return how often each sequential step syncs, by kind of call.

    Raises:
        MeasurementError: it failed.
    """
    counted = []
    for steps in (few, many):
        with tempfile.TemporaryDirectory(prefix="syncs-", dir=folder) as fresh:
            command = [*peer.program, "sequential", "--dir", fresh, "--count", str(steps)]
            counted.append(count_syncs(command))
    return syncs_per_step(counted[0], counted[1], many - few)
