"""Processes: what may be one, its inputs and its output."""

import pytest
from msgspec import Struct

from babysitter.authoring.context import Context
from babysitter.authoring.process import Process, process
from babysitter.authoring.steps import Value
from babysitter.model.errors import InvalidValueError, TaskError, UsageError
from tests.unit.engine.host import Host


class Inputs(Struct, forbid_unknown_fields=True):
    target: str
    count: int = 1


@process
async def release(inputs: Inputs, ctx: Context) -> Inputs:
    """Release it."""
    return Inputs(target=inputs.target + ctx.run_id, count=inputs.count + 1)


@process(id="nightly-build", owner="alice@example.com")
async def nightly(ctx: Context) -> str:
    return ctx.run_id


def test_a_process_knows_its_name_its_owner_and_its_file() -> None:
    assert (release.process_id, release.name, release.owner) == ("release", "release", None)
    assert (nightly.process_id, nightly.name, nightly.owner) == (
        "nightly-build",
        "nightly",
        "alice@example.com",
    )
    assert release.source_file == __file__
    assert release.__doc__ == "Release it."


def test_inputs_and_output_are_typed() -> None:
    assert release.inputs_from({"target": "x"}) == Inputs("x", 1)
    assert release.inputs_to(Inputs("x")) == {"target": "x", "count": 1}
    assert release.output_from({"target": "x", "count": 3}) == Inputs("x", 3)
    assert Host(release, {"target": "x"}).drive().output == {"target": "xrun-1", "count": 2}


@pytest.mark.parametrize("wrong", [None, {}, {"target": 1}, {"target": "x", "more": 1}, []])
def test_inputs_of_another_type_are_refused(wrong: Value) -> None:
    with pytest.raises(InvalidValueError, match="the inputs of release are not what it takes"):
        release.inputs_from(wrong)


def test_an_output_of_another_type_is_a_task_error_of_the_parent() -> None:
    with pytest.raises(TaskError, match="ResultTypeError"):
        release.output_from({"target": 1})


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_process_without_inputs_takes_none(nothing: Value) -> None:
    assert Host(nightly, nothing).drive().output == "run-1"
    with pytest.raises(InvalidValueError, match="nightly-build takes no inputs"):
        nightly.inputs_from({"x": 1})


def test_unannotated_inputs_are_any_json() -> None:
    @process
    async def loose(inputs, ctx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return [inputs, ctx.run_id]

    assert Host(loose, {"a": [1]}).drive().output == [{"a": [1]}, "run-1"]


def test_a_process_may_be_a_part_of_another() -> None:
    @process
    async def outer(inputs: Inputs, ctx: Context) -> int:
        return (await release(inputs, ctx)).count

    assert Host(outer, {"target": "x", "count": 4}).drive().output == 5


def test_what_is_no_process_is_refused_with_the_way_to_write_one() -> None:
    def plain(inputs: Value, ctx: Context) -> None: ...

    async def three(inputs: Value, ctx: Context, more: int) -> None: ...

    async def swapped(ctx: Context, inputs: Value) -> None: ...

    async def starred(*args: Value) -> None: ...

    for wrong, text in (
        (plain, "is not an async function"),
        (three, "takes not (inputs, ctx) or (ctx)"),
        (swapped, "takes its context first"),
        (starred, "takes not"),
    ):
        with pytest.raises(UsageError) as caught:
            Process(wrong)
        assert text in str(caught.value)
