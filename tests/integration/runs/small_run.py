"""A small run that touches the disk in every way: output, a large result, a question, an artifact."""

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.tasks import task


@task
def publish(name: str) -> str:
    """Publish, which may not be done twice."""
    return name


@task(idempotent=True)
def fetch(name: str) -> str:
    """Fetch something large."""
    return name


@process
async def small(ctx: Context) -> str:
    """Do a little of everything."""
    await ctx.log("begin", at=(await ctx.now()).isoformat())
    large = await ctx.task(fetch, "x")
    await ctx.artifact("plan.md", "publish two things")
    await ctx.task(publish, "first")
    review = await ctx.breakpoint("Go on?", files=["artifacts/plan.md"])
    return f"{len(large)} {review.feedback} {await ctx.task(publish, 'second')}"
