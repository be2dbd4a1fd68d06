"""What people send is journaled without the process when nobody drives the run.

So it may come before older commands.
"""

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.model import events as ev
from babysitter.model.errors import NondeterminismError
from tests.unit.engine.definitions import build
from tests.unit.engine.host import CREATED, Host


@process
async def asks_and_builds(ctx: Context) -> list[object]:
    review, built = await ctx.parallel.all(ctx.breakpoint("Go?", title="gate"), ctx.task(build, "x"))
    return [review.approved, built]


def cut_after_the_question() -> list[ev.Event]:
    """The journal of a driver that was killed between the lines of one batch."""
    whole = Host(asks_and_builds).start().journal
    assert [event.type for event in whole] == ["RUN_CREATED", "BREAKPOINT_REQUESTED", "EFFECT_REQUESTED"]
    return whole[:2]


def released(journal: list[ev.Event]) -> ev.Event:
    (question,) = (event for event in journal if isinstance(event, ev.BreakpointRequested))
    return ev.BreakpointReleased(
        breakpoint_id=question.breakpoint_id, approved=True, responded_by=("alice",), rule="default"
    )


def test_an_answer_journaled_after_a_crash_is_taken_before_older_commands() -> None:
    journal = cut_after_the_question()
    journal.append(released(journal))

    host = Host(asks_and_builds, journal=journal, answer=lambda _: "built").settle().drive()

    assert host.output == [True, "built"]
    assert [event.type for event in host.journal[2:4]] == ["BREAKPOINT_RELEASED", "EFFECT_REQUESTED"]
    again = Host(asks_and_builds, journal=list(host.journal))
    assert again.machine.ended


def test_a_cancel_journaled_after_a_crash_lets_go_of_what_was_never_journaled() -> None:
    journal = [*cut_after_the_question(), ev.RunCancelRequested(by="alice", reason="late")]

    host = Host(asks_and_builds, journal=journal).settle()

    assert isinstance(host.end, ev.RunCancelled)
    assert Host(asks_and_builds, journal=list(host.journal)).machine.ended


def test_an_outcome_that_the_host_made_may_not_come_before_older_commands() -> None:
    """Only what is sent may: anything else there means that the code asks for more than it did."""
    effect = ev.EffectResolved(effect_id="1.1.1-build", attempt=1, status="ok", result=1)

    with pytest.raises(NondeterminismError):
        Host(asks_and_builds, journal=[CREATED, effect])
