"""One branch, one step at a time: what goes in, what comes out, how a run ends."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Value
from babysitter.authoring.tasks import ShellResult, task
from babysitter.engine.machine import Machine
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import InvalidValueError, TaskError
from babysitter.model.secret import secret
from tests.unit.engine.definitions import add, build, lint, make, note
from tests.unit.engine.host import CREATED, Fails, Host


class Order(Struct):
    item: str
    count: int = 1


@dataclass
class Receipt:
    text: str
    at: datetime


@task(inline=True)
def pay(order: Order, tip: float = 0.0) -> Receipt:
    return Receipt(text=f"{order.item} {tip}", at=datetime(2026, 1, 1, tzinfo=UTC))


@process
async def two_steps(inputs: int, ctx: Context) -> int:
    first = await ctx.task(add, inputs, b=10)
    return await ctx.task(add, first)


def test_a_step_is_asked_for_and_its_result_goes_on() -> None:
    host = Host(two_steps, 5).start()

    assert host.machine.waiting[0].call_id == "1"
    assert host.journal[1].args == {"a": 5, "b": 10}  # type: ignore[attr-defined]

    host.resolve("1", 15)
    host.resolve("2", 16)

    assert host.output == 16
    assert host.machine.ended


def test_commands_come_out_of_the_event_that_caused_them() -> None:
    machine = Machine(two_steps, "run-1", inputs=5)

    (command,) = machine.receive(CREATED)

    assert isinstance(command, cmd.RequestEffect)
    assert machine.pending() == (command,)
    assert machine.next_command() is command
    assert machine.waiting == ()
    machine.close()


def test_an_inline_task_carries_its_function() -> None:
    @process
    async def calls(ctx: Context) -> None:
        await ctx.task(add, 1, b=2)

    host = Host(calls).start()

    (command,) = host.machine.waiting
    assert isinstance(command, cmd.RequestEffect)
    assert command.function is not None
    assert command.function(command.input) == 3
    host.machine.close()


def test_structs_and_dataclasses_go_in_and_come_out() -> None:
    seen: list[Any] = []

    @process
    async def buys(inputs: Order, ctx: Context) -> Order:
        seen.append(inputs)
        seen.append(await ctx.task(pay, Order("tea"), tip=1))
        return Order(item="done")

    def answer(command: cmd.Command) -> Value:
        assert isinstance(command, cmd.RequestEffect)
        assert command.input == {"order": {"item": "tea", "count": 1}, "tip": 1}
        assert command.function is not None
        return command.function(command.input)

    host = Host(buys, {"item": "cake"}, answer).drive()

    assert seen == [Order("cake"), Receipt("tea 1.0", datetime(2026, 1, 1, tzinfo=UTC))]
    assert host.output == {"item": "done", "count": 1}


def test_shell_and_node_tasks_give_their_results() -> None:
    @process
    async def builds(ctx: Context) -> list[Any]:
        made = await ctx.task(make, "all")
        linted = await ctx.task(lint, "src")
        return [made.stdout, linted.exit_code, await ctx.task(build, target="x")]

    def answer(command: cmd.Command) -> Value:
        assert isinstance(command, cmd.RequestEffect)
        if command.spec.kind == "python":
            return "built"
        return {"exitCode": 3, "stdout": str(command.input)}

    host = Host(builds, answer=answer).drive()

    assert host.output == ["{'argv': ['make', 'all']}", 3, "built"]
    assert ShellResult(exit_code=0).stderr == ""


def test_a_failed_task_is_an_error_that_can_be_caught() -> None:
    @process
    async def careful(ctx: Context) -> str:
        try:
            await ctx.task(build, "x")
        except TaskError as error:
            return f"{error.name}|{error.message}|{error.data}|{error.task_id}|{error.call_id}|{error}"
        return "no error"

    host = Host(careful, answer=lambda _: Fails("OSError", "disk full", {"free": 0})).drive()

    assert host.output == "OSError|disk full|{'free': 0}|build|1|OSError: disk full"


def test_an_error_that_nobody_catches_fails_the_run() -> None:
    @process
    async def careless(ctx: Context) -> None:
        await ctx.task(build, "x")

    host = Host(careless, answer=lambda _: Fails("OSError", "disk full", [1])).drive()

    assert host.end == ev.RunFailed(
        error=ev.ErrorInfo(name="TaskError", message="OSError: disk full", data=[1])
    )
    assert isinstance(host.commands[-1], cmd.Fail)
    assert isinstance(host.commands[-1].cause, TaskError)


def test_a_result_of_another_type_is_an_error_of_the_task() -> None:
    host = Host(two_steps, 5, answer=lambda _: "five").drive()

    assert host.end.error.name == "TaskError"
    assert (
        "ResultTypeError: the result is not what the task says: Expected `int`, got `str`"
        in host.end.error.message
    )


def test_wrong_arguments_are_refused_before_anything_is_journaled() -> None:
    @process
    async def wrong(ctx: Context) -> None:
        await ctx.task(add, "one")  # type: ignore[arg-type]

    host = Host(wrong).drive()

    assert [event.type for event in host.journal] == ["RUN_CREATED", "RUN_FAILED"]
    assert "argument a of add: Expected `int`, got `str`" in host.end.error.message


def test_values_of_clock_and_dice_come_from_events() -> None:
    @process
    async def asks(ctx: Context) -> None:
        now, dice, identity = await ctx.now(), await ctx.random(), await ctx.uuid()
        assert isinstance(now, datetime)
        assert now.tzinfo == UTC
        assert 0 <= dice < 1
        assert isinstance(identity, UUID)

    host = Host(asks).drive()

    assert [event.type for event in host.journal] == [
        "RUN_CREATED",
        "VALUE",
        "VALUE",
        "VALUE",
        "RUN_COMPLETED",
    ]


def test_sleeping_sets_a_timer() -> None:
    @process
    async def sleeps(ctx: Context) -> None:
        await ctx.sleep(timedelta(minutes=1))
        await ctx.sleep(0.5)
        await ctx.sleep_until(datetime(2026, 1, 31, 12, tzinfo=UTC))

    host = Host(sleeps).drive()

    timers = [command for command in host.commands if isinstance(command, cmd.SetTimer)]
    assert [(timer.delay_s, timer.due_at) for timer in timers] == [
        (60.0, None),
        (0.5, None),
        (None, "2026-01-31T12:00:00.000000Z"),
    ]


def test_a_released_breakpoint_is_approved_and_names_who_answered() -> None:
    @process
    async def asks(ctx: Context) -> list[Any]:
        review = await ctx.breakpoint(
            question="Deploy?",
            title="Production",
            context={"environment": "production", "critical": True},
            tags=["release"],
            files=["artifacts/plan.md"],
            approves=[build.call(target="x")],
            expires_in=60,
        )
        return [review.approved, review.feedback, list(review.responded_by)]

    host = Host(asks).drive()

    assert host.output == [True, "", ["alice"]]
    (asked,) = (command for command in host.commands if isinstance(command, cmd.RequestBreakpoint))
    assert asked.context == {"environment": "production", "critical": True}
    assert asked.approves == (cmd.CoveredCall(spec=build.spec, input={"target": "x"}),)
    assert (asked.files, asked.tags, asked.expires_in_s) == (("artifacts/plan.md",), ("release",), 60.0)


def test_a_rejected_breakpoint_is_no_error() -> None:
    @process
    async def asks(ctx: Context) -> list[Any]:
        review = await ctx.breakpoint("Deploy?")
        return [review.approved, review.feedback, list(review.responded_by)]

    host = Host(asks, answer=lambda _: Fails(message="add tests")).drive()

    assert host.output == [False, "add tests", ["bob"]]


def test_an_expired_breakpoint_says_so() -> None:
    @process
    async def asks(ctx: Context) -> str:
        review = await ctx.breakpoint("Deploy?")
        assert not review.approved
        return review.feedback

    host = Host(asks).start()
    host.give(ev.BreakpointExpired(breakpoint_id="1-breakpoint", expired_at="2026-01-31T00:00:00Z"))
    host.settle()

    assert host.output == "expired: nobody answered before 2026-01-31T00:00:00Z"


def test_the_hosts_own_questions_and_notes_are_none_of_the_process() -> None:
    host = Host(two_steps, 5).start()
    gate = host.event_for(cmd.RequestBreakpoint(call_id="1!gate", question="Let it?", title="add"))
    release = host.arrival_for(cmd.RequestBreakpoint(call_id="1!gate", question="Let it?", title="add"), None)

    for event in (
        gate,
        release,
        ev.EffectStarted(effect_id="1-add", attempt=1, sandbox_sha256="", worker="w"),
        ev.EffectUnknown(effect_id="1-add", attempt=1, action="ask"),
        ev.PolicyDenied(subject="1-add", rule="r", reason="no"),
    ):
        assert host.machine.receive(event) == ()

    assert [command.call_id for command in host.machine.waiting] == ["1"]
    host.machine.close()


def test_signals_queue_by_name_first_in_first_out() -> None:
    @process
    async def waits(ctx: Context) -> list[Any]:
        await ctx.sleep(1)
        first = await ctx.signal("go", int)
        other = await ctx.signal("stop")
        return [first, other, await ctx.signal("go", int)]

    host = Host(waits).start()
    for name, payload in (("go", 1), ("go", 2), ("stop", {"x": 0})):
        host.give(ev.SignalReceived(name=name, payload=payload, sender="tester"))
    host.resolve("1")

    assert host.output == [1, {"x": 0}, 2]


def test_a_signal_of_another_type_is_an_error_that_can_be_caught() -> None:
    @process
    async def waits(ctx: Context) -> int:
        try:
            return await ctx.signal("go", int)
        except InvalidValueError:
            return await ctx.signal("go", int)

    host = Host(waits).start()
    host.give(ev.SignalReceived(name="go", payload="one", sender="tester"))
    host.settle()
    host.give(ev.SignalReceived(name="go", payload=1, sender="tester"))
    host.settle()

    assert host.output == 1


def test_a_child_run_gives_its_output_or_its_error() -> None:
    @process(id="inner-process")
    async def inner(inputs: Order, ctx: Context) -> Order:
        raise AssertionError

    @process
    async def outer(ctx: Context) -> list[Any]:
        done = await ctx.child(inner, Order("tea"))
        try:
            await ctx.child(inner, Order("salt"))
        except TaskError as error:
            return [done.count, error.name, error.task_id]
        return []

    def answer(command: cmd.Command) -> Value:
        assert isinstance(command, cmd.StartChild)
        assert command.process is inner
        return Fails("SaltError") if command.inputs["item"] == "salt" else {"item": "tea", "count": 7}

    host = Host(outer, answer=answer).drive()

    assert host.output == [7, "SaltError", "inner-process"]


def test_an_artifact_is_kept_and_described() -> None:
    @process
    async def writes(ctx: Context) -> list[Any]:
        ref = await ctx.artifact("plan/notes.md", "héllo")
        return [ref.path, ref.bytes]

    assert Host(writes).drive().output == ["artifacts/plan/notes.md", 6]


def test_inputs_of_another_type_fail_the_run() -> None:
    host = Host(two_steps, "five").drive()

    assert host.end.error.name == "InvalidValueError"
    assert (
        "the inputs of two_steps are not what it takes: Expected `int`, got `str`" in host.end.error.message
    )


def test_a_result_that_is_not_json_fails_the_run() -> None:
    @process
    async def gives(ctx: Context) -> Value:
        return {"a": [object()]}

    host = Host(gives).drive()

    assert host.end.error.name == "InvalidValueError"


def test_a_secret_travels_as_a_reference() -> None:
    @process
    async def passes(ctx: Context) -> None:
        await ctx.task(note, {"token": secret("env:API_KEY")})

    host = Host(passes).start()

    assert "refused" not in str(host.end)
    assert host.end.error.name == "SecretError", "an inline task gets no secrets"


def test_what_the_author_changes_after_the_call_is_not_in_the_journal() -> None:
    @process
    async def changes(ctx: Context) -> None:
        value = {"list": [1]}
        step = ctx.task(note, value)
        value["list"].append(2)
        await step

    host = Host(changes).start()

    assert host.journal[1].args == {"value": {"list": [1]}}  # type: ignore[attr-defined]
    host.machine.close()


def test_a_budget_that_is_used_up_ends_the_run() -> None:
    host = Host(two_steps, 5).start()

    host.give(ev.BudgetExceeded(budget="steps", limit=1, used=2))
    host.settle()

    assert [event.type for event in host.journal[-3:]] == [
        "BUDGET_EXCEEDED",
        "EFFECT_CANCELLED",
        "RUN_FAILED",
    ]
    assert host.end.error.name == "BudgetExceededError"


def test_a_budget_ends_the_run_whatever_was_to_be_journaled_next() -> None:
    machine = Machine(two_steps, "run-1", inputs=5)
    machine.receive(CREATED)

    (end,) = machine.receive(ev.BudgetExceeded(budget="steps", limit=0, used=1))

    assert isinstance(end, cmd.Fail)
    assert machine.pending() == (end,)
    machine.close()


def test_an_exception_whose_text_fails_still_ends_the_run() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise ValueError

    @process
    async def odd(ctx: Context) -> None:
        raise OddError

    assert Host(odd).drive().end.error == ev.ErrorInfo(
        name="OddError", message="(its text can't be had: ValueError)"
    )


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit])
def test_whatever_a_process_raises_is_an_end(kind: type[BaseException]) -> None:
    @process
    async def leaves(ctx: Context) -> None:
        raise kind

    assert Host(leaves).drive().end.error.name == kind.__name__
