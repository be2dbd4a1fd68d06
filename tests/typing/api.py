"""What the author's editor knows: checked by mypy in tests/typing/test_api.py, never run.

``assert_type`` says what is inferred. A line with ``type: ignore[code]`` must be an error of that code:
an ignore that is not needed fails the check.
"""

from datetime import datetime
from typing import Any, assert_type
from uuid import UUID

from msgspec import Struct

from babysitter import (
    Context,
    Program,
    Review,
    Sandbox,
    Secret,
    ShellResult,
    node_task,
    process,
    secret,
    shell_task,
    task,
)
from babysitter.authoring.process import Process
from babysitter.authoring.tasks import ShellTask, Task
from babysitter.model.commands import CoveredCall
from babysitter.model.events import BlobRef


class Inputs(Struct):
    target: str


class Item(Struct):
    price: float


@task
def total(items: list[Item], currency: str = "EUR") -> float:
    return sum(item.price for item in items)


@task(inline=True, retries=2, labels=["x"])
def add(a: int, b: int = 1) -> int:
    return a + b


@task(sandbox=Sandbox(), timeout=1.5)
async def fetch(url: str) -> bytes:
    return url.encode()


@shell_task
def make(target: str) -> list[str]:
    return ["make", target]


@shell_task(returns=Item, timeout=2)
def price(name: str, *, key: Secret) -> Program:
    return Program(["price", name], env={"KEY": key})


@shell_task(shell="sh")
def pipeline(word: str) -> str:
    return f"echo {word}"


@node_task("lint.mjs", labels=["lint"])
def lint(path: str) -> list[Item]:
    raise NotImplementedError


@process
async def release(inputs: Inputs, ctx: Context) -> Item:
    return Item(price=len(inputs.target))


@process(id="night", owner="alice")
async def nightly(ctx: Context) -> int:
    return len(ctx.run_id)


assert_type(release, Process[Inputs, Item])
assert_type(nightly, Process[None, int])
assert_type(add(1), int)
assert_type(price.call("tea", key=secret("env:KEY")), CoveredCall)


async def tasks(ctx: Context) -> None:
    assert_type(await ctx.task(total, [Item(1)], currency="USD"), float)
    assert_type(await ctx.task(add, 1, b=2), int)
    assert_type(await ctx.task(fetch, url="x"), bytes)
    assert_type(await ctx.task(make, "all"), ShellResult)
    assert_type(await ctx.task(price, "tea", key=secret("env:KEY")), Item)
    assert_type(await ctx.task(pipeline, "x"), ShellResult)
    assert_type(await ctx.task(lint, path="src"), list[Item])

    await ctx.task(add)  # type: ignore[call-arg]
    await ctx.task(add, "1")  # type: ignore[arg-type]
    await ctx.task(add, 1, c=2)  # type: ignore[call-arg]
    await ctx.task(total, [1])  # type: ignore[list-item]
    await ctx.task(price, "tea")  # type: ignore[call-arg]
    await ctx.task(lambda: 1)  # type: ignore[arg-type]
    make.call(1)  # type: ignore[arg-type]


async def other_calls(ctx: Context) -> None:
    assert_type(await ctx.breakpoint("Go?", "Title", context={"x": 1}, approves=[make.call("all")]), Review)
    assert_type(await ctx.breakpoint("Go?", diff=True, scan=["bandit"]), Review)
    assert_type(await ctx.breakpoint("Go?", diff="main..", scan=True), Review)
    assert_type(await ctx.sleep(1), None)
    assert_type(await ctx.now(), datetime)
    assert_type(await ctx.random(), float)
    assert_type(await ctx.uuid(), UUID)
    assert_type(await ctx.log("x", "error", a=1), None)
    assert_type(await ctx.signal("go"), Any)
    assert_type(await ctx.signal("go", Item), Item)
    assert_type(await ctx.patched("x"), bool)
    assert_type(await ctx.artifact("a", b""), BlobRef)
    assert_type(await ctx.child(release, Inputs("x")), Item)
    assert_type(await ctx.child(nightly), int)

    await ctx.child(release)  # type: ignore[arg-type]
    await ctx.child(release, 1)  # type: ignore[misc]
    await ctx.log("x", "loud")  # type: ignore[arg-type]
    await ctx.breakpoint("Go?", approves=[make])  # type: ignore[list-item]


async def branches(ctx: Context) -> None:
    async def branch(n: int) -> str:
        return str(await ctx.task(add, n))

    assert_type(await ctx.parallel.all(ctx.task(add, 1), branch(2)), tuple[int, str])
    assert_type(
        await ctx.parallel.all(
            branch(1), ctx.now(), ctx.random(), branch(2), ctx.uuid(), ctx.task(make, "x")
        ),
        tuple[str, datetime, float, str, UUID, ShellResult],
    )
    assert_type(await ctx.parallel.all(*(branch(n) for n in range(9))), tuple[str, ...])
    assert_type(await ctx.parallel.map(branch, [1, 2], limit=2), list[str])
    assert_type(await ctx.parallel.map(lambda n: ctx.task(add, n), [1, 2]), list[int])

    await ctx.parallel.map(branch, ["x"])  # type: ignore[arg-type]
    await ctx.parallel.all(1)  # type: ignore[call-overload]


def wrong_declarations() -> None:
    @task(retry=3)  # type: ignore[call-overload, untyped-decorator]
    def unknown_option() -> None: ...

    @shell_task  # type: ignore[arg-type]
    def no_program() -> int:
        return 1

    @process  # type: ignore[arg-type]
    def not_async(inputs: Inputs, ctx: Context) -> None: ...


def any_task(one: Task[..., object], other: ShellTask[..., object]) -> None:
    any_task(add, make)
