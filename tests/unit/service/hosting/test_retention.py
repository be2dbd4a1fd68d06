"""What is due, as an auditor gets it: from the catalogue alone, measured only where it is listed."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.access.roles import Caller
from babysitter.model.clock import format_time
from babysitter.model.errors import ForbiddenError, NotFoundError, StoreFailedError, UsageError
from babysitter.model.retention_settings import RetentionHold, RetentionRule, RetentionTable
from babysitter.service.delivery import Delivery
from babysitter.service.hosting.catalogue import Catalogue, Entry
from babysitter.service.hosting.feed import Feed
from babysitter.service.hosting.hosting import Hosted, Hosting
from babysitter.service.hosting.retention import (
    LIMIT_MAX,
    RetentionPlan,
    VisitedRetention,
    facts_of,
    retention_plan,
)
from babysitter.service.hosting.visit import Visit
from babysitter.service.runs import RunService
from babysitter.stores.interface import Holder
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import SETTINGS, FakeWorkspace

PROCESSES = Path(__file__).parent.parent
DAY_S = 86_400
OLD = RetentionRule(id="old", processes=("*",), after_days=30, action="delete")


class CountingStore(MemoryStore):
    """Counts what is read of journals, and which runs are measured."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.measured: list[str] = []
        self.failing = ""

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        """See Store."""
        self.reads += 1
        return super().read_journal(run_id, offset=offset)

    def size(self, run_id: str) -> int:
        """See Store."""
        self.measured.append(run_id)
        if run_id == self.failing:
            raise StoreFailedError("measuring failed.", hint="Look at the disk.")
        return super().size(run_id)


def place_with(*rules: RetentionRule, holds: tuple[RetentionHold, ...] = ()) -> FakeWorkspace:
    settings = replace(SETTINGS, retention=RetentionTable(rules=rules, holds=holds))
    return FakeWorkspace(PROCESSES, store=CountingStore(), clock=FakeClock(), settings=settings)


def store_of(place: FakeWorkspace) -> CountingStore:
    assert isinstance(place.store, CountingStore)
    return place.store


def run(place: FakeWorkspace, run_id: str, *, days: float = 0) -> None:
    """Have a run end, and then some days pass."""
    RunService(place).start("processes.py#listening", 0, run_id=run_id)
    let_pass(place, days)


def let_pass(place: FakeWorkspace, days: float) -> None:
    place.pause(days * DAY_S)


def visited(place: FakeWorkspace, *, role: Any = "auditor") -> VisitedRetention:
    catalogue = Catalogue(place.store)
    catalogue.look()
    hosted = Hosted(id="here", workspace=place, catalogue=catalogue, feed=Feed(), conductor=None)
    caller = Caller(
        name="ada",
        is_person=True,
        roles={"here": frozenset({role})},
        method="token",
        credential="t",
    )
    return VisitedRetention(Visit(hosting=Hosting(home=hosted, all={"here": hosted}), caller=caller))


def ids(plan: RetentionPlan) -> list[str]:
    return [each.run_id for each in plan.due]


def test_days_are_counted_from_the_end_of_a_run_and_not_from_its_beginning() -> None:
    place = place_with(OLD)
    RunService(place).start("processes.py#asking", None, run_id="r")
    let_pass(place, 29)
    Delivery(place).cancel("r", reason="enough")
    RunService(place).drive("r")
    ended_at = Catalogue(place.store).refresh("r")
    assert ended_at is not None

    let_pass(place, 29.9)
    before = retention_plan(place)
    let_pass(place, 0.2)
    after = retention_plan(place)

    assert (ids(before), before.later, before.next_due_rule) == ([], 1, "old")
    assert ids(after) == ["r"]
    (due,) = after.due
    assert (due.rule, due.status, due.ended_at) == ("old", "cancelled", ended_at.updated_at)
    assert due.due_since == before.next_due_at
    assert due.bytes == after.bytes == place.store.size("r") > 0
    assert after.next_due_at is None


@pytest.mark.promise("G26")
def test_a_run_that_waits_has_not_ended_however_long_nothing_has_moved() -> None:
    place = place_with(OLD)
    RunService(place).start("processes.py#asking", None, run_id="r")
    let_pass(place, 4000)
    entry = Catalogue(place.store).refresh("r")
    assert entry is not None

    plan = retention_plan(place)

    assert [facts.ended_ns for facts in facts_of([entry])] == [None]
    assert (ids(plan), plan.unended, plan.next_due_at) == ([], 1, None)


def test_an_ended_child_stays_while_its_parent_waits_and_goes_when_both_have_ended() -> None:
    place = place_with(OLD)
    inputs = {"child": "asking", "inputs": None}
    RunService(place).start("processes.py#parent", inputs, run_id="r")
    (child,) = [run_id for run_id in place.store.run_ids() if run_id != "r"]
    Delivery(place).cancel(child, reason="enough")
    RunService(place).drive(child)
    let_pass(place, 31)
    before = retention_plan(place)

    RunService(place).drive("r")
    let_pass(place, 31)
    after = retention_plan(place)

    assert (ids(before), before.family, before.unended) == ([], 1, 1)
    assert sorted(ids(after)) == ["r", child]


def test_nothing_is_read_again_and_only_what_is_listed_is_measured() -> None:
    place = place_with(OLD)
    for number in range(6):
        run(place, f"r{number}", days=1)
    let_pass(place, 28)
    visitor, store = visited(place), store_of(place)
    store.reads, store.measured = 0, []

    plan = visitor.plan(limit=2)

    assert store.reads == 0
    assert ids(plan) == store.measured == ["r0", "r1"]
    assert (plan.due_total, plan.later, plan.skip) == (5, 1, 0)
    assert ids(visitor.plan(skip=4, limit=2)) == ["r4"]
    assert store.reads == 0


def test_the_longest_due_come_first_whatever_they_are_called() -> None:
    place = place_with(OLD)
    for name in ("z", "a", "m"):
        run(place, name, days=1)
    let_pass(place, 30)

    assert ids(retention_plan(place)) == ["z", "a", "m"]


def test_a_held_run_is_listed_with_who_and_why_and_is_not_due() -> None:
    hold = RetentionHold(id="case", runs=("r", "gone"), reason="a lawsuit", by="ada")
    place = place_with(OLD, holds=(hold,))
    run(place, "r")
    run(place, "s", days=31)

    plan = retention_plan(place)

    assert ids(plan) == ["s"]
    (held,) = plan.held
    assert (held.run_id, held.hold, held.reason, held.by) == ("r", "case", "a lawsuit", "ada")
    assert [(each.id, each.runs, each.missing) for each in plan.holds] == [("case", 1, ("gone",))]


def test_a_rule_says_how_much_it_decides_about() -> None:
    place = place_with(replace(OLD, keep=1))
    for number in range(3):
        run(place, f"r{number}")
    let_pass(place, 31)

    plan = retention_plan(place)

    assert [(each.id, each.runs, each.due, each.kept) for each in plan.rules] == [("old", 3, 2, 1)]
    assert plan.kept == 1


def test_without_a_rule_it_says_that_there_is_none() -> None:
    place = place_with()
    run(place, "r", days=400)

    plan = retention_plan(place)

    assert (plan.rules, plan.due, plan.next_due_at, plan.unruled) == ((), (), None, 1)


def test_a_run_that_can_not_be_read_is_never_due_and_keeps_its_parent() -> None:
    place = place_with(OLD)
    for name in ("r.1", "r", "s"):
        run(place, name)
    let_pass(place, 31)
    lease = place.store.lease("r.1", Holder(user="a", host="b", pid=1, since="2026-01-01T00:00:00.000000Z"))
    lease.replace_journal(place.store.read_journal("r.1").replace(b'"seq":1', b'"seq":7', 1))
    lease.release()

    plan = retention_plan(place)

    assert ids(plan) == ["s"]
    assert (plan.unreadable, plan.family, plan.unended) == (1, 1, 0)


def test_the_parent_of_what_can_not_be_read_is_the_nearest_that_its_id_names() -> None:
    facts: dict[str, Any] = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
    entries = [
        Entry(run_id="release-1.2.0", status="completed", **facts),
        Entry(run_id="release-1", status="completed", **facts),
        Entry(run_id="release-1.2.0.4.0.1", problem="line 1 does not chain"),
        Entry(run_id="other.3", problem="line 1 does not chain"),
    ]

    parents = {each.run_id: each.parent_run_id for each in facts_of(entries)}

    assert parents["release-1.2.0.4.0.1"] == "release-1.2.0"
    assert parents["other.3"] is None


@pytest.mark.parametrize("at", ["", "yesterday", "2026-01-31T10:15:30", "9999-12-31T23:59:59.000000Z"])
def test_an_end_without_a_time_that_can_be_counted_from_is_no_end(at: str) -> None:
    entry = Entry(run_id="r", status="completed", created_at="2020-01-01T00:00:00Z", updated_at=at)

    (facts,) = facts_of([entry])

    assert facts.ended_ns is None


def test_a_folder_that_can_not_be_measured_is_due_all_the_same_and_its_size_not_known() -> None:
    place = place_with(OLD)
    run(place, "r")
    run(place, "s", days=31)
    store_of(place).failing = "r"

    plan = retention_plan(place)

    assert [(each.run_id, each.bytes is None) for each in plan.due] == [("r", True), ("s", False)]
    assert plan.bytes == plan.due[1].bytes


def test_planning_removes_nothing() -> None:
    place = place_with(OLD)
    run(place, "r", days=31)
    before = dict(store_of(place).runs["r"].files)

    assert ids(retention_plan(place)) == ids(visited(place).plan()) == ["r"]

    assert store_of(place).runs["r"].files == before


def test_a_plan_says_of_when_it_is() -> None:
    place = place_with()

    before = place.clock.now_ns()

    assert format_time(before) < retention_plan(place).at <= format_time(place.clock.now_ns())


@pytest.mark.parametrize("role", ["agent", "viewer", "approver", "operator"])
def test_only_who_audits_learns_what_is_due(role: str) -> None:
    with pytest.raises(ForbiddenError):
        visited(place_with(OLD), role=role).plan()


def test_another_workspace_is_not_there() -> None:
    with pytest.raises(NotFoundError):
        visited(place_with(OLD)).plan("elsewhere")


@pytest.mark.parametrize(("skip", "limit"), [(-1, 10), (0, 0), (0, LIMIT_MAX + 1)])
def test_numbers_out_of_range_are_refused(skip: int, limit: int) -> None:
    with pytest.raises(UsageError):
        visited(place_with(OLD)).plan(skip=skip, limit=limit)
