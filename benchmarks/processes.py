"""The processes that are measured: a copy of this file is put into a fresh workspace.

The step of every workload, here and on the peers, returns its argument + 1.
"""

import time
from pathlib import Path

from msgspec import Struct

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.tasks import shell_task, task
from babysitter.model.effects import Sandbox


class Size(Struct, frozen=True):
    """How many steps a run has."""

    steps: int


@task(inline=True)
def add_one(number: int) -> int:
    """The step."""
    return number + 1


@task(inline=True)
def leave_time(path: str) -> None:
    """Say when the first step after a resume happened; the monotonic clock is one for all processes."""
    Path(path).write_text(repr(time.monotonic()), encoding="utf-8")


@shell_task(sandbox=Sandbox())
def run_true() -> list[str]:
    """The smallest program there is."""
    return ["true"]


@process
async def sequential(inputs: Size, ctx: Context) -> int:
    """One step after another."""
    number = 0
    for _ in range(inputs.steps):
        number = await ctx.task(add_one, number=number)
    return number


@process
async def fan_out(inputs: Size, ctx: Context) -> int:
    """All steps at once; the sum of what they return."""

    async def one(number: int) -> int:
        return await ctx.task(add_one, number=number)

    return sum(await ctx.parallel.map(one, range(inputs.steps)))


@process
async def shell(inputs: Size, ctx: Context) -> int:
    """One sandboxed program after another."""
    for _ in range(inputs.steps):
        await ctx.task(run_true)
    return inputs.steps


class Paused(Struct, frozen=True):
    """Steps before the wait, and where the step after it leaves its time."""

    steps: int
    path: str


@process
async def paused(inputs: Paused, ctx: Context) -> None:
    """Steps, then a wait for a signal, then one more step."""
    number = 0
    for _ in range(inputs.steps):
        number = await ctx.task(add_one, number=number)
    await ctx.signal("go")
    await ctx.task(leave_time, path=inputs.path)


class Served(Struct, frozen=True):
    """Steps with a pause after each, then a question."""

    steps: int
    pause_s: float


@process
async def served(inputs: Served, ctx: Context) -> int:
    """What a server drives many of at once."""
    number = 0
    for _ in range(inputs.steps):
        number = await ctx.task(add_one, number=number)
        await ctx.sleep(inputs.pause_s)
    review = await ctx.breakpoint(question="Go on?", title="Go on")
    return await ctx.task(add_one, number=number) if review.approved else 0
