"""Whatever a process does, wherever its journal is cut: resuming gives the same result and journal."""

from typing import Any

import pytest
from hypothesis import event as covered
from hypothesis import given
from hypothesis import strategies as st

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.steps import Value
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import CancelledRunError, NondeterminismError, TaskError
from tests.unit.engine.definitions import add, make, note
from tests.unit.engine.host import Fails, Host

Program = list[Any]


@process
async def child(inputs: Value) -> None:
    """Stand for another process."""


def _said(salt: str) -> str:
    return "" if salt in ("old", "new") else salt


async def call(statement: list[Any], ctx: Context, done: list[Any], salt: str) -> None:  # noqa: C901
    """Do what a statement without blocks says. One ``case`` a statement."""
    match statement:
        case ["task", value]:
            done.append(await ctx.task(note, f"{_said(salt)}{value}"))
        case ["add", value]:
            done.append(await ctx.task(add, value, b=2))
        case ["shell", value]:
            done.append((await ctx.task(make, target=str(value))).exit_code)
        case ["fail"]:
            await ctx.task(note, "fail")
        case ["sleep", seconds]:
            await ctx.sleep(seconds)
        case ["value", kind]:
            done.append(str(await {"now": ctx.now, "random": ctx.random, "uuid": ctx.uuid}[kind]()))
        case ["log", text]:
            await ctx.log(f"{_said(salt)}{text}", at=len(done))
        case ["signal", name]:
            done.append(await ctx.signal(name))
        case ["ask", title]:
            review = await ctx.breakpoint("Go on?", title, context={"done": len(done)})
            done.append([review.approved, review.feedback])
        case ["artifact", text]:
            done.append((await ctx.artifact("a/b.txt", text)).sha256[:4])
        case ["patched", name]:
            done.append(await ctx.patched(name))
            await ctx.task(add, 1)
        case ["raise", name]:
            raise ValueError(name)
        case _:
            raise AssertionError(statement)


async def interpret(program: Program, ctx: Context, done: list[Any], salt: str) -> list[Any]:  # noqa: C901
    """Do what a program says. One ``case`` a statement with blocks."""
    for statement in program:
        match statement:
            case ["change", _, _, old] if salt == "old":
                await interpret(old, ctx, done, salt)
            case ["change", name, new, old]:
                await interpret(new if await ctx.patched(name) else old, ctx, done, salt)
            case ["all", *blocks]:
                done.append(list(await ctx.parallel.all(*(interpret(b, ctx, [], salt) for b in blocks))))
            case ["map", block, count, limit]:
                done.append(
                    await ctx.parallel.map(
                        lambda n: interpret([["add", n], *block], ctx, [], salt), range(count), limit=limit
                    )
                )
            case ["try", block, handler]:
                try:
                    await interpret(block, ctx, done, salt)
                except (TaskError, ValueError) as error:
                    done.append(str(error))
                    await interpret(handler, ctx, done, salt)
            case ["finally", block, cleanup]:
                try:
                    await interpret(block, ctx, done, salt)
                except CancelledRunError:
                    await interpret(cleanup, ctx, done, salt)
                    raise
            case ["stubborn", block]:
                try:
                    await interpret(block, ctx, done, salt)
                except CancelledRunError:
                    done.append("went on")
            case _:
                await call(statement, ctx, done, salt)
    return done


@process
async def interpreter(inputs: dict[str, Any], ctx: Context) -> list[Any]:
    """Run the program of the inputs."""
    return await interpret(inputs["program"], ctx, [], inputs.get("salt", ""))


@process
async def interpreter_before(inputs: dict[str, Any], ctx: Context) -> list[Any]:
    """Run the program of the inputs as it was before its changes."""
    return await interpret(inputs["program"], ctx, [], "old")


@process
async def interpreter_after(inputs: dict[str, Any], ctx: Context) -> list[Any]:
    """Run the program of the inputs with its changes; what it says of itself is as before."""
    return await interpret(inputs["program"], ctx, [], "new")


_simple = st.one_of(
    st.tuples(st.just("task"), st.integers(0, 9)),
    st.tuples(st.just("add"), st.integers(0, 9)),
    st.tuples(st.just("shell"), st.integers(0, 9)),
    st.tuples(st.just("fail")),
    st.tuples(st.just("sleep"), st.integers(0, 9)),
    st.tuples(st.just("value"), st.sampled_from(["now", "random", "uuid"])),
    st.tuples(st.just("log"), st.text("ab", max_size=3)),
    st.tuples(st.just("signal"), st.sampled_from(["go", "stop"])),
    st.tuples(st.just("ask"), st.sampled_from(["Plan", "Deploy now", ""])),
    st.tuples(st.just("artifact"), st.text("ab", max_size=3)),
    st.tuples(st.just("patched"), st.sampled_from(["p", "q"])),
    st.tuples(st.just("raise"), st.just("oops")),
).map(list)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = st.lists(inner, max_size=3)
    return st.one_of(
        st.lists(block, max_size=3).map(lambda blocks: ["all", *blocks]),
        st.tuples(st.just("map"), block, st.integers(0, 4), st.none() | st.integers(1, 3)).map(list),
        st.tuples(st.just("try"), block, block).map(list),
        st.tuples(st.just("finally"), block, block).map(list),
        st.tuples(st.just("stubborn"), block).map(list),
        st.tuples(st.just("change"), st.sampled_from(["r", "s"]), block, block).map(list),
    )


_statements = st.recursive(_simple, _compound, max_leaves=6)
programs = st.lists(_statements | _compound(_statements), max_size=4)
arrivals = st.dictionaries(
    st.integers(1, 8),
    st.sampled_from(
        [
            ev.RunCancelRequested(by="tester", reason="enough"),
            ev.SignalReceived(name="go", payload=1, sender="tester"),
            ev.SignalReceived(name="stop", payload=2, sender="tester"),
            ev.BudgetExceeded(budget="steps", limit=1, used=2),
        ]
    ),
    max_size=2,
)


def answer(command: cmd.Command) -> Value:
    """Answer by what was asked, so that a resumed run is answered alike."""
    match command:
        case cmd.RequestEffect(input={"value": "fail"}):
            return Fails("TypeError", "as asked", {"at": command.call_id})
        case cmd.RequestEffect(input={"value": value}):
            return value
        case cmd.RequestEffect(spec=spec, input=value) if spec.kind == "shell":
            return {"exitCode": len(value["argv"]), "stdout": "", "stderr": ""}
        case cmd.RequestEffect(input={"a": a, "b": b}):
            return a + b
        case cmd.RequestBreakpoint(title="Plan"):
            return Fails(message="not yet")
        case _:
            return command.call_id


@given(program=programs, seed=st.integers(0, 99), at=arrivals)
def test_from_every_prefix_a_run_ends_in_the_same_journal(
    program: Program, seed: int, at: dict[int, ev.Event]
) -> None:
    inputs = {"program": program}
    whole = Host(interpreter, inputs, answer, seed, at).drive()
    covered(whole.end.type)

    for cut in range(1, len(whole.journal)):
        resumed = Host(interpreter, inputs, answer, seed, at, journal=whole.journal[:cut]).drive()

        assert resumed.journal == whole.journal


@given(
    program=programs,
    seed=st.integers(0, 99),
    at=arrivals,
    sent=st.sampled_from(
        [ev.RunCancelRequested(by="tester"), ev.SignalReceived(name="go", payload=3, sender="tester")]
    ),
)
def test_what_people_send_may_come_where_a_crash_cut_the_journal(
    program: Program, seed: int, at: dict[int, ev.Event], sent: ev.Event
) -> None:
    """It is journaled without the process, so it may stand before commands that were given earlier."""
    inputs = {"program": program}
    whole = Host(interpreter, inputs, answer, seed, at).drive()

    for cut in range(1, len(whole.journal)):
        resumed = Host(interpreter, inputs, answer, seed, at, journal=[*whole.journal[:cut], sent]).drive()

        assert Host(interpreter, inputs, journal=resumed.journal).machine.ended


@given(program=programs, seed=st.integers(0, 99), at=arrivals)
def test_no_event_follows_the_end_and_every_call_is_closed(
    program: Program, seed: int, at: dict[int, ev.Event]
) -> None:
    whole = Host(interpreter, {"program": program}, answer, seed, at).drive()

    ends = [event for event in whole.journal if type(event) in ev.END_TYPES]
    assert ends == [whole.end]
    assert whole.machine.waiting == ()
    assert whole.machine.pending() == ()


def _is_salted(event: ev.Event) -> bool:
    """Tell whether the event holds what another salt makes another."""
    if isinstance(event, ev.EffectRequested):
        return bool(event.args.get("value", "fail") != "fail")
    return isinstance(event, ev.LogWritten)


@given(program=programs, seed=st.integers(0, 99), at=arrivals)
def test_other_arguments_are_noticed(program: Program, seed: int, at: dict[int, ev.Event]) -> None:
    whole = Host(interpreter, {"program": program}, answer, seed, at).drive()
    said = [event for event in whole.journal if _is_salted(event)]

    if said:
        with pytest.raises(NondeterminismError) as caught:
            Host(interpreter, {"program": program, "salt": "other"}, journal=whole.journal)
        assert "test_replay_property.py:" in str(caught.value)
        assert "the journal has:" in str(caught.value)


@given(program=programs, seed=st.integers(0, 99))
def test_a_step_more_at_the_end_is_noticed(program: Program, seed: int) -> None:
    whole = Host(interpreter, {"program": program}, answer, seed).drive()

    if isinstance(whole.end, ev.RunCompleted):
        with pytest.raises(NondeterminismError, match=r"the code did: .*LOG"):
            Host(interpreter, {"program": [*program, ["log", "more"]]}, journal=whole.journal)


@given(program=programs, seed=st.integers(0, 99))
def test_a_step_less_at_the_end_is_noticed(program: Program, seed: int) -> None:
    whole = Host(interpreter, {"program": [*program, ["add", 7]]}, answer, seed).drive()

    if isinstance(whole.end, ev.RunCompleted):
        with pytest.raises(NondeterminismError, match=r"the journal has: .*EFFECT_REQUESTED.*7"):
            Host(interpreter, {"program": program}, journal=whole.journal)


@given(program=programs, seed=st.integers(0, 99), at=arrivals)
def test_changed_code_goes_on_from_any_prefix_of_an_old_journal(
    program: Program, seed: int, at: dict[int, ev.Event]
) -> None:
    """Where the change says ``ctx.patched``, an old run keeps the old way as far as its journal reaches."""
    inputs = {"program": program}
    old = Host(interpreter_before, inputs, answer, seed, at).drive()

    for cut in range(1, len(old.journal) + 1):
        resumed = Host(interpreter_after, inputs, answer, seed, at, journal=old.journal[:cut]).drive()

        assert resumed.journal[:cut] == old.journal[:cut]
        again = Host(interpreter_after, inputs, journal=resumed.journal)
        assert again.machine.ended
