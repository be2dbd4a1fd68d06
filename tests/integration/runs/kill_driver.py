"""A program that drives runs in children which a test kills: a run's id comes in, the child's pid goes out.

Everything is imported once and each driver is a fork, so that most of a driver's short life is driving.
"""

import os
import sys
from pathlib import Path

from babysitter.service.runs import RunService
from babysitter.service.wiring import open_workspace

PROCESS = '''
"""Fifty steps, each of which leaves a mark outside of the run, where no journal can hide it."""

import os
import time

from babysitter.authoring.process import Context, process
from babysitter.authoring.tasks import task

MARKS = {marks!r}


def mark(name, number):
    file = os.open(MARKS, os.O_WRONLY | os.O_APPEND)
    os.write(file, f"{{name}} {{number}}\\n".encode())
    os.close(file)
    time.sleep(0.003)
    return number


@task(inline=True)
def once(number: int) -> int:
    return mark("once", number)


@task(inline=True, idempotent=True)
def often(number: int) -> int:
    return mark("often", number)


@process
async def fifty(ctx: Context) -> int:
    total = 0
    for number in range(50):
        total += await ctx.task(often if number % 3 == 0 else once, number)
    return total
'''


def main() -> None:
    """Drive what standard input names, until it ends."""
    workspace = open_workspace(Path(sys.argv[1]))
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            RunService(workspace).drive(line.strip())
            os._exit(0)
        print(pid, flush=True)  # noqa: T201 (the test reads it)
        os.waitpid(pid, 0)
        print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
