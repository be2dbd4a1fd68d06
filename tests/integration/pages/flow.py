"""Processes whose questions the tests of pages answer in a browser."""

from typing import Any

from babysitter import Context, process, shell_task

PLANTED = (
    "<img src=x onerror=\"window.planted='img'\"></script><script>window.planted='script'</script>"
    "[go](javascript:window.planted='link') {{7*7}} \" onmouseover=\"window.planted='attr'\" '"
)
"""What would run if any page let it."""


@shell_task(environment="production")
def deploy(version: str, hosts: list[str]) -> list[str]:
    """Deploy."""
    return ["echo", version, *hosts]


@shell_task(environment="production")
def planted(text: str) -> list[str]:
    """Say it."""
    return ["echo", text]


@process
async def plain(inputs: dict[str, Any], ctx: Context) -> str:
    """Ask what needs no signature."""
    review = await ctx.breakpoint(
        question=inputs.get("question", "Shall the report be sent to the customer?"),
        title=inputs.get("title", "Send the report"),
        context={"customer": "Example GmbH", "pages": 12},
    )
    return "sent" if review.approved else f"kept: {review.feedback}"


@process
async def release(inputs: dict[str, Any], ctx: Context) -> str:
    """Ask before production, with the difference that it is about."""
    deployed = {"version": inputs.get("version", "1.4.0"), "hosts": ["web-1", "web-2"]}
    call = deploy.call(**deployed)
    review = await ctx.breakpoint(
        question="Deploy 1.4.0 to both web servers?\n\nThe migration was rehearsed; going back is quick.",
        title="Deploy 1.4.0 to production",
        context={"ticket": "OPS-812", "rollback": "deploy 1.3.9"},
        approves=[call],
        diff="HEAD..",
        scan=True,
    )
    if not review.approved:
        return f"stopped: {review.feedback}"
    return str(await ctx.task(deploy, **deployed))


@process
async def hostile(inputs: dict[str, Any], ctx: Context) -> str:
    """Ask with something planted in every field."""
    call = planted.call(text=PLANTED)
    review = await ctx.breakpoint(
        question=PLANTED,
        title=PLANTED,
        context={PLANTED: [PLANTED]},
        tags=[PLANTED],
        approves=[call],
        diff="HEAD..",
    )
    return review.feedback
