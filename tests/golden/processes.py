"""Processes whose journals are kept for ever: tests/golden/*.jsonl must replay through them as they are.

A change of the engine that breaks one of these journals breaks a run that somebody has on disk.
Never edit a process or a journal; add a new one.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec import Struct

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.tasks import Program, node_task, shell_task, task
from babysitter.model.errors import CancelledRunError, TaskError


class Inputs(Struct):
    names: list[str]
    deploy: bool = False


@dataclass
class Built:
    path: str
    bytes: int = 0


@task(inline=True)
def greet(name: str, *, loud: bool = False) -> str:
    return name.upper() if loud else name


@task
def build(target: str, jobs: int = 1) -> Built:
    raise AssertionError


@task(environment="production", critical=True)
def deploy(built: Built, token: str) -> None:
    raise AssertionError


@shell_task
def make(target: str) -> Program:
    return Program(["make", target], env={"LANG": "C"}, cwd="src")


@node_task("scripts/lint.mjs")
def lint(path: str) -> list[dict[str, Any]]:
    raise AssertionError


@process
async def sequence(inputs: Inputs, ctx: Context) -> dict[str, Any]:
    """One step after another, of every kind."""
    await ctx.log("begins", names=len(inputs.names))
    greetings = [await ctx.task(greet, name, loud=True) for name in inputs.names]
    made = await ctx.task(make, "all")
    findings = await ctx.task(lint, path="src")
    started = await ctx.now()
    await ctx.sleep(timedelta(seconds=30))
    dice, identity = await ctx.random(), await ctx.uuid()
    plan = await ctx.artifact("plan.md", f"# Plan\n{made.stdout}")
    return {
        "greetings": greetings,
        "findings": len(findings),
        "started": started,
        "dice": dice,
        "id": identity,
        "plan": plan.sha256,
    }


@process
async def release(inputs: Inputs, ctx: Context) -> str:
    """A rejected plan, a second try, an approved deployment."""
    feedback = ""
    for attempt in range(1, 4):
        built = await ctx.task(build, "dist", jobs=attempt)
        review = await ctx.breakpoint(
            question="Deploy with production credentials?",
            title="Production Deployment",
            context={"environment": "production", "critical": True, "attempt": attempt},
            approves=[deploy.call(built, token="t0ken")],
        )
        if review.approved:
            await ctx.task(deploy, built, token="t0ken")
            return f"deployed by {', '.join(review.responded_by)} after: {feedback}"
        feedback = review.feedback
    return "gave up"


@process
async def branches(inputs: Inputs, ctx: Context) -> list[Any]:
    """Nested branches, a failure, its clean-up, and a limit."""

    async def careful(name: str) -> str:
        try:
            await ctx.sleep(100)
        except CancelledRunError:
            await ctx.task(greet, f"clean {name}")
            raise
        return name

    async def fails() -> str:
        await ctx.log("about to fail")
        return str(await ctx.task(build, "broken"))

    try:
        await ctx.parallel.all(careful("a"), ctx.parallel.all(careful("b"), fails()), ctx.signal("never"))
    except TaskError as error:
        await ctx.log("failed", "error", name=error.name)
    return await ctx.parallel.map(lambda name: ctx.task(greet, name), inputs.names, limit=2)


@process
async def child(inputs: str, ctx: Context) -> str:
    """Stand for another run."""
    return inputs


@process
async def family(inputs: Inputs, ctx: Context) -> list[Any]:
    """Children, signals that came early, and a patch."""
    first = await ctx.child(child, "one")
    if await ctx.patched("greet-first"):
        await ctx.task(greet, "hello")
    payload = await ctx.signal("go", int)
    try:
        await ctx.child(child, "two")
    except TaskError as error:
        return [first, payload, await ctx.signal("go", int), error.name]
    return []


@process
async def cancelled(inputs: Inputs, ctx: Context) -> None:
    """Cancelled while it waits; cleans up."""
    try:
        await ctx.parallel.all(ctx.task(build, "x"), ctx.breakpoint("Go on?"), ctx.sleep(5))
    finally:
        await ctx.task(greet, "cleaned")


@process
async def failing(inputs: Inputs, ctx: Context) -> None:
    """Raises an error of its own."""
    await ctx.task(greet, "x")
    raise ValueError(f"no {inputs.names}")


ALL = (sequence, release, branches, family, cancelled, failing)
