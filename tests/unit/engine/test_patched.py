"""``ctx.patched``: old runs keep the old way, new ones take the new."""

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Value
from babysitter.model import events as ev
from tests.unit.engine.definitions import build
from tests.unit.engine.host import Host


@process
async def before(ctx: Context) -> list[str]:
    return [await ctx.task(build, "a"), await ctx.task(build, "b")]


@process
async def after(ctx: Context) -> list[str]:
    first = await ctx.task(build, "a")
    if await ctx.patched("sign"):
        await ctx.task(build, "sign")
    return [first, await ctx.task(build, "b")]


@process
async def after_all_old_runs(ctx: Context) -> list[str]:
    first = await ctx.task(build, "a")
    await ctx.task(build, "sign")
    return [first, await ctx.task(build, "b")]


def answer(command: Value) -> str:
    return str(command.input["target"])


def tasks_of(host: Host) -> list[str]:
    return [event.args["target"] for event in host.journal if isinstance(event, ev.EffectRequested)]


def test_a_new_run_takes_the_new_way_and_its_journal_says_so() -> None:
    host = Host(after, answer=answer).drive()

    assert tasks_of(host) == ["a", "sign", "b"]
    assert ev.Patched(call_id="2~patch", patch_id="sign") in host.journal


def test_an_old_run_that_is_past_it_keeps_the_old_way() -> None:
    old = Host(before, answer=answer).start().resolve("1", "a")

    host = Host(after, answer=answer, journal=old.journal).drive()

    assert tasks_of(host) == ["a", "b"]
    assert host.output == ["a", "b"]


def test_an_old_run_that_has_not_come_to_it_takes_the_new_way() -> None:
    old = Host(before, answer=answer).start()

    host = Host(after, answer=answer, journal=old.journal).drive()

    assert tasks_of(host) == ["a", "sign", "b"]


def test_a_run_keeps_to_its_answer() -> None:
    @process
    async def loops(ctx: Context) -> list[bool]:
        found = []
        for _ in range(3):
            await ctx.task(build, "a")
            found.append(await ctx.patched("sign"))
        return found

    @process
    async def looped(ctx: Context) -> list[bool]:
        for _ in range(3):
            await ctx.task(build, "a")
        return [False] * 3

    old = Host(looped, answer=answer).start().resolve("1", "a")

    assert Host(loops, answer=answer, journal=old.journal).drive().output == [False] * 3
    new = Host(loops, answer=answer).drive()
    assert new.output == [True] * 3
    assert sum(isinstance(event, ev.Patched) for event in new.journal) == 1


def test_the_question_may_be_taken_out_when_no_old_run_is_left() -> None:
    new = Host(after, answer=answer).drive()

    assert Host(after_all_old_runs, journal=new.journal).machine.ended


@pytest.mark.parametrize("branch", [0, 1, 2])
def test_it_may_stand_in_any_branch(branch: int) -> None:
    def forked(*, is_new: bool) -> Value:
        async def one(ctx: Context, n: int) -> str:
            if n == branch and is_new and await ctx.patched("more"):
                await ctx.task(build, "more")
            return await ctx.task(build, str(n))

        @process
        async def forks(ctx: Context) -> list[str]:
            return await ctx.parallel.map(lambda n: one(ctx, n), range(3))

        return forks

    old = Host(forked(is_new=False), answer=answer).drive()

    assert Host(forked(is_new=True), journal=old.journal).machine.ended
    assert Host(forked(is_new=True), answer=answer).drive().output == ["0", "1", "2"]


def test_an_old_run_whose_next_event_comes_from_outside_keeps_the_old_way() -> None:
    @process
    async def old(ctx: Context) -> None:
        async def short() -> None:
            await ctx.log("short")

        await ctx.parallel.all(short(), ctx.sleep(5))

    @process
    async def new(ctx: Context) -> None:
        async def short() -> None:
            await ctx.log("short")
            if await ctx.patched("more"):
                await ctx.task(build, "more")

        await ctx.parallel.all(short(), ctx.sleep(5))

    assert Host(new, journal=Host(old).drive().journal).machine.ended
