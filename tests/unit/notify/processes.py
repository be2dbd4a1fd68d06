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
