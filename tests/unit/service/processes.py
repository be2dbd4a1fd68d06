"""The processes that the service's tests run. Tasks are performed as each test's script says."""

import random
from datetime import timedelta
from typing import Any

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Step
from babysitter.authoring.tasks import task
from babysitter.model.effects import RetryPolicy
from babysitter.model.errors import CancelledRunError, TaskError
from babysitter.model.secret import Secret, secret
from babysitter.model.values import Json
from tests.unit.secrets.detection.tokens import made

HARD_CODED = made("ghp" + "_{62:30}{crc62}", random.Random(3))


@task
def build(name: str) -> Json:
    """Build, which may not be done twice."""
    return name


@task(idempotent=True)
def fetch(name: str) -> Json:
    """Fetch, which may be done as often as anybody likes."""
    return name


@task(retries=RetryPolicy(attempts=3, delay_s=8.0, factor=2.0, delay_s_max=60.0))
def flaky(name: str) -> Json:
    """Fail now and then."""
    return name


@task(environment="production")
def deploy(target: str) -> Json:
    """Touch production."""
    return target


@task(critical=True)
def wipe(target: str) -> Json:
    """Be critical."""
    return target


@task(environment="production")
def publish(target: str, api_key: Secret) -> Json:
    """Touch production with a secret."""
    return target


@task(labels=("db",))
def migrate(target: str) -> Json:
    """Touch the database: no production, but a team may have a rule for it."""
    return target


@task(inline=True)
def double(number: int) -> int:
    """Double."""
    return 2 * number


async def told(step: Step[Any]) -> str:
    """Say how a step went, as a process sees it."""
    try:
        return f"ok {await step}"
    except TaskError as error:
        return f"{error.name}: {error.message}"


@process
async def one_after_the_other(names: list[str], ctx: Context) -> list[Any]:
    return [await ctx.task(build, name) for name in names]


@process
async def doubling(count: int, ctx: Context) -> int:
    number = 1
    for _ in range(count):
        number = await ctx.task(double, number)
    return number


@process
async def side_by_side(names: list[str], ctx: Context) -> list[Any]:
    return await ctx.parallel.map(lambda name: ctx.task(build, name), names)


@process
async def building(name: str, ctx: Context) -> str:
    return await told(ctx.task(build, name))


@process
async def fetching(name: str, ctx: Context) -> str:
    return await told(ctx.task(fetch, name))


@process
async def building_then_fetching(name: str, ctx: Context) -> list[Any]:
    return [await ctx.task(build, name), await ctx.task(fetch, name)]


@process
async def retrying(name: str, ctx: Context) -> str:
    return await told(ctx.task(flaky, name))


@process
async def deploying(targets: list[str], ctx: Context) -> list[str]:
    """Deploy to each target, and forget to ask."""
    return [await told(ctx.task(deploy, target)) for target in targets]


@process
async def deploying_side_by_side(targets: list[str], ctx: Context) -> list[str]:
    return await ctx.parallel.map(lambda target: told(ctx.task(deploy, target)), targets)


@process
async def recovering_side_by_side(targets: list[str], ctx: Context) -> list[str]:
    async def one(target: str) -> str:
        answer = await told(ctx.task(deploy, target))
        return f"{answer} then {await ctx.task(build, target)}"

    return await ctx.parallel.map(one, targets)


@task(environment="production", retries=1)
def deploy_again(target: str) -> Json:
    """Touch production, twice if need be."""
    return target


@process
async def retrying_deploy(target: str, ctx: Context) -> str:
    return await told(ctx.task(deploy_again, target))


@process
async def asking_with_key(_: None, ctx: Context) -> str:
    secret("env:API_KEY")
    return (await ctx.breakpoint("Go?", title="Go")).feedback


@process
async def wiping(target: str, ctx: Context) -> str:
    return await told(ctx.task(wipe, target))


@process
async def asking_first(inputs: dict[str, Any], ctx: Context) -> list[str]:
    """Ask for approval of some calls, then make others."""
    tasks = {"deploy": deploy, "wipe": wipe}
    review = await ctx.breakpoint(
        "Go?", title="Go", approves=[tasks[name].call(target) for name, target in inputs["asked"]]
    )
    said = [f"approved={review.approved} by={','.join(review.responded_by)}: {review.feedback}"]
    return said + [await told(ctx.task(tasks[name], target)) for name, target in inputs["made"]]


@process
async def publishing(_: None, ctx: Context) -> str:
    key = secret("env:API_KEY")
    await ctx.breakpoint("Go?", approves=[publish.call("here", api_key=key)])
    return await told(ctx.task(publish, "here", api_key=key))


@process
async def asking(expires_in: float | None, ctx: Context) -> str:
    review = await ctx.breakpoint("Go?", title="Go", expires_in=expires_in)
    return f"approved={review.approved} by={','.join(review.responded_by)}: {review.feedback}"


@process
async def asking_beside(_: None, ctx: Context) -> list[Any]:
    async def ask() -> bool:
        return (await ctx.breakpoint("Go?", title="Go")).approved

    return list(await ctx.parallel.all(ask(), ctx.task(build, "beside")))


@process
async def asking_twice(_: None, ctx: Context) -> list[Any]:
    async def ask(name: str) -> Json:
        await ctx.breakpoint("Go?", title=name)
        return await ctx.task(build, name)

    return list(await ctx.parallel.all(ask("a"), ask("b")))


@process
async def asking_and_listening(_: None, ctx: Context) -> Json:
    await ctx.breakpoint("Go?", title="Go")
    return await ctx.signal("news")


@process
async def listening(count: int, ctx: Context) -> list[Any]:
    return [await ctx.signal("news") for _ in range(count)]


@process
async def listening_late(_: None, ctx: Context) -> list[Any]:
    await ctx.task(build, "first")
    return [await ctx.signal("news"), await ctx.signal("news")]


@process
async def sleeping(seconds: float, ctx: Context) -> str:
    await ctx.sleep(timedelta(seconds=seconds))
    return "woke"


@process
async def cleaning_up(name: str, ctx: Context) -> str:
    try:
        await ctx.breakpoint("Go?", title="Go")
    except CancelledRunError:
        await ctx.task(build, f"clean {name}")
        raise
    return "not cancelled"


@process
async def giving_one_up(_: None, ctx: Context) -> Json:
    """Let one of two fail, which ends the other, and go on."""
    try:
        await ctx.parallel.all(ctx.task(build, "slow"), ctx.task(fetch, "fails"))
    except TaskError:
        return await ctx.task(build, "after")


@process
async def taking_values(_: None, ctx: Context) -> dict[str, Any]:
    moment, number, identity = await ctx.now(), await ctx.random(), await ctx.uuid()
    await ctx.log("took them", level="debug", number=number)
    ref = await ctx.artifact("notes/plan.md", "the plan")
    answer = (await ctx.breakpoint("Go?", files=["artifacts/notes/plan.md", "missing.md"])).approved
    return {
        "now": moment.isoformat(),
        "random": number,
        "uuid": str(identity),
        "ref": ref.path,
        "answer": answer,
    }


@process
async def parent(inputs: dict[str, Any], ctx: Context) -> str:
    children: dict[str, Any] = {
        "asking": asking,
        "doubling": doubling,
        "failing": failing,
        "building": building,
    }
    return await told(ctx.child(children[inputs["child"]], inputs["inputs"]))


@process
async def parent_and_more(_: None, ctx: Context) -> None:
    async def more() -> None:
        await ctx.sleep(30)
        await ctx.task(build, "a")
        await ctx.task(build, "b")

    await ctx.parallel.all(ctx.child(asking, None), more())


@process
async def failing(_: None, ctx: Context) -> None:
    await ctx.task(build, "before")
    raise ValueError("no more of this")


@process
async def doubling_side_by_side(numbers: list[int], ctx: Context) -> list[str]:
    answers = await ctx.parallel.map(lambda number: told(ctx.task(double, number)), numbers)
    return [answer.partition(":")[0] for answer in answers]


@process
async def large(size: int, ctx: Context) -> int:
    return len(await ctx.task(build, "x" * size))


@process
async def wavering(_: None, ctx: Context) -> str:
    """Do as a test's variable says, which no process may."""
    await ctx.task(build, "a" if WAVER == "a" else "b")
    await ctx.breakpoint("Go?")
    return WAVER


WAVER = "a"


@process
async def migrating(target: str, ctx: Context) -> str:
    return await told(ctx.task(migrate, target))


@process(owner="carol@example.com")
async def owned(target: str, ctx: Context) -> str:
    return await told(ctx.task(deploy, target))


@process
async def asking_experts(inputs: dict[str, Any], ctx: Context) -> str:
    review = await ctx.breakpoint(
        "Go?",
        title="Review",
        tags=inputs.get("tags", []),
        context=inputs.get("context"),
        experts=inputs.get("experts", []),
        strategy=inputs.get("strategy"),
        findings=inputs.get("findings"),
    )
    return f"{review.approved} {','.join(review.responded_by)} {review.feedback}"


@process
async def building_with_a_credential(_: None, ctx: Context) -> list[Any]:
    """Hold a credential in the code, which nobody should."""
    built = [await ctx.task(build, text) for text in (HARD_CODED, f"with {HARD_CODED}")]
    await ctx.log(f"built with {HARD_CODED}")
    await ctx.artifact("notes.txt", f"used {HARD_CODED}\n")
    return [built, await ctx.signal("news")]
