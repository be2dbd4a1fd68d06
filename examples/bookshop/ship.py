"""An agent's work is reviewed before it ships: what changed, what scanners hold against it, rules on both.

    babysitter start ship.py --input source=/path/to/what/the/agent/wrote

``babysitter.toml`` beside it asks for no critical and no high findings: see docs/how-to/review-code.md.
"""

import shutil

from msgspec import Struct

from babysitter import Context, Sandbox, process, task


class Work(Struct, frozen=True):
    """Where the agent has left its work: a folder that the settings let ``write_code`` read."""

    source: str


@task(sandbox=Sandbox(write=("shop/",)), idempotent=True)
def write_code(source: str) -> None:
    """Stand for an agent: put its work into the workspace."""
    shutil.copytree(source, "shop", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


@task(environment="production", critical=True)
def ship(place: str) -> str:
    """Touch production."""
    return f"shipped to {place}"


@process
async def ship_shop(inputs: Work, ctx: Context) -> str:
    """Write, review, ship."""
    await ctx.task(write_code, inputs.source)
    review = await ctx.breakpoint(
        "Ship this to production?",
        "Ship",
        context={"environment": "production"},
        diff=True,
        scan=True,
        approves=[ship.call("production")],
    )
    return await ctx.task(ship, "production") if review.approved else f"not shipped: {review.feedback}"
