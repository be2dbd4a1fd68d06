"""The code did something else than the journal has: said at the first difference, with both sides."""

from typing import Any

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import Process, process
from babysitter.authoring.steps import Value
from babysitter.authoring.tasks import task
from babysitter.engine.machine import Machine
from babysitter.engine.matching import PLAIN
from babysitter.model import events as ev
from babysitter.model.errors import NondeterminismError
from babysitter.model.secret import secret
from babysitter.model.values import Json
from tests.unit.engine.definitions import add, build, note
from tests.unit.engine.host import CREATED, Host


@task
def log_in(token: str) -> str:
    raise AssertionError(token)


@process
async def recorded(ctx: Context) -> Value:
    await ctx.log("hello", step=1)
    await ctx.task(add, 1)
    await ctx.sleep(5)
    return await ctx.breakpoint("Go?", "Plan", context={"x": 1})


def replay(other: Process[Any, Any], journal: list[ev.Event]) -> NondeterminismError:
    with pytest.raises(NondeterminismError) as caught:
        Host(other, journal=journal)
    return caught.value


def test_the_error_shows_both_sides_and_the_line() -> None:
    @process
    async def changed(ctx: Context) -> None:
        await ctx.log("hello", step=1)
        await ctx.task(add, 2)

    error = replay(changed, Host(recorded).start().journal)

    line = f"{__file__}:{changed.function.__code__.co_firstlineno + 3}"
    assert str(error) == (
        "the process did something else than its journal has.\n"
        '  the journal has:  EFFECT_REQUESTED callId=2 taskId=add kind=inline args={"a":1,"b":1}\n'
        '  the code did:     EFFECT_REQUESTED callId=2 taskId=add kind=inline args={"a":2,"b":1}\n'
        f"  at:               {line}\n"
        "Resume with the code this run began with, or change it where `await ctx.patched(...)` says so."
    )
    assert error.facts["line"] == line


@pytest.mark.parametrize(
    "change", ["message", "level", "fields", "task", "order", "none", "timer", "title", "context"]
)
def test_each_change_is_noticed(change: str) -> None:
    @process
    async def changed(ctx: Context) -> None:
        if change == "order":
            await ctx.task(add, 1)
        if change != "none":
            await ctx.log(
                "hi" if change == "message" else "hello",
                "error" if change == "level" else "info",
                step=2 if change == "fields" else 1,
            )
        if change == "task":
            await ctx.task(note, 1)
        await ctx.task(add, 1)
        if change == "timer":
            await ctx.uuid()
        await ctx.sleep(5)
        title = "Other" if change == "title" else "Plan"
        await ctx.breakpoint("Go?", title, context={"x": 2 if change == "context" else 1})

    host = Host(recorded).start().resolve("2", 2).resolve("3")

    assert "the code did:" in str(replay(changed, host.journal))


def test_a_timer_of_another_length_is_no_difference() -> None:
    """The journal has when it is due, which follows from the clock; the code has how long."""

    @process
    async def sleeps(inputs: float, ctx: Context) -> None:
        await ctx.sleep(inputs)

    host = Host(sleeps, 5).drive()

    assert Host(sleeps, 6, journal=host.journal).machine.ended


def test_code_that_ends_early_is_noticed() -> None:
    @process
    async def shorter(ctx: Context) -> None:
        await ctx.log("hello", step=1)

    error = replay(shorter, Host(recorded).start().journal)

    assert str(error.facts["journal"]).startswith("EFFECT_REQUESTED")
    assert error.facts["code"] == "RUN_COMPLETED output=null"


def test_code_that_goes_on_is_noticed() -> None:
    @process
    async def short(ctx: Context) -> None:
        await ctx.log("hello", step=1)

    error = replay(recorded, Host(short).drive().journal)

    assert error.facts["journal"] == "RUN_COMPLETED output=null"
    assert str(error.facts["code"]).startswith("EFFECT_REQUESTED callId=2")


def test_code_that_waits_where_the_journal_goes_on_is_noticed() -> None:
    machine = Machine(recorded, "run-1")
    machine.receive(CREATED)
    machine.receive(ev.LogWritten(call_id="1", message="hello", fields={"step": 1}))
    host = Host(recorded).start()
    machine.receive(host.journal[2])

    with pytest.raises(NondeterminismError, match=r"nothing: it waits for EFFECT_REQUESTED 2") as caught:
        machine.receive(ev.LogWritten(call_id="3", message="more"))

    assert "test_nondeterminism.py:" in str(caught.value.facts["line"])
    machine.close()
    host.machine.close()


def test_an_answer_before_the_question_is_noticed() -> None:
    machine = Machine(recorded, "run-1")
    machine.receive(CREATED)

    with pytest.raises(NondeterminismError, match=r"the journal has:  TIMER_FIRED call_id=9"):
        machine.receive(ev.TimerFired(call_id="9"))
    machine.close()


def test_another_output_and_another_error_are_noticed() -> None:
    @process
    async def ends(inputs: Value, ctx: Context) -> Value:
        if inputs == "raise":
            raise ValueError(str(ctx))
        return inputs

    completed, failed = Host(ends, 1).drive().journal, Host(ends, "raise").drive().journal

    assert Host(ends, "raise", journal=failed).machine.ended, "the text of an error may differ"
    for other in (1.0, True, 2, "raise"):
        with pytest.raises(NondeterminismError):
            Host(ends, other, journal=completed)
    with pytest.raises(NondeterminismError):
        Host(ends, 1, journal=failed)


def test_an_artifact_with_other_bytes_is_noticed() -> None:
    @process
    async def writes(inputs: str, ctx: Context) -> None:
        await ctx.artifact("plan.md", inputs)

    journal = Host(writes, "a").drive().journal

    assert Host(writes, "a", journal=journal).machine.ended
    with pytest.raises(NondeterminismError, match="ARTIFACT_WRITTEN callId=1"):
        Host(writes, "b", journal=journal)


def test_values_are_compared_and_shown_by_the_matcher() -> None:
    class Vault:
        def same_value(self, code: Json, journal: Json) -> bool:
            return PLAIN.same_value(
                code, {"token": "secret ref"} if journal == {"token": "hunter2!"} else journal
            )

        def is_artifact(self, content: bytes, sha256: str) -> bool:
            return PLAIN.is_artifact(content, sha256)

        def describe(self, value: Json) -> str:
            return PLAIN.describe(value).replace("hunter2!", "***")

    @process
    async def changed(inputs: str, ctx: Context) -> None:
        await ctx.task(log_in, token=secret(inputs))  # type: ignore[arg-type]

    host = Host(changed, "env:TOKEN").start()
    requested = host.journal[1]
    stored = ev.EffectRequested(
        effect_id="1-log_in",
        call_id="1",
        task_id="log_in",
        kind="python",
        label="",
        args_sha256="",
        task_def_ref="",
        args={"token": "hunter2!"},
    )
    assert isinstance(requested, ev.EffectRequested)

    same = Machine(changed, "run-1", inputs="env:TOKEN", matcher=Vault())
    same.receive(CREATED)
    same.receive(stored)
    other = Machine(changed, "run-1", inputs="env:TOKEN", matcher=Vault())
    other.receive(CREATED)
    with pytest.raises(NondeterminismError) as caught:
        other.receive(ev.LogWritten(call_id="1", message="hunter2!"))

    assert "hunter2!" not in str(caught.value) + str(caught.value.facts)
    for machine in (same, other, host.machine):
        machine.close()


def test_long_values_are_cut_in_the_error() -> None:
    @process
    async def says(inputs: str, ctx: Context) -> None:
        await ctx.log(inputs)

    journal = Host(says, "a" * 100_000).drive().journal

    with pytest.raises(NondeterminismError) as caught:
        Host(says, "b" * 100_000, journal=journal)

    assert len(str(caught.value)) < 2000
    assert "(100002 characters)" in str(caught.value)


def test_a_value_in_a_file_is_not_compared_where_it_is_not_loaded() -> None:
    @process
    async def builds(ctx: Context) -> None:
        await ctx.task(build, "x")

    host = Host(builds).start()
    ref = ev.BlobRef(path="tasks/1-build/input.json", sha256="0" * 64, bytes=9)
    stored = ev.EffectRequested(
        effect_id="1-build",
        call_id="1",
        task_id="build",
        kind="python",
        label="",
        args_sha256="",
        task_def_ref="",
        input_ref=ref,
    )

    machine = Machine(builds, "run-1")
    machine.receive(CREATED)
    machine.receive(stored)

    assert [command.call_id for command in machine.waiting] == ["1"]
    machine.close()
    host.machine.close()
