"""Drivers that die: what the next one repeats, asks about, and never does silently."""

import pytest

from babysitter.model import events as ev
from babysitter.model.errors import NondeterminismError, ProcessChangedError
from babysitter.service.delivery import Delivery
from babysitter.service.queries import Queries
from babysitter.service.runs import RunService
from babysitter.testing.crashing_store import Crash, CrashingStore, When
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import answer, create, of_type, resume, start, verifies, workspace


def died_while_performing(process: str) -> FakeWorkspace:
    """Return a workspace whose run was performed and whose driver died before it journaled the outcome."""
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    store.die_at("EFFECT_RESOLVED")
    with pytest.raises(Crash):
        start(place, process, "x")
    assert len(place.performed) == 1
    return place


def test_an_idempotent_effect_of_unknown_outcome_is_repeated_and_the_journal_says_so() -> None:
    place = died_while_performing("fetching")

    view = resume(place)

    assert view.output == "ok None"
    assert [(event.attempt, event.action) for event in of_type(place, ev.EffectUnknown)] == [(1, "retry")]
    assert [attempt.number for attempt in place.performed] == [1, 2]
    assert verifies(place)


def test_any_other_effect_of_unknown_outcome_waits_for_a_person() -> None:
    place = died_while_performing("building")

    view = resume(place)

    assert view.status == "waiting"
    assert [(event.attempt, event.action) for event in of_type(place, ev.EffectUnknown)] == [(1, "ask")]
    assert [event.call_id for event in of_type(place, ev.BreakpointRequested)] == ["1!unknown1"]
    assert len(place.performed) == 1
    assert resume(place).status == "waiting", "asked once"
    assert len(of_type(place, ev.BreakpointRequested)) == 1
    assert verifies(place)


def test_approving_an_unknown_outcome_runs_it_again() -> None:
    place = died_while_performing("building")
    resume(place)

    answer(place, "1-unknown1-build", "approve")
    view = resume(place)

    assert view.output == "ok None"
    assert [attempt.number for attempt in place.performed] == [1, 2]
    assert verifies(place)


def test_rejecting_an_unknown_outcome_is_an_error_in_the_process() -> None:
    place = died_while_performing("building")
    resume(place)

    answer(place, "1-unknown1-build", "reject", "it was done by hand")
    view = resume(place)

    assert view.output == (
        "UnknownOutcomeError: the outcome of attempt 1 is unknown and it was not run again: "
        "it was done by hand"
    )
    assert len(place.performed) == 1
    assert verifies(place)


def test_a_second_unknown_outcome_is_a_second_question() -> None:
    place = died_while_performing("building")
    resume(place)
    answer(place, "1-unknown1-build", "approve")
    store = place.store
    assert isinstance(store, CrashingStore)
    store.die_at("EFFECT_RESOLVED")
    with pytest.raises(Crash):
        resume(place)

    assert resume(place).status == "waiting"

    assert [event.call_id for event in of_type(place, ev.BreakpointRequested)] == ["1!unknown1", "1!unknown2"]
    assert verifies(place)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 12))
def test_dying_at_any_commit_loses_nothing_and_repeats_nothing_unsaid(at: int, when: When) -> None:
    """Each of eleven commits, before and after it is durable; a person approves whatever is asked."""
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    count = iter(range(1, 999))
    store.when = when
    store.dies = lambda _batch: next(count) == at
    create(place, "one_after_the_other", [str(number) for number in range(10)])

    with pytest.raises(Crash):
        resume(place)
    view = resume(place)
    for waiting in view.breakpoints:
        answer(place, waiting.breakpoint_id, "approve")
        view = resume(place)

    assert view.status == "completed"
    effects = [attempt.effect_id for attempt in place.performed]
    unknown = {event.effect_id for event in of_type(place, ev.EffectUnknown)}
    assert len(set(effects)) == 10
    assert {effect for effect in effects if effects.count(effect) > 1} <= unknown
    assert verifies(place)


def test_a_rejected_gate_survives_a_crash_before_the_effect_is_resolved() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    start(place, "deploying", ["here"])
    answer(place, "1-gate-deploy", "reject", "no")
    store.die_at("EFFECT_RESOLVED")
    with pytest.raises(Crash):
        resume(place)

    assert resume(place).output == ["PolicyDeniedError: deploy was not approved: no"]
    assert verifies(place)


def test_an_approved_gate_survives_a_crash_and_is_used_once() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    start(place, "deploying", ["here", "here"])
    answer(place, "1-gate-deploy", "approve")
    store.die_at("EFFECT_STARTED", "after")
    with pytest.raises(Crash):
        resume(place)
    assert resume(place).status == "waiting"
    answer(place, "1-unknown1-deploy", "approve")

    assert resume(place).status == "waiting"

    assert [event.call_id for event in of_type(place, ev.BreakpointRequested)] == [
        "1!gate",
        "1!unknown1",
        "2!gate",
    ]
    assert verifies(place)


def test_a_budget_that_was_exceeded_ends_the_run_although_its_driver_died_then() -> None:
    from tests.unit.service.runs import settings

    store = CrashingStore(MemoryStore())
    place = workspace(store, settings=settings(steps=2))
    store.die_at("BUDGET_EXCEEDED", "after")
    with pytest.raises(Crash):
        start(place, "side_by_side", ["a", "b", "c", "d"])

    view = resume(place)

    assert view.status == "failed"
    assert verifies(place)


def test_a_torn_tail_is_no_obstacle_to_looking_answering_and_going_on() -> None:
    place = workspace()
    start(place, "asking", None)
    assert isinstance(place.store, MemoryStore)
    torn = place.store.read_journal("r") + b'{"seq":3,"prefix":"'
    place.store.runs["r"].files["journal/journal.jsonl"] = torn

    assert Queries(place).status("r").status == "waiting"
    assert [view.run_id for view in Queries(place).inbox()] == ["r"]
    answer(place, "1-go", "approve")
    view = resume(place)

    assert view.status == "completed"
    assert len(of_type(place, ev.JournalRecovered)) == 1
    assert verifies(place)


def test_an_answer_between_two_halves_of_a_batch_is_taken() -> None:
    """A crash of the machine may keep half a batch: then the process has more to say than it heard."""
    place = workspace()
    start(place, "asking_beside", None)
    journal = place.store.read_journal("r")
    lines = journal.splitlines(keepends=True)
    asked = next(i for i, line in enumerate(lines) if b"BREAKPOINT_REQUESTED" in line)
    assert asked + 1 < len(lines), "something of the same batch follows"
    assert isinstance(place.store, MemoryStore)
    place.store.runs["r"].files["journal/journal.jsonl"] = b"".join(lines[: asked + 1])

    answer(place, "1.0.1-go", "approve")
    view = resume(place)

    assert view.output == [True, None]
    assert verifies(place)


def test_changed_code_is_refused_unless_somebody_says_that_it_is_meant(tmp_path: object) -> None:
    from pathlib import Path

    from tests.unit.service.runs import ROOT

    root = Path(str(tmp_path))
    file = root / "processes.py"
    file.write_text((ROOT / "processes.py").read_text())
    place = FakeWorkspace(root)
    start(place, "asking", None)
    before = place.store.read_journal("r")
    answer(place, "1-go", "approve")
    file.write_text(file.read_text() + "\n# One more line.\n")

    with pytest.raises(ProcessChangedError, match=r"has changed since this run began") as refusal:
        resume(place)
    view = RunService(place).drive("r", accept_changed=True)

    assert "--accept-changed-process" in refusal.value.hint
    assert place.store.read_journal("r").startswith(before)
    assert view.status == "completed"
    changed = of_type(place, ev.ProcessChanged)
    assert [event.by for event in changed] == ["alice"]
    assert changed[0].from_digest != changed[0].to_digest
    assert verifies(place)


def test_code_that_does_something_else_is_an_error_that_leaves_the_journal_as_it_is(
    tmp_path: object,
) -> None:
    from pathlib import Path

    from tests.unit.service.runs import ROOT

    root = Path(str(tmp_path))
    file = root / "processes.py"
    file.write_text((ROOT / "processes.py").read_text())
    place = FakeWorkspace(root)
    start(place, "wavering", None)
    before = place.store.read_journal("r")
    file.write_text(file.read_text().replace('WAVER = "a"', 'WAVER = "b"'))

    with pytest.raises(NondeterminismError, match=r'"name":"a"') as error:
        RunService(place).drive("r", accept_changed=True)

    assert '"name":"b"' in str(error.value)
    assert place.store.read_journal("r") == before
    assert place.store.holder("r") is None


def test_an_effect_that_waits_behind_a_patch_of_newer_code_goes_on(tmp_path: object) -> None:
    """The journal is of the old code; the new asks ``ctx.patched`` before the effect that is still open."""
    from pathlib import Path

    from tests.unit.service.runs import ROOT

    root = Path(str(tmp_path))
    file = root / "processes.py"
    old = (ROOT / "processes.py").read_text()
    new = old.replace(
        "    return await told(ctx.task(wipe, target))\n",
        "    if await ctx.patched('ask-bob'):\n        return 'new'\n"
        "    return await told(ctx.task(wipe, target))\n",
    )
    assert new != old
    file.write_text(old)
    place = FakeWorkspace(root)
    start(place, "wiping", "here")
    answer(place, "1-gate-wipe", "approve")
    file.write_text(new)

    view = RunService(place).drive("r", accept_changed=True)

    assert view.output == "ok None"
    assert verifies(place)


def test_a_cancelled_effect_that_was_running_when_its_driver_died_raises_no_question() -> None:
    place = died_while_performing("building")
    Delivery(place).cancel("r", reason="enough")

    view = resume(place)

    assert view.status == "cancelled"
    assert len(of_type(place, ev.BreakpointRequested)) == 0
    assert verifies(place)
