"""Branches: their call ids, their order, their results, their failures."""

import itertools
import sys
from typing import Any

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Value
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import CancelledRunError, TaskError, UsageError
from tests.unit.engine.definitions import add, build, note
from tests.unit.engine.host import CREATED, Fails, Host


def call_ids(host: Host) -> list[str]:
    return [command.call_id for command in host.machine.waiting]


async def twice(ctx: Context, value: int) -> int:
    return await ctx.task(add, await ctx.task(add, value))


@process
async def all_three(ctx: Context) -> list[Any]:
    await ctx.log("before")
    results = await ctx.parallel.all(twice(ctx, 1), ctx.task(build, "x"), twice(ctx, 2))
    return [*results, await ctx.task(add, 0)]


def test_a_calls_id_is_its_path_whatever_finishes_first() -> None:
    host = Host(all_three).start()
    assert call_ids(host) == ["2.0.1", "2.1.1", "2.2.1"]

    host.resolve("2.2.1", 3)
    assert call_ids(host) == ["2.0.1", "2.1.1", "2.2.2"]
    host.resolve("2.2.2", 4)
    host.resolve("2.0.1", 2)
    host.resolve("2.1.1", "built")
    host.resolve("2.0.2", 3)
    assert call_ids(host) == ["3"]
    host.resolve("3", 9)

    assert host.output == [3, "built", 4, 9]


@pytest.mark.parametrize("order", list(itertools.permutations(["1.0.1", "1.1.1", "1.2.1"])))
def test_results_come_in_the_order_of_the_branches(order: tuple[str, ...]) -> None:
    @process
    async def three(ctx: Context) -> list[Any]:
        return list(await ctx.parallel.all(*(ctx.task(note, n) for n in range(3))))

    host = Host(three).start()
    for call_id in order:
        host.resolve(call_id, call_id)

    assert host.output == ["1.0.1", "1.1.1", "1.2.1"]


def test_forks_nest() -> None:
    @process
    async def nested(ctx: Context) -> Value:
        inner = ctx.parallel.all(ctx.task(note, "a"), ctx.task(note, "b"))
        return await ctx.parallel.all(ctx.parallel.map(lambda n: ctx.task(note, n), [1, 2]), inner)

    host = Host(nested).start()

    assert call_ids(host) == ["1.0.1.0.1", "1.0.1.1.1", "1.1.1.0.1", "1.1.1.1.1"]
    assert host.drive().output[0] == [{"value": 1}, {"value": 2}]


def test_a_map_keeps_to_its_limit_and_starts_in_order() -> None:
    @process
    async def mapped(ctx: Context) -> list[Any]:
        return await ctx.parallel.map(lambda n: ctx.task(note, n), range(4), limit=2)

    host = Host(mapped).start()
    assert call_ids(host) == ["1.0.1", "1.1.1"]
    host.resolve("1.1.1", "b")
    assert call_ids(host) == ["1.0.1", "1.2.1"]
    host.resolve("1.0.1", "a")
    assert call_ids(host) == ["1.2.1", "1.3.1"]

    assert host.drive().output == ["a", "b", {"value": 2}, {"value": 3}]


def test_nothing_at_once_is_done_at_once() -> None:
    @process
    async def nothing(ctx: Context) -> list[Any]:
        return [list(await ctx.parallel.all()), await ctx.parallel.map(twice_of(ctx), [])]

    assert Host(nothing).drive().output == [[], []]


def twice_of(ctx: Context) -> Value:
    return lambda value: twice(ctx, value)


def test_the_first_failure_in_time_cancels_the_others_and_is_raised() -> None:
    cleaned: list[str] = []

    async def careful(ctx: Context) -> None:
        try:
            await ctx.sleep(100)
        except CancelledRunError:
            cleaned.append(await ctx.task(build, "clean"))
            raise

    @process
    async def fails(ctx: Context) -> str:
        try:
            await ctx.parallel.all(careful(ctx), ctx.task(build, "a"), ctx.task(build, "b"))
        except TaskError as error:
            return f"{error.message} {cleaned}"
        return "no error"

    host = Host(fails).start()
    host.resolve("1.2.1", Fails(message="b fell first"))

    assert [event.type for event in host.journal[-4:]] == [
        "EFFECT_RESOLVED",
        "CALL_CANCELLED",
        "EFFECT_CANCELLED",
        "EFFECT_REQUESTED",
    ]
    assert call_ids(host) == ["1.0.2"], "the clean-up is a step like any other"
    host.resolve("1.0.2", "cleaned")
    assert host.output == "b fell first ['cleaned']"


def test_a_second_failure_does_not_hide_the_first() -> None:
    async def bad_cleanup(ctx: Context) -> None:
        try:
            await ctx.sleep(100)
        finally:
            raise ValueError("second")

    @process
    async def fails(ctx: Context) -> None:
        await ctx.parallel.all(bad_cleanup(ctx), ctx.task(build, "a"))

    host = Host(fails).start()
    host.resolve("1.1.1", Fails(message="first"))

    assert host.end.error.message == "ValueError: first"


def test_a_branch_that_fails_before_the_others_began_keeps_them_from_it() -> None:
    started: list[int] = []

    async def branch(ctx: Context, n: int) -> None:
        started.append(n)
        await ctx.log("never")

    async def fails() -> None:
        raise ValueError("at once")

    @process
    async def forks(ctx: Context) -> None:
        await ctx.parallel.all(fails(), branch(ctx, 1), ctx.task(build, "x"))

    host = Host(forks).drive()

    assert [event.type for event in host.journal] == ["RUN_CREATED", "RUN_FAILED"]
    assert host.end.error == ev.ErrorInfo(name="ValueError", message="at once")
    assert started == []


def test_an_answer_to_a_cancelled_call_is_ignored() -> None:
    @process
    async def forks(ctx: Context) -> str:
        try:
            await ctx.parallel.all(ctx.task(build, "a"), ctx.task(build, "b"))
        except TaskError:
            return await ctx.task(build, "c")
        return ""

    host = Host(forks).start()
    late = host.arrival_for(host.machine.waiting[0], "late")
    host.resolve("1.1.1", Fails())
    host.give(late)
    host.settle()

    assert call_ids(host) == ["2"]
    host.machine.close()


def test_a_fan_out_is_linear() -> None:
    """Counted, not timed: each event of a thousand branches costs the same handful of Python calls."""

    def calls_per_branch(count: int) -> float:
        @process
        async def fans(ctx: Context) -> int:
            return len(await ctx.parallel.map(lambda n: ctx.task(add, n), range(count)))

        host = Host(fans)
        host.give(CREATED)
        commands = list(host.machine.pending())
        counted = 0

        def count_calls(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event == "call"

        requested = [host.event_for(command) for command in commands]
        resolved = [host.arrival_for(command, 1) for command in commands]
        sys.setprofile(count_calls)
        for event in [*requested, *resolved]:
            host.machine.receive(event)
        sys.setprofile(None)
        host.settle()
        assert host.output == count
        return counted / count

    assert calls_per_branch(1000) == pytest.approx(calls_per_branch(50), rel=0.1)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(limit: int) -> None:
    @process
    async def mapped(ctx: Context) -> None:
        with pytest.raises(UsageError, match="limit"):
            ctx.parallel.map(lambda n: ctx.task(note, n), range(4), limit=limit)

    Host(mapped).drive()


def test_what_can_not_be_awaited_is_refused() -> None:
    @process
    async def forks(ctx: Context) -> None:
        with pytest.raises(UsageError, match=r"write all\(\*calls\)"):
            ctx.parallel.all([1])  # type: ignore[call-overload]

    Host(forks).drive()


def test_each_branch_of_a_map_is_called_in_its_own_turn() -> None:
    @process
    async def mapped(ctx: Context) -> list[Any]:
        async def branch(n: int) -> list[Any]:
            if n == 1:
                return [n]
            return [n, str(await ctx.random())]

        return await ctx.parallel.map(branch, [1, 2])

    host = Host(mapped).drive()

    assert host.output[0] == [1]
    assert [command.call_id for command in host.commands if isinstance(command, cmd.TakeValue)] == ["1.1.1"]
