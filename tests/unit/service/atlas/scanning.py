"""A process that has scanners look at the workspace."""

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.scan_task import security_scan


@process
async def scanning(ctx: Context) -> int:
    return len((await ctx.task(security_scan(tools=["bandit"]))).findings)
