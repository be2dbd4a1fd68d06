"""Memory does not grow with the run: nothing is kept of a call that has been answered."""

import contextlib
import gc
import itertools
import tracemalloc

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.engine.guard import Guard
from babysitter.engine.machine import Machine
from babysitter.model import events as ev
from babysitter.model.errors import TaskError
from tests.unit.engine.definitions import add
from tests.unit.engine.host import CREATED, Fails, Host


@process
async def counts(inputs: int, ctx: Context) -> int:
    total = 0
    for step in range(inputs):
        total = await ctx.task(add, total)
        if step % 10 == 0:
            await ctx.parallel.all(ctx.log("ten"), ctx.random(), ctx.sleep(1))
    return total


@process
async def fails_often(inputs: int, ctx: Context) -> None:
    async def fails() -> None:
        held = [0] * 100
        await ctx.task(add, len(held))

    for _ in range(inputs):
        with contextlib.suppress(TaskError):
            await ctx.parallel.all(fails(), ctx.sleep(1))
        with contextlib.suppress(TaskError):
            await ctx.task(add, 1)


def test_a_failure_leaves_nothing_for_the_garbage_collector() -> None:
    """Otherwise what is freed when, and so which forgotten call is noticed when, would depend on its whim."""
    host = Host(fails_often, 20, guard=Guard(), answer=lambda _: Fails())
    gc.collect()
    gc.disable()
    try:
        assert isinstance(host.drive().end, ev.RunCompleted)
        assert gc.collect() < 20
    finally:
        gc.enable()


def peak_bytes(steps: int) -> int:
    host = Host(counts, steps, guard=Guard())
    machine = Machine(counts, "run-1", inputs=steps, guard=Guard())
    gc.collect()
    tracemalloc.start()
    machine.receive(CREATED)
    for count in itertools.count():
        if count % 50 == 0:
            # CPython keeps up to 2,000 freed tuples of each length; a full collection gives them back.
            gc.collect()
        if machine.ended:
            break
        while (command := machine.next_command()) is not None:
            machine.receive(host.event_for(command))
        for command in machine.waiting[:1]:
            machine.receive(host.arrival_for(command, 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_long_run_needs_no_more_than_a_short_one() -> None:
    peak_bytes(10)

    assert peak_bytes(2000) < 1.3 * peak_bytes(100)
