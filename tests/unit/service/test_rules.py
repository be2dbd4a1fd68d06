"""A team's rules, enforced: who may answer, how many, when, and what becomes of it later."""

from pathlib import Path
from typing import Any

import pytest

from babysitter.log.leaves import BreakGlassReviewed
from babysitter.model import events as ev
from babysitter.model.effects import Sandbox
from babysitter.model.errors import PolicyDeniedError
from babysitter.model.rules import AutoApproval, PersonTable, When
from babysitter.service.delivery import Delivery
from babysitter.service.runs import RunService
from babysitter.testing.clocks import FakeClock
from babysitter.testing.crashing_store import Crash, CrashingStore
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import ROOT, answer, of_type, resume, start, verifies, workspace
from tests.unit.service.signing import ALICE, BOB, CAROL, EVE, emergency, policy_of, rule, sign, trusting

pytestmark = pytest.mark.promise("G25")
GATE = "1-gate-deploy"


def asked(place: FakeWorkspace) -> list[str]:
    return [event.breakpoint_id for event in of_type(place, ev.BreakpointRequested)]


def waiting(*rules: Any, process: str = "deploying", inputs: Any = None, **more: Any) -> FakeWorkspace:
    clock = more.pop("clock", None)
    place = trusting(workspace(clock=clock), *(rules or (rule(),)), **more)
    start(place, process, ["here"] if inputs is None else inputs)
    return place


@pytest.mark.promise("G02")
@pytest.mark.parametrize(
    "when",
    [When(tags=("db",)), When(task="migr*"), When(process="migrating"), When(task="migrate", process="*")],
    ids=["tag", "task", "process", "both"],
)
def test_a_task_that_a_rule_names_does_not_start_without_an_approval(when: When) -> None:
    """Not production and not critical: the team's own rule is enough to stop it."""
    place = waiting(rule("data", when=when), process="migrating", inputs="here")
    assert place.performed == []
    assert asked(place) == ["1-gate-migrate"]

    sign(place, BOB, "1-gate-migrate")

    assert resume(place).output == "ok None"
    assert verifies(place)


def test_a_task_that_no_rule_names_needs_nobody() -> None:
    place = waiting(rule("data", when=When(tags=("other",))), process="migrating", inputs="here")

    assert of_type(place, ev.RunCompleted)
    assert asked(place) == []


def test_the_first_rule_that_matches_decides() -> None:
    first = rule("first", roles=("oncall",), when=When(task="deploy"))
    place = waiting(first, rule("second", when=When(environment="production")))

    (event,) = of_type(place, ev.BreakpointRequested)

    assert (event.rule, event.eligible) == ("first", (CAROL,))


def test_a_quorum_is_of_distinct_people_with_their_own_keys() -> None:
    place = waiting(rule(quorum=2))

    sign(place, BOB, GATE)
    sign(place, BOB, GATE, comment="once more")
    assert resume(place).status == "waiting"
    sign(place, ALICE, GATE)

    assert resume(place).output == ["ok None"]
    assert of_type(place, ev.BreakpointReleased)[0].responded_by == (BOB, ALICE)
    assert verifies(place)


def test_somebody_without_the_role_may_not_answer() -> None:
    place = waiting()

    with pytest.raises(PolicyDeniedError, match="does not name eve"):
        sign(place, EVE, GATE)


def test_who_started_the_run_may_not_approve_it_under_whatever_name() -> None:
    """The local account ``alice`` started it, and the settings say whose account that is."""
    place = waiting(people={ALICE: PersonTable(accounts=("alice",))})

    with pytest.raises(PolicyDeniedError, match="authors of the run may not approve"):
        sign(place, ALICE, GATE)
    assert of_type(place, ev.BreakpointRequested)[0].eligible == (BOB,)


def test_the_owner_of_a_process_counts_as_an_author() -> None:
    place = waiting(rule(roles=("managers", "oncall")), process="owned", inputs="here")

    with pytest.raises(PolicyDeniedError, match="authors of the run may not approve"):
        sign(place, CAROL, GATE)
    assert of_type(place, ev.RunCreated)[0].authors == (CAROL,)


def test_a_role_that_was_revoked_meanwhile_stops_what_was_approved() -> None:
    place = waiting()
    sign(place, BOB, GATE)

    place.policy = policy_of(rule(), roles={"managers": (ALICE,), "oncall": (CAROL,)})
    view = resume(place)

    assert view.status == "waiting"
    assert place.performed == []
    (lapsed,) = of_type(place, ev.BreakpointLapsed)
    assert "needs 1 more of managers" in lapsed.reason
    assert asked(place) == [GATE, "1-gate2-deploy"]
    assert verifies(place)
    sign(place, ALICE, "1-gate2-deploy")
    assert resume(place).output == ["ok None"]
    assert [event.approval for event in of_type(place, ev.EffectStarted)] == ["1-gate2-deploy"]


def test_an_approval_that_was_not_executed_in_time_is_asked_for_again() -> None:
    clock = FakeClock()
    place = waiting(rule(execution_expires="30m"), clock=clock)
    sign(place, BOB, GATE)

    clock.advance(31 * 60)
    view = resume(place)

    assert view.status == "waiting"
    assert "approved too long ago" in of_type(place, ev.BreakpointLapsed)[0].reason
    assert place.performed == []


def test_an_approval_that_is_executed_in_time_holds() -> None:
    clock = FakeClock()
    place = waiting(rule(execution_expires="30m"), clock=clock)
    sign(place, BOB, GATE)

    clock.advance(29 * 60)

    assert resume(place).output == ["ok None"]


def test_a_question_expires_when_its_rule_says_so() -> None:
    clock = FakeClock()
    place = waiting(rule(approval_expires="4h"), clock=clock)
    (event,) = of_type(place, ev.BreakpointRequested)
    assert event.expires_at is not None

    clock.advance(4 * 3600)
    view = resume(place)

    assert view.output == ["PolicyDeniedError: deploy was not approved: nobody answered in time"]


def test_an_approval_is_of_the_sandbox_that_was_shown() -> None:
    class OtherSandbox(FakeWorkspace):
        digest = "0" * 64

        def sandbox_sha256(self, task_id: str, sandbox: Sandbox) -> str:
            del task_id, sandbox
            return self.digest

    place = OtherSandbox(ROOT)
    trusting(place, rule())
    start(place, "asking_first", {"asked": [["deploy", "here"]], "made": [["deploy", "here"]]})
    sign(place, BOB, "1-go")

    place.digest = "1" * 64
    view = resume(place)

    assert view.status == "waiting"
    assert place.performed == []
    assert asked(place) == ["1-go", "2-gate-deploy"]


def test_findings_that_a_rule_asks_for_stop_what_lacks_them() -> None:
    place = waiting(rule(findings={"high": 0}))
    sign(place, BOB, GATE)

    view = resume(place)

    assert view.status == "waiting"
    assert "the findings are worse than the rule allows" in of_type(place, ev.BreakpointLapsed)[0].reason


@pytest.mark.parametrize(("after", "is_answered"), [(0, True), (3, False)])
def test_a_rule_of_the_settings_answers_in_a_persons_place(after: int, is_answered: bool) -> None:
    auto = AutoApproval(id="small", breakpoint="*-review", tags=("docs",), after=after)
    place = waiting(process="asking_experts", inputs={"tags": ["docs"]}, auto_approve=(auto,))

    answers = of_type(place, ev.BreakpointResponded)

    assert [(event.approver, event.method) for event in answers] == (
        [("rule:small", "rule")] if is_answered else []
    )
    assert verifies(place)


def test_never_wins_over_every_other_rule_of_the_settings() -> None:
    rules = (AutoApproval(id="all"), AutoApproval(id="not-these", tags=("db",), never=True))
    place = waiting(process="asking_experts", inputs={"tags": ["db"]}, auto_approve=rules)

    assert of_type(place, ev.BreakpointResponded) == []


def test_no_rule_of_the_settings_answers_where_a_signature_is_wanted() -> None:
    place = waiting(auto_approve=(AutoApproval(id="all"),))

    assert of_type(place, ev.BreakpointResponded) == []
    assert place.performed == []


def test_approvals_in_a_row_by_people_make_a_rule_answer() -> None:
    place = trusting(workspace(), auto_approve=(AutoApproval(id="habit", after=2),))
    service = RunService(place)
    for run_id in ("a", "b", "c"):
        service.start("processes.py#asking_experts", {}, run_id=run_id)
        if run_id != "c":
            Delivery(place).answer(run_id, "1-review", "approve")

    methods = {
        run: [e.method for e in of_type(place, ev.BreakpointResponded, run)] for run in ("a", "b", "c")
    }

    assert methods == {"a": ["local"], "b": ["local"], "c": ["rule"]}


def test_nobody_gives_an_answer_under_the_name_of_a_rule() -> None:
    place = waiting(process="asking_experts", inputs={})

    with pytest.raises(PolicyDeniedError, match="is no person"):
        answer(place.seen_by("rule:all"), "1-review", "approve")


def test_experts_narrow_whom_is_asked_and_never_widen_it() -> None:
    own = rule("experts", signature=False, people=("alice", "bob"), roles=(), when=When(tags=("x",)))
    place = waiting(own, process="asking_experts", inputs={"tags": ["x"], "experts": ["bob", "mallory"]})

    (event,) = of_type(place, ev.BreakpointRequested)

    assert event.eligible == ("bob",)
    with pytest.raises(PolicyDeniedError):
        answer(place.seen_by("mallory"), "1-review", "approve")


def test_all_means_everybody_who_is_asked() -> None:
    place = waiting(process="asking_experts", inputs={"experts": ["alice", "bob"], "strategy": "all"})

    answer(place, "1-review", "approve")
    assert resume(place).status == "waiting"
    answer(place.seen_by("bob"), "1-review", "approve")

    assert resume(place).output == "True alice,bob "


def test_a_question_passed_on_and_asked_back_about_leaves_lines_and_stays_open() -> None:
    place = waiting(process="asking_experts", inputs={"experts": ["alice", "bob"]})
    delivery = Delivery(place)

    delivery.ask_about("r", "1-review", "which database?")
    Delivery(place.seen_by("carol")).ask_about("r", "1-review", "the copy", is_reply=True)
    delivery.pass_on("r", "1-review", ["bob"], comment="ask him")
    answer(place, "1-review", "defer")

    (question,) = of_type(place, ev.BreakpointInfoRequested)
    (reply,) = of_type(place, ev.BreakpointInfoGiven)
    (passed,) = of_type(place, ev.BreakpointReassigned)
    assert (question.by, question.question, reply.by, reply.answer) == (
        "alice",
        "which database?",
        "carol",
        "the copy",
    )
    assert (passed.to, passed.by, passed.reason) == (("bob",), "alice", "ask him")
    assert resume(place).status == "waiting"
    assert verifies(place)


def test_a_question_is_passed_on_only_to_those_who_may_answer() -> None:
    place = waiting(process="asking_experts", inputs={"experts": ["alice", "bob"]})

    with pytest.raises(PolicyDeniedError, match="can't be passed on to mallory"):
        Delivery(place).pass_on("r", "1-review", ["mallory"])


def breaking(tmp_path: Path) -> FakeWorkspace:
    place = FakeWorkspace(ROOT)
    place.keeps_log = True
    place.log_folder_for_tests = tmp_path / "log"
    trusting(place, rule(quorum=2, break_glass=emergency()))
    start(place, "deploying", ["here", "there"])
    return place


def test_breaking_the_glass_needs_one_person_with_a_reason_and_is_loud(tmp_path: Path) -> None:
    place = breaking(tmp_path)

    with pytest.raises(PolicyDeniedError, match="wants a comment"):
        sign(place, CAROL, GATE, break_glass=True)
    with pytest.raises(PolicyDeniedError, match="may break its glass"):
        sign(place, BOB, GATE, break_glass=True, comment="let me")
    sign(place, CAROL, GATE, break_glass=True, comment="the shop is down")

    (released,) = of_type(place, ev.BreakpointReleased)
    assert (released.break_glass, released.responded_by, released.feedback) == (
        True,
        (CAROL,),
        "the shop is down",
    )
    resume(place)
    assert [attempt.input["target"] for attempt in place.performed] == ["here"]
    assert place.unreviewed() == [f"r/{GATE}"]
    assert verifies(place)


def test_the_glass_is_not_broken_again_before_somebody_has_reviewed_it(tmp_path: Path) -> None:
    place = breaking(tmp_path)
    sign(place, CAROL, GATE, break_glass=True, comment="the shop is down")
    resume(place)

    with pytest.raises(PolicyDeniedError, match="nobody has reviewed it"):
        sign(place, CAROL, "2-gate-deploy", break_glass=True, comment="again")
    review = BreakGlassReviewed(
        run_id="r", breakpoint_id=GATE, reviewer=BOB, statement_sha256="0" * 64, signature_sha256="0" * 64
    )
    place.logbook.log.append([review], durable=True)
    sign(place, CAROL, "2-gate-deploy", break_glass=True, comment="again")

    assert resume(place).output == ["ok None", "ok None"]


def test_no_rule_answers_whether_to_repeat_what_may_have_run() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    store.die_at("EFFECT_RESOLVED")
    with pytest.raises(Crash):
        start(place, "building", "x")
    trusting(place, auto_approve=(AutoApproval(id="all"),))

    assert resume(place).status == "waiting"
    assert len(place.performed) == 1
