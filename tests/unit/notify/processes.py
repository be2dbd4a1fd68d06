"""The processes of the tests about telling people."""

from typing import Any

from babysitter.authoring.context import Context
from babysitter.authoring.process import process


@process
async def asking(inputs: dict[str, Any], ctx: Context) -> str:
    """Ask once for each question, one after the other."""
    for question in inputs.get("questions", ["Deploy?"]):
        await ctx.breakpoint(
            question, title=inputs.get("title", "Production Deployment"), expires_in=inputs.get("expires_in")
        )
    if inputs.get("fail"):
        raise ValueError(inputs["fail"])
    return "done"


@process
async def letting_go(_: None, ctx: Context) -> str:
    """Ask, and stop waiting when another branch fails."""

    async def fail() -> None:
        await ctx.sleep(600)
        raise ValueError("no")

    async def wait() -> None:
        await ctx.breakpoint("Go?", title="Production Deployment")

    try:
        await ctx.parallel.all(wait(), fail())
    except ValueError:
        await ctx.signal("on")
    return "let go"
