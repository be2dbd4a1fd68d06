"""Cancelling a run: an exception in each branch, once; clean-up with further steps; then the end."""

from typing import Any

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Value
from babysitter.model import events as ev
from babysitter.model.errors import CancelledRunError
from tests.unit.engine.definitions import build
from tests.unit.engine.host import Host

CANCEL = ev.RunCancelRequested(by="alice", reason="too slow")


def cancel(host: Host) -> Host:
    host.give(CANCEL)
    return host.settle()


def types(host: Host) -> list[str]:
    return [event.type for event in host.journal]


@process
async def builds(ctx: Context) -> str:
    return await ctx.task(build, "x")


def test_a_cancelled_run_stops_what_it_waits_for_and_ends() -> None:
    host = cancel(Host(builds).start())

    assert types(host)[-3:] == ["RUN_CANCEL_REQUESTED", "EFFECT_CANCELLED", "RUN_CANCELLED"]
    assert host.end == ev.RunCancelled(reason="too slow")
    assert host.journal[-2] == ev.EffectCancelled(effect_id="1-build", call_id="1")


@pytest.mark.parametrize("what", ["breakpoint", "sleep", "signal"])
def test_other_calls_are_let_go_by_their_id(what: str) -> None:
    @process
    async def waits(ctx: Context) -> None:
        calls: dict[str, Any] = {
            "breakpoint": lambda: ctx.breakpoint("Go?"),
            "sleep": lambda: ctx.sleep(9),
            "signal": lambda: ctx.signal("go"),
        }
        await calls[what]()

    host = cancel(Host(waits).start())

    assert types(host)[-2:] == ["CALL_CANCELLED", "RUN_CANCELLED"]


def test_clean_up_may_take_further_steps() -> None:
    @process
    async def careful(ctx: Context) -> None:
        try:
            await ctx.task(build, "x")
        except CancelledRunError:
            await ctx.task(build, "clean")
            await ctx.log("cleaned")
            raise

    host = cancel(Host(careful).start())
    assert not host.machine.ended
    host.resolve("2", "cleaned")

    assert types(host)[-3:] == ["EFFECT_RESOLVED", "LOG", "RUN_CANCELLED"]


def test_a_process_that_swallows_it_completes() -> None:
    @process
    async def stubborn(ctx: Context) -> str:
        try:
            return await ctx.task(build, "x")
        except CancelledRunError as error:
            return error.message

    host = cancel(Host(stubborn).start())

    assert host.output == "the run is being cancelled: too slow."


def test_it_is_raised_once() -> None:
    @process
    async def careful(ctx: Context) -> None:
        try:
            await ctx.task(build, "x")
        finally:
            await ctx.task(build, "clean")

    host = cancel(cancel(Host(careful).start()))

    assert [command.call_id for command in host.machine.waiting] == ["2"]
    host.resolve("2", "cleaned")
    assert isinstance(host.end, ev.RunCancelled)


def test_every_branch_of_nested_forks_gets_it_once() -> None:
    cleaned: list[str] = []

    async def careful(ctx: Context, name: str) -> None:
        try:
            await ctx.task(build, name)
        except CancelledRunError:
            cleaned.append(name)
            await ctx.task(build, f"clean {name}")
            raise

    @process
    async def nested(ctx: Context) -> None:
        try:
            await ctx.parallel.all(
                careful(ctx, "a"),
                ctx.parallel.all(careful(ctx, "b"), careful(ctx, "c")),
                ctx.parallel.map(lambda name: careful(ctx, name), ["d", "never"], limit=1),
            )
        except CancelledRunError:
            cleaned.append("all")
            raise

    host = cancel(Host(nested).start())
    assert cleaned == ["a", "b", "c", "d"]
    assert len(host.machine.waiting) == 4

    host.drive()

    assert cleaned == ["a", "b", "c", "d", "all"]
    assert isinstance(host.end, ev.RunCancelled)


def test_a_parent_is_cancelled_even_when_its_branches_swallow_it() -> None:
    async def stubborn(ctx: Context) -> str:
        try:
            await ctx.sleep(9)
        except CancelledRunError:
            return "went on"
        return "woke"

    @process
    async def forks(ctx: Context) -> None:
        await ctx.parallel.all(stubborn(ctx), stubborn(ctx))
        await ctx.task(build, "never")

    host = cancel(Host(forks).start())

    assert isinstance(host.end, ev.RunCancelled)


def test_a_cancelled_map_starts_no_more_branches() -> None:
    started: list[int] = []

    async def stubborn(ctx: Context, n: int) -> None:
        started.append(n)
        try:
            await ctx.sleep(9)
        except CancelledRunError:
            await ctx.log("went on")

    @process
    async def maps(ctx: Context) -> None:
        await ctx.parallel.map(lambda n: stubborn(ctx, n), range(3), limit=1)

    host = cancel(Host(maps).start())

    assert started == [0]
    assert isinstance(host.end, ev.RunCancelled)


def test_a_cancel_during_the_clean_up_of_a_failure_is_not_lost() -> None:
    async def slow_to_clean(ctx: Context) -> None:
        try:
            await ctx.sleep(9)
        finally:
            await ctx.task(build, "clean")

    async def fails() -> None:
        raise ValueError("first")

    async def fails_later(ctx: Context) -> None:
        await ctx.log("one moment")
        await fails()

    @process
    async def forks(ctx: Context) -> None:
        try:
            await ctx.parallel.all(slow_to_clean(ctx), fails_later(ctx))
        except ValueError:
            await ctx.task(build, "never")

    host = cancel(Host(forks).start())
    host.resolve("1.0.2", "cleaned")

    assert isinstance(host.end, ev.RunCancelled)


def test_raising_it_without_a_request_is_a_failure() -> None:
    @process
    async def pretends(ctx: Context) -> None:
        raise CancelledRunError("as if.")

    assert Host(pretends).drive().end.error.name == "CancelledRunError"


def test_a_signal_goes_to_nobody_who_was_cancelled() -> None:
    @process
    async def waits(ctx: Context) -> Value:
        try:
            await ctx.signal("go")
        except CancelledRunError:
            return await ctx.signal("go")

    host = cancel(Host(waits).start())
    host.give(ev.SignalReceived(name="go", payload=1, sender="tester"))
    host.settle()

    assert host.output == 1


def test_closing_a_machine_leaves_no_warnings_behind() -> None:
    @process
    async def careful(ctx: Context) -> None:
        try:
            await ctx.parallel.all(ctx.task(build, "x"), builds(ctx))
        finally:
            await ctx.task(build, "clean")

    host = Host(careful).start()

    host.machine.close()

    assert host.machine.waiting == ()
