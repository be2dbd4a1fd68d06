"""Processes for tests of what a question shows of the code. Copied into a workspace of its own."""

from babysitter import Context, process, task


@task
def work(step: str) -> None:
    """Change the workspace."""


@task(critical=True)
def ship(target: str) -> str:
    """Touch production."""
    return target


@process
async def shipping(ctx: Context) -> str:
    await ctx.task(work, "before")
    review = await ctx.breakpoint("Ship it?", title="Ship", diff=True, approves=[ship.call("here")])
    await ctx.task(work, "after")
    return await ctx.task(ship, "here") if review.approved else review.feedback


@process
async def scanning(ctx: Context) -> bool:
    await ctx.task(work, "before")
    review = await ctx.breakpoint(
        "Ship it?", title="Ship", diff=True, scan=["bandit"], findings={"high": 0, "coverage": 90}
    )
    return review.approved


@process
async def since_main(ctx: Context) -> bool:
    return (await ctx.breakpoint("Ship it?", title="Ship", diff="main..")).approved
