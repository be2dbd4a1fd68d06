"""The process that benchmarks/kill.py kills: fifty steps, each leaving one line in a ledger outside the run.

Every tenth step is a sandboxed program, every other of the rest may be repeated (``idempotent``).
"""

import os
import time

from msgspec import Struct

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.tasks import shell_task, task
from babysitter.model.effects import Sandbox

STEP_S = 0.003
"""A step takes this long, so that a kill often finds one under way."""


class Ledger(Struct, frozen=True):
    """How many steps, and the absolute path of the file that counts what was really done."""

    steps: int
    path: str


def leave_line(path: str, step: int) -> None:
    """Append the step's number in one write: a killed step has left its whole line or nothing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{step}\n".encode())
    os.close(descriptor)


@task(inline=True)
def once(step: int, path: str) -> int:
    """A step that must not be repeated without a person's word."""
    leave_line(path, step)
    time.sleep(STEP_S)
    return step


@task(inline=True, idempotent=True)
def repeatable(step: int, path: str) -> int:
    """A step that may be repeated."""
    time.sleep(STEP_S)
    leave_line(path, step)
    return step


@shell_task(sandbox=Sandbox(write=("ledger/",)), idempotent=True)
def program(step: int) -> list[str]:
    """The same by a sandboxed program."""
    return ["sh", "-c", f"echo {step} >> ledger/steps"]


@process
async def fifty(inputs: Ledger, ctx: Context) -> int:
    """The steps, in order; the sum of what they return."""
    total = 0
    for step in range(inputs.steps):
        if step % 10 == 9:
            await ctx.task(program, step=step)
            total += step
        elif step % 2:
            total += await ctx.task(repeatable, step=step, path=inputs.path)
        else:
            total += await ctx.task(once, step=step, path=inputs.path)
    return total
