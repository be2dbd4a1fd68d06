"""The workloads on LangGraph with its SQLite checkpointer and ``durability="sync"``.

Durability as configured: the checkpointer sets journal_mode WAL and leaves synchronous at SQLite's default,
FULL: the log is synced at every commit. With ``durability="sync"`` a superstep's checkpoint is committed
before the next superstep begins; the writes of the tasks within a superstep are committed by a thread of its
own meanwhile.

Ways tried: a graph with a loop (830/s) and the functional API (920/s). The functional API does not wait for a
task's result to be committed before the next task starts, so the graph is the one that can be compared.
Runs are invoked one after another (880/s; ``batch`` over threads 810/s). A fan-out is one superstep of
``Send``.
"""

import argparse
import json
import operator
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send


class Counting(TypedDict):
    """State of the loop."""

    number: int
    steps: int


class Spreading(TypedDict):
    """State of the fan-out."""

    width: int
    results: Annotated[list[int], operator.add]


def add_one(state: Counting) -> dict[str, int]:
    """The step of every workload, here and elsewhere."""
    return {"number": state["number"] + 1}


def add_one_of_many(state: Counting) -> dict[str, list[int]]:
    """The same step for the fan-out."""
    return {"results": [state["number"] + 1]}


def loop_graph() -> StateGraph:
    """Return a graph of one node that goes on until it has counted to ``steps``."""
    graph = StateGraph(Counting)
    graph.add_node("add_one", add_one)
    graph.add_edge(START, "add_one")
    graph.add_conditional_edges(
        "add_one", lambda state: "add_one" if state["number"] < state["steps"] else END, ["add_one", END]
    )
    return graph


def spread_graph() -> StateGraph:
    """Return a graph whose one superstep has ``width`` tasks."""
    graph = StateGraph(Spreading)
    graph.add_node("add_one_of_many", add_one_of_many)
    graph.add_conditional_edges(
        START,
        lambda state: [Send("add_one_of_many", {"number": number}) for number in range(state["width"])],
        ["add_one_of_many"],
    )
    graph.add_edge("add_one_of_many", END)
    return graph


def _perform(saver: SqliteSaver, workload: str, count: int, runs: int) -> tuple[int, int, int]:
    """Return (steps done, what came out, what must come out)."""
    loop = loop_graph().compile(checkpointer=saver)
    if workload == "fan-out":
        spread = spread_graph().compile(checkpointer=saver)
        state = spread.invoke({"width": count, "results": []}, _thread("spread", count), durability="sync")
        return count, sum(state["results"]), count * (count + 1) // 2
    numbers = [
        loop.invoke({"number": 0, "steps": count}, _thread(f"run-{run}", count), durability="sync")["number"]
        for run in range(runs)
    ]
    return runs * count, sum(numbers), runs * count


def _thread(name: str, steps: int) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}, "recursion_limit": steps + 10}


def main() -> None:
    """Perform one workload and print one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("workload", choices=["sequential", "runs", "fan-out"])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    with SqliteSaver.from_conn_string(str(given.dir / "langgraph.sqlite")) as saver:
        # Imports, tables and first connections are not a step's cost.
        loop_graph().compile(checkpointer=saver).invoke({"number": 0, "steps": 1}, _thread("first", 1))
        started = time.perf_counter()
        steps, came_out, expected = _perform(saver, given.workload, given.count, given.runs)
        took_s = time.perf_counter() - started
        journal_mode = saver.conn.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = saver.conn.execute("PRAGMA synchronous").fetchone()[0]
    if came_out != expected:
        raise SystemExit(f"{given.workload}: {came_out} came out instead of {expected}")
    durability = (
        f"SQLite, journal_mode={journal_mode}, synchronous={synchronous} (2 is FULL), durability=sync"
    )
    print(json.dumps({
        "peer": "LangGraph", "version": version("langgraph"), "steps": steps, "seconds": took_s,
        "perS": steps / took_s, "durability": durability,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
