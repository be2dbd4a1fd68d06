"""Which runs the rules of retention let go: never early, never a held one, the first rule, and for good."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from babysitter.model.retention_settings import ENDED, RetentionHold, RetentionRule, RetentionTable
from babysitter.policy.retention import DAY_NS, Decision, RunFacts, Standing, decide

NOW = 20_000 * DAY_NS
NAMES = ("build", "build_docs", "deploy", "")
GLOBS = ("*", "*", "build", "build*", "dep?oy", "none")
RUN_IDS = ("a", "a.1", "a.1.2", "b", "b.1", "c", "d", "e")


def rule(name: str = "old", *processes: str, days: int = 30, **more: object) -> RetentionRule:
    facts = {"id": name, "processes": processes or ("*",), "after_days": days, "action": "delete", **more}
    return RetentionRule(**facts)  # type: ignore[arg-type]


def hold(*runs: str, processes: tuple[str, ...] = (), name: str = "case") -> RetentionHold:
    return RetentionHold(id=name, runs=runs, processes=processes, reason="a lawsuit", by="ada")


def ended(run_id: str, days_ago: float, *, process: str = "build", parent: str | None = None) -> RunFacts:
    ended_ns = NOW - int(days_ago * DAY_NS)
    return RunFacts(
        run_id=run_id, process_id=process, status="completed", ended_ns=ended_ns, parent_run_id=parent
    )


def going(run_id: str, *, parent: str | None = None) -> RunFacts:
    return RunFacts(run_id=run_id, process_id="build", status="waiting", ended_ns=None, parent_run_id=parent)


def table(*rules: RetentionRule, holds: tuple[RetentionHold, ...] = ()) -> RetentionTable:
    return RetentionTable(rules=rules, holds=holds)


def standings(whole: RetentionTable, *runs: RunFacts, now_ns: int = NOW) -> dict[str, Standing]:
    return {each.run.run_id: each.standing for each in decide(whole, runs, now_ns)}


RULES = st.builds(
    RetentionRule,
    id=st.sampled_from(("r1", "r2", "r3")),
    processes=st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2).map(tuple),
    status=st.sampled_from((ENDED, ENDED, ("failed",), ("completed", "cancelled"))),
    after_days=st.integers(1, 60),
    keep=st.sampled_from((0, 0, 0, 1, 2)),
    action=st.just("delete"),
)
HOLDS = st.builds(
    RetentionHold,
    id=st.sampled_from(("h1", "h2")),
    runs=st.lists(st.sampled_from(RUN_IDS), min_size=1, max_size=2).map(tuple),
    processes=st.lists(st.sampled_from(GLOBS), max_size=1).map(tuple),
    reason=st.just("a lawsuit"),
    by=st.just("ada"),
)
TABLES = st.builds(
    RetentionTable,
    rules=st.lists(RULES, min_size=1, max_size=3, unique_by=lambda each: each.id).map(tuple),
    holds=st.just(()) | st.just(()) | st.lists(HOLDS, max_size=1).map(tuple),
)


@st.composite
def run_lists(draw: st.DrawFn) -> list[RunFacts]:
    """Return some runs; a parent may be missing, or be its own grandchild."""
    run_ids = draw(st.lists(st.sampled_from(RUN_IDS), min_size=2, unique=True))
    found = []
    for run_id in run_ids:
        is_over = draw(st.sampled_from((True, True, True, True, False)))
        found.append(
            RunFacts(
                run_id=run_id,
                process_id=draw(st.sampled_from(NAMES)),
                status=draw(st.sampled_from(ENDED)) if is_over else "waiting",
                ended_ns=NOW - draw(st.integers(-5, 150)) * DAY_NS if is_over else None,
                parent_run_id=draw(st.none() | st.sampled_from(run_ids) | st.sampled_from(RUN_IDS)),
            )
        )
    return found


def due_of(decisions: Sequence[Decision]) -> set[str]:
    return {each.run.run_id for each in decisions if each.standing == "due"}


@pytest.mark.promise("G26")
@given(TABLES, run_lists(), st.integers(-40 * DAY_NS, 40 * DAY_NS))
def test_nothing_is_due_before_its_end_and_the_days_of_a_rule_that_is_for_it(
    whole: RetentionTable, runs: list[RunFacts], later_ns: int
) -> None:
    now_ns = NOW + later_ns

    for each in decide(whole, runs, now_ns):
        if each.standing == "due":
            assert each.rule in whole.rules
            assert each.run.ended_ns is not None
            assert each.rule is not None
            assert now_ns >= each.run.ended_ns + each.rule.after_days * 86_400 * 1_000_000_000
            assert each.run.status in each.rule.status


@pytest.mark.promise("G26")
@given(TABLES, run_lists(), HOLDS)
def test_a_hold_wins_over_every_rule_and_makes_nothing_else_due(
    whole: RetentionTable, runs: list[RunFacts], more: RetentionHold
) -> None:
    free = due_of(decide(replace(whole, holds=()), runs, NOW))

    decisions = decide(replace(whole, holds=(more,)), runs, NOW)

    named = {run.run_id for run in runs if run.run_id in more.runs}
    named |= {
        run.run_id
        for run in runs
        if more.processes == ("*",) or (more.processes == ("build",) and run.process_id == "build")
    }
    assert named <= {each.run.run_id for each in decisions if each.standing == "held"}
    assert due_of(decisions) == free - {each.run.run_id for each in decisions if each.hold is not None}


@given(TABLES, run_lists())
def test_the_first_rule_that_is_for_a_run_decides_whatever_comes_after(
    whole: RetentionTable, runs: list[RunFacts]
) -> None:
    everything = rule("last", days=1)

    before = decide(whole, runs, NOW)
    after = decide(replace(whole, rules=(*whole.rules, everything)), runs, NOW)

    for one, other in zip(before, after, strict=True):
        if one.rule is not None:
            assert other == one
        elif one.run.ended_ns is not None:
            assert other.rule == everything


@pytest.mark.promise("G26")
@given(TABLES, run_lists(), st.sampled_from((1, 24, 240, 2400, 24_000)))
def test_what_is_due_stays_due_as_time_goes_on(
    whole: RetentionTable, runs: list[RunFacts], hours: int
) -> None:
    later_ns = NOW + hours * DAY_NS // 24

    assert due_of(decide(whole, runs, NOW)) <= due_of(decide(whole, runs, later_ns))


@given(TABLES, run_lists())
def test_no_run_is_due_while_one_of_its_family_has_not_ended(
    whole: RetentionTable, runs: list[RunFacts]
) -> None:
    due = due_of(decide(whole, runs, NOW))

    parents = {run.run_id: run.parent_run_id for run in runs}
    for run in runs:
        if run.ended_ns is None:
            above = parents[run.run_id]
            children = {other for other, parent in parents.items() if parent == run.run_id}
            assert not due & {run.run_id, above, *children}


@given(TABLES, run_lists(), st.randoms(use_true_random=False))
def test_the_order_in_which_runs_are_listed_changes_nothing(
    whole: RetentionTable, runs: list[RunFacts], random: object
) -> None:
    shuffled = list(runs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    by_id = {each.run.run_id: each for each in decide(whole, shuffled, NOW)}

    assert {each.run.run_id: each for each in decide(whole, runs, NOW)} == by_id


def test_a_run_is_due_at_the_very_nanosecond_and_not_before() -> None:
    run = ended("a", 30)

    assert standings(table(rule()), run) == {"a": "due"}
    assert standings(table(rule()), run, now_ns=NOW - 1) == {"a": "later"}


def test_a_younger_rule_further_down_does_not_take_what_an_older_one_keeps() -> None:
    whole = table(rule("long", "deploy", days=365), rule("short", days=30))

    assert standings(whole, ended("a", 40, process="deploy"), ended("b", 40)) == {"a": "later", "b": "due"}


def test_the_newest_that_a_rule_decides_about_are_kept_however_old() -> None:
    runs = [ended(name, days) for name, days in (("a", 90), ("b", 80), ("c", 70), ("d", 1))]

    whole = table(rule("all", keep=2))

    assert standings(whole, *runs) == {"a": "due", "b": "due", "c": "kept", "d": "kept"}


def test_a_hold_on_one_of_a_family_holds_all_of_it_and_nobody_else() -> None:
    runs = (ended("a", 90), ended("a.1", 90, parent="a"), ended("a.1.2", 90, parent="a.1"), ended("b", 90))

    for name in ("a", "a.1", "a.1.2"):
        found = standings(table(rule(), holds=(hold(name),)), *runs)
        assert found == {"a": "held", "a.1": "held", "a.1.2": "held", "b": "due"}


def test_children_of_a_run_that_is_gone_are_still_one_family() -> None:
    runs = (ended("a.1", 90, parent="a"), going("a.2", parent="a"), ended("b", 90))

    assert standings(table(rule()), *runs) == {"a.1": "family", "a.2": "open", "b": "due"}
    held = standings(table(rule(), holds=(hold("a"),)), *runs)
    assert held == {"a.1": "held", "a.2": "held", "b": "due"}


def test_runs_that_name_each_other_as_parents_end_no_search() -> None:
    runs = (ended("a", 90, parent="b"), ended("b", 90, parent="a"), ended("c", 90, parent="c"))

    assert standings(table(rule()), *runs) == {"a": "due", "b": "due", "c": "due"}


def test_without_a_rule_nothing_is_ever_due() -> None:
    assert standings(table(), ended("a", 36_000), going("b")) == {"a": "unruled", "b": "open"}
