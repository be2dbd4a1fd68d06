"""A run that hands a secret to everything that keeps anything."""

from typing import Any

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.tasks import task
from babysitter.model.errors import TaskError
from babysitter.model.secret import Secret, secret
from babysitter.model.values import Json


@task
def show(key: Secret, text: str, parts: dict[str, Any]) -> Json:
    """Give back what came in."""
    return [text, parts]


@task(environment="production")
def fail(text: str) -> Json:
    """Fail with what came in."""
    raise ValueError(text)


@task(inline=True)
def echo(text: str) -> str:
    """Give back what came in."""
    return text


@process
async def inner(inputs: dict[str, Any], ctx: Context) -> Json:
    """A child that gives its inputs back."""
    await ctx.log(f"child has {inputs['key']}")
    return inputs


@process
async def leaky(inputs: dict[str, Any], ctx: Context) -> Json:
    """Say the key everywhere, and report whether it always came back the same."""
    key = inputs["key"]
    same = []
    shown = await ctx.task(show, secret("env:API_KEY"), f"<{key}>", {key: [key, {"deep": f"{key}{key}"}]})
    same.append(shown == [f"<{key}>", {key: [key, {"deep": f"{key}{key}"}]}])
    same.append(await ctx.task(echo, key) == key)
    await ctx.log(f"the key is {key}", key=key, nested={key: key})
    await ctx.artifact("plan.md", f"use {key}\n")
    child = await ctx.child(inner, {"key": key, "list": [key]})
    same.append(child == {"key": key, "list": [key]})
    try:
        await ctx.task(fail, f"no {key}")
    except TaskError as error:
        same.append(error.message.endswith(f"no {key}"))
    signal = await ctx.signal(f"news-{key}")
    same.append(signal == {"payload": key})
    review = await ctx.breakpoint(
        f"Use {key}?",
        title=f"Key {key}",
        context={"key": key},
        tags=[key],
        files=["artifacts/plan.md", "workspace.md"],
    )
    same.append(review.feedback == f"yes, {key}")
    return {"same": same, "key": key}
