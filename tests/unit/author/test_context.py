"""Calls on ctx that are wrong are refused where they are made, before anything is journaled."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.engine.machine import Machine
from babysitter.model import commands as cmd
from babysitter.model.errors import BabysitterError
from tests.unit.engine.host import CREATED, Host


def plain_function() -> None: ...


@process
async def child(inputs: int, ctx: Context) -> None: ...


WRONG: dict[str, tuple[Callable[[Context], Any], str]] = {
    "a function that is no task": (lambda ctx: ctx.task(cast("Any", plain_function)), "is not a task"),
    "a negative sleep": (lambda ctx: ctx.sleep(-1), "is no time to wait"),
    "a sleep past the end of time": (lambda ctx: ctx.sleep(1e308), "is no time to wait"),
    "an endless sleep": (lambda ctx: ctx.sleep(float("inf")), "is no time to wait"),
    "a time without a zone": (
        lambda ctx: ctx.sleep_until(datetime.fromisoformat("2026-01-01")),
        "names no zone",
    ),
    "a level": (lambda ctx: ctx.log("x", cast("Any", "loud")), "there is no level 'loud'"),
    "a field": (lambda ctx: ctx.log("x", at=object()), "log.at is a object"),
    "a question": (lambda ctx: ctx.breakpoint("?", context={"x": object()}), "breakpoint.context.x"),
    "a path above": (lambda ctx: ctx.artifact("../x", b""), "no path below artifacts/"),
    "an absolute path": (lambda ctx: ctx.artifact("/etc/x", b""), "no path below artifacts/"),
    "an empty part": (lambda ctx: ctx.artifact("a//b", b""), "no path below artifacts/"),
    "inputs of a child": (lambda ctx: ctx.child(child, cast("Any", "x")), "the inputs of child are not"),
    "a lone surrogate": (lambda ctx: ctx.signal("\ud800"), "lone surrogate"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_refused_at_its_line(name: str) -> None:
    call, text = WRONG[name]

    @process
    async def calls(ctx: Context) -> None:
        with pytest.raises(BabysitterError) as caught:
            call(ctx)
        assert text in str(caught.value)
        assert caught.value.hint

    assert Host(calls).drive().output is None


def test_a_set_becomes_a_list() -> None:
    @process
    async def asks(ctx: Context) -> None:
        await ctx.breakpoint("?", context={"x": {1}}, expires_in=timedelta(hours=1))

    host = Host(asks).drive()

    (asked,) = (command for command in host.commands if isinstance(command, cmd.RequestBreakpoint))
    assert (asked.context, asked.expires_in_s) == ({"x": [1]}, 3600.0)


def test_making_a_call_does_nothing_until_it_is_awaited() -> None:
    @process
    async def keeps(ctx: Context) -> None:
        first, second = ctx.log("first"), ctx.log("second")
        await second
        await first

    machine = Machine(keeps, "run-1")

    (command,) = machine.receive(CREATED)

    assert isinstance(command, cmd.WriteLog)
    assert (command.call_id, command.message) == ("1", "second")
    machine.close()
