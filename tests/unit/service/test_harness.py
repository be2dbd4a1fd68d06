"""A harness that performs the effects itself: what it is handed, what it may give back."""

import pytest

from babysitter.model import events as ev
from babysitter.model.errors import NotFoundError, PolicyDeniedError
from babysitter.service.answering import mail_events
from babysitter.service.harness import Harness
from babysitter.service.judges import gates_of, judge_of
from babysitter.service.mail import PostMail
from babysitter.service.reading import read_state
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import answer, create, of_type, resume, settings, verifies, workspace


def handed(place: FakeWorkspace) -> list[str]:
    return [effect.effect_id for effect in Harness(place).iterate("r").effects]


def test_a_harness_brings_a_run_to_its_end() -> None:
    place = workspace()
    create(place, "one_after_the_other", ["a", "b"])
    harness = Harness(place)

    done = []
    while effects := harness.iterate("r").effects:
        for effect in effects:
            done.append((effect.effect_id, effect.input))
            harness.post("r", effect.effect_id, value=f"built {effect.effect_id}")
    view = harness.iterate("r").run

    assert done == [("1-build", {"name": "a"}), ("2-build", {"name": "b"})]
    assert (view.status, place.performed) == ("completed", [])
    assert place.events("r")[-1].output == ["built 1-build", "built 2-build"]  # type: ignore[attr-defined]
    assert {event.worker.partition(":")[0] for event in of_type(place, ev.EffectStarted)} == {"harness"}
    assert verifies(place)


def test_what_was_handed_out_is_handed_out_again_until_it_is_posted() -> None:
    place = workspace()
    create(place, "side_by_side", ["a", "b", "c"])

    first, second = handed(place), handed(place)

    assert first == second == ["1.0.1-build", "1.1.1-build", "1.2.1-build"]
    assert len(of_type(place, ev.EffectStarted)) == 3
    assert "EFFECT_UNKNOWN" not in place.types("r")


def test_a_failure_is_posted_by_name() -> None:
    place = workspace()
    create(place, "building", "x")
    handed(place)

    Harness(place).post("r", "1-build", error=("OSError", "no room"))
    view = Harness(place).iterate("r").run

    assert view.output == "OSError: no room"
    assert verifies(place)


def test_what_is_gated_is_not_handed_out_and_cannot_be_posted() -> None:
    place = workspace()
    create(place, "deploying", ["here"])

    assert handed(place) == []
    with pytest.raises(PolicyDeniedError, match="not handed out"):
        Harness(place).post("r", "1-deploy", value="done")
    answer(place, "1-gate-deploy", "approve")

    assert handed(place) == ["1-deploy"]
    Harness(place).post("r", "1-deploy", value="done")
    assert Harness(place).iterate("r").run.output == ["ok done"]
    assert verifies(place)


@pytest.mark.parametrize("effect", ["2-build", "nonsense"])
def test_posting_what_was_never_asked_for_is_refused(effect: str) -> None:
    place = workspace()
    create(place, "building", "x")
    handed(place)
    before = place.types("r")

    with pytest.raises(NotFoundError, match="not open"):
        Harness(place).post("r", effect, value=1)

    assert place.types("r") == before


def test_posting_twice_is_refused() -> None:
    place = workspace()
    create(place, "one_after_the_other", ["a", "b"])
    handed(place)
    Harness(place).post("r", "1-build", value=1)

    with pytest.raises(NotFoundError, match="has its outcome"):
        Harness(place).post("r", "1-build", value=2)


def test_a_driver_of_ours_does_not_repeat_what_a_harness_was_handed() -> None:
    place = workspace()
    create(place, "building", "x")
    handed(place)

    assert resume(place).status == "waiting"

    assert place.performed == []
    assert [event.action for event in of_type(place, ev.EffectUnknown)] == ["ask"]
    assert verifies(place)


def test_forbidden_inline_tasks_are_not_handed_out_either() -> None:
    place = workspace(settings=settings(inline="deny"))
    create(place, "doubling", 2)

    iteration = Harness(place).iterate("r")

    assert iteration.effects == ()
    assert iteration.run.status == "failed"


def test_what_a_harness_is_handed_holds_references_and_never_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    place = workspace()
    create(place, "publishing", None)
    handed(place)
    answer(place, of_type(place, ev.BreakpointRequested)[0].breakpoint_id, "approve")

    (effect,) = Harness(place).iterate("r").effects

    assert effect.input == {"target": "here", "api_key": {"$secret": "env:API_KEY"}}


def test_what_our_own_worker_performs_cannot_be_given_an_outcome_by_post() -> None:
    """Otherwise a guarded effect that was approved could be given a made-up result."""
    place = workspace()
    create(place, "publishing", None)
    state = read_state(place.store, "r")
    judge = judge_of(place, "r", gates_of(place, "r", state))
    requested = ev.EffectRequested(
        effect_id="1-deploy",
        call_id="1",
        task_id="deploy",
        kind="python",
        label="deploy",
        args_sha256="0" * 64,
        task_def_ref="task.json",
    )
    state.apply(requested)
    started = ev.EffectStarted(effect_id="1-deploy", attempt=1, sandbox_sha256="0" * 64, worker="alice@host")
    state.apply(started)

    message = PostMail(request_id="1", sender="alice", effect_id="1-deploy", status="ok")

    with pytest.raises(PolicyDeniedError, match="not handed out to a harness"):
        mail_events(state, message, 0, judge)
