"""Calls that are made and never awaited, and awaiting what is not of ctx."""

import asyncio
from typing import Any

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Value
from babysitter.engine.guard import Guard
from babysitter.model import commands as cmd
from babysitter.model.errors import ForeignAwaitError, TaskError, UnawaitedCallError
from tests.unit.engine.definitions import build
from tests.unit.engine.host import Fails, Host


def cause(host: Host) -> Value:
    assert isinstance(host.commands[-1], cmd.Fail)
    return host.commands[-1].cause


def line_of(process_: Value, offset: int) -> str:
    code = process_.function.__code__
    return f"{code.co_filename}:{code.co_firstlineno + offset}"


@process
async def forgets(ctx: Context) -> None:
    ctx.log("never written")
    await ctx.task(build, "never asked for")


def test_a_forgotten_call_ends_the_run_before_its_next_step_and_names_the_line() -> None:
    host = Host(forgets).drive()

    assert [event.type for event in host.journal] == ["RUN_CREATED", "RUN_FAILED"]
    assert isinstance(cause(host), UnawaitedCallError)
    assert cause(host).facts["line"] == line_of(forgets, 2)
    assert line_of(forgets, 2) in host.end.error.message


def test_one_that_is_still_held_at_the_end_is_found_too() -> None:
    held: list[Any] = []

    @process
    async def holds(ctx: Context) -> None:
        held.append(ctx.task(build, "x"))

    host = Host(holds).drive()

    assert cause(host).facts["line"] == line_of(holds, 2)


def test_one_handed_to_a_fork_that_nobody_awaits_is_found_without_a_warning() -> None:
    async def branch(ctx: Context) -> None:
        await ctx.log("never")

    @process
    async def forks(ctx: Context) -> None:
        ctx.parallel.all(branch(ctx), ctx.task(build, "x"))

    host = Host(forks).drive()

    assert cause(host).facts["line"] == line_of(forks, 2)


def test_one_that_an_error_kept_from_being_awaited_is_no_mistake() -> None:
    @process
    async def prepares(ctx: Context) -> str:
        first, second = ctx.task(build, "a"), ctx.task(build, "b")
        try:
            return await first + await second
        except TaskError:
            return await ctx.task(build, "c")

    host = Host(prepares).start()
    host.resolve("1", Fails())
    host.resolve("2", "built")

    assert host.output == "built"


def test_one_that_its_own_branch_failed_to_await_is_no_mistake() -> None:
    async def branch(ctx: Context) -> None:
        try:
            await ctx.sleep(9)
        finally:
            later = ctx.task(build, "a")
            if ctx.run_id:
                raise ValueError("in the clean-up")
            await later

    @process
    async def recovers(ctx: Context) -> str:
        try:
            await ctx.parallel.all(branch(ctx), ctx.task(build, "fails"))
        except TaskError:
            return await ctx.task(build, "b")
        return ""

    host = Host(recovers).start()
    host.resolve("1.1.1", Fails())
    host.resolve("2", "built")

    assert host.output == "built"


def test_awaiting_a_second_time_is_refused() -> None:
    @process
    async def twice(ctx: Context) -> None:
        step = ctx.task(build, "a")
        await step
        await step

    host = Host(twice, answer=lambda _: "built").drive()

    assert "is awaited a second time" in host.end.error.message


@process
async def sleeps_wrongly(ctx: Context) -> None:
    await asyncio.sleep(1)


@process
async def yields_wrongly(ctx: Context) -> None:
    try:
        await asyncio.sleep(0)
    except Exception:  # noqa: BLE001 (what a careless author writes)
        await ctx.log("swallowed")


@process
async def gathers_wrongly(ctx: Context) -> None:
    await asyncio.wait_for(ctx.task(build, "x"), 1)


@pytest.mark.parametrize("wrong", [sleeps_wrongly, yields_wrongly, gathers_wrongly], ids=lambda p: p.name)
@pytest.mark.parametrize("guard", [None, Guard()], ids=["unwatched", "watched"])
def test_asyncio_in_process_code_names_what_to_use_instead(wrong: Value, guard: Guard | None) -> None:
    host = Host(wrong, guard=guard).drive()

    assert isinstance(cause(host), ForeignAwaitError)
    assert "ctx.sleep for asyncio.sleep" in host.end.error.message
    assert "test_unawaited.py:" in cause(host).facts["line"]
    assert [event.type for event in host.journal] == ["RUN_CREATED", "RUN_FAILED"]
