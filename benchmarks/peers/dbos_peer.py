"""The workloads on DBOS with its SQLite system database, as its documentation has a user set it up.

Durability as configured (DBOS sets neither pragma, so SQLite's own defaults hold): rollback journal in DELETE
mode, synchronous FULL. A step's result is committed, and synced, before the workflow goes on. In this mode
SQLite does not sync the folder after it deletes the rollback journal, so that a power loss may bring the
journal back and undo the last commit (https://sqlite.org/pragma.html#pragma_synchronous, under EXTRA).

Ways tried, and kept because they were the fastest here: synchronous steps (490/s against 350/s for async
ones); runs called one after another (400/s against 350/s with ``start_workflow`` for all, and 290/s with
``asyncio.gather``). A fan-out is ``asyncio.gather`` over async steps, which is how its documentation does it.
"""

import argparse
import asyncio
import json
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

from dbos import DBOS


@DBOS.step()
def add_one(number: int) -> int:
    """The step of every workload, here and elsewhere."""
    return number + 1


@DBOS.step()
async def add_one_async(number: int) -> int:
    """The same step for the fan-out."""
    return number + 1


@DBOS.workflow()
def sequential(steps: int) -> int:
    """One step after another."""
    number = 0
    for _ in range(steps):
        number = add_one(number)
    return number


@DBOS.workflow()
async def fan_out(width: int) -> int:
    """All steps at once; the sum of what they return."""
    return sum(await asyncio.gather(*(add_one_async(number) for number in range(width))))


def _perform(workload: str, count: int, runs: int) -> tuple[int, int, int]:
    """Return (steps done, what came out, what must come out)."""
    if workload == "sequential":
        return count, sequential(count), count
    if workload == "fan-out":
        return count, asyncio.run(_awaited_fan_out(count)), count * (count + 1) // 2
    return runs * count, sum(sequential(count) for _ in range(runs)), runs * count


async def _awaited_fan_out(width: int) -> int:
    return await fan_out(width)


def main() -> None:
    """Perform one workload and print one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("workload", choices=["sequential", "runs", "fan-out"])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    database = given.dir / "dbos.sqlite"
    DBOS(
        config={
            "name": "benchmark",
            "system_database_url": f"sqlite:///{database}",
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    sequential(1)  # Imports and first connections are not a step's cost.
    started = time.perf_counter()
    steps, came_out, expected = _perform(given.workload, given.count, given.runs)
    took_s = time.perf_counter() - started
    DBOS.destroy()
    if came_out != expected:
        raise SystemExit(f"{given.workload}: {came_out} came out instead of {expected}")
    connection = sqlite3.connect(database)
    # DBOS sets neither pragma, so a fresh connection says what its own connections have.
    journal_mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    durability = f"SQLite, journal_mode={journal_mode}, synchronous={synchronous} (2 is FULL)"
    print(json.dumps({
        "peer": "DBOS", "version": version("dbos"), "steps": steps, "seconds": took_s,
        "perS": steps / took_s, "durability": durability,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
