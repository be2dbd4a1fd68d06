"""Which runs the rules of retention let go, and when. Pure: no clock, no disk; it removes nothing.

A run and its child runs, and theirs, are one family. While one of a family has not ended none of it is due,
and a hold on one holds all of it: what one run did is told in the others' journals too.

Invariants, each with a test in tests/unit/policy/test_retention.py:
    - a run is never due before its end and the days of its rule have passed, and never without a rule;
    - a hold wins over every rule;
    - the first rule that is for a run decides about it, whatever its age;
    - what is due stays due as time goes on, as long as runs, rules and holds stay what they are.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from babysitter.model.retention_settings import RetentionHold, RetentionRule, RetentionTable
from babysitter.model.rules import matches_glob

DAY_NS = 86_400 * 1_000_000_000
Standing = Literal["due", "later", "kept", "family", "held", "open", "unruled"]
"""Why a run goes or stays. ``kept``: among the newest of its rule; ``family``: one of its family is open."""


class RunFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What decides about a run. ended_ns: when it ended; None: it has not, or nobody can tell."""

    run_id: str
    process_id: str
    status: str
    ended_ns: int | None
    parent_run_id: str | None = None


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """What becomes of a run.

    rule: the one that decides about it; None of a run that has not ended, and of one that no rule is for.
    due_ns: when that rule lets it go, if nothing keeps it back. hold: the first that holds it.
    """

    run: RunFacts
    standing: Standing
    rule: RetentionRule | None = None
    due_ns: int | None = None
    hold: RetentionHold | None = None


def decide(table: RetentionTable, runs: Sequence[RunFacts], now_ns: int) -> list[Decision]:
    """Return what becomes of each run, in the order of ``runs``, which must be all that there are."""
    families = _families(runs)
    open_families = {families[run.run_id] for run in runs if run.ended_ns is None}
    held = _held(table.holds, runs, families)
    deciding = _Deciding(table.rules)
    rules = {run.run_id: deciding.rule_for(run) for run in runs}
    newest = _newest(runs, rules)
    found = []
    for run in runs:
        family, rule = families[run.run_id], rules[run.run_id]
        due_ns = run.ended_ns + rule.after_days * DAY_NS if rule and run.ended_ns is not None else None
        standing: Standing
        if family in held:
            standing = "held"
        elif run.ended_ns is None:
            standing = "open"
        elif due_ns is None:
            standing = "unruled"
        elif family in open_families:
            standing = "family"
        elif run.run_id in newest:
            standing = "kept"
        else:
            standing = "due" if now_ns >= due_ns else "later"
        found.append(Decision(run=run, standing=standing, rule=rule, due_ns=due_ns, hold=held.get(family)))
    return found


class _Deciding:
    """Finds the rule of a run; remembers which globs fit a process, since most runs are of a few."""

    def __init__(self, rules: Sequence[RetentionRule]) -> None:
        self._rules = rules
        self._found: dict[tuple[str, str], RetentionRule | None] = {}

    def rule_for(self, run: RunFacts) -> RetentionRule | None:
        if run.ended_ns is None:
            return None
        key = (run.process_id, run.status)
        if key not in self._found:
            self._found[key] = next(
                (
                    rule
                    for rule in self._rules
                    if run.status in rule.status and _fits(run.process_id, rule.processes)
                ),
                None,
            )
        return self._found[key]


def _fits(process_id: str, globs: Iterable[str]) -> bool:
    """Tell whether any of the globs is for the process."""
    return any(matches_glob(process_id, glob) for glob in globs)


def _families(runs: Sequence[RunFacts]) -> dict[str, str]:
    """Return the eldest of each run's family that is known of, by run; it may itself be gone."""
    parents = {run.run_id: run.parent_run_id for run in runs if run.parent_run_id}
    eldest: dict[str, str] = {}
    for run in runs:
        way = [run.run_id]
        # A journal can be made to name any parent, so the way up may lead round in a circle.
        seen = {run.run_id}
        while way[-1] not in eldest and (above := parents.get(way[-1])) is not None and above not in seen:
            way.append(above)
            seen.add(above)
        top = eldest.get(way[-1], way[-1])
        eldest.update(dict.fromkeys(way, top))
    return eldest


def _held(
    holds: Sequence[RetentionHold], runs: Sequence[RunFacts], families: dict[str, str]
) -> dict[str, RetentionHold]:
    """Return the first hold of each family that has one."""
    processes = {run.process_id for run in runs}
    held: dict[str, RetentionHold] = {}
    for hold in holds:
        wanted = {process_id for process_id in processes if _fits(process_id, hold.processes)}
        named = [run.run_id for run in runs if wanted and run.process_id in wanted]
        for run_id in (*named, *hold.runs):
            # A run that is gone still names its family, by those that it started.
            if run_id in families:
                held.setdefault(families[run_id], hold)
    return held


def _newest(runs: Sequence[RunFacts], rules: dict[str, RetentionRule | None]) -> set[str]:
    """Return the runs that their rules keep for being among the last to end."""
    by_rule: dict[str, list[tuple[int, str]]] = {}
    for run in runs:
        rule = rules[run.run_id]
        if rule is not None and rule.keep and run.ended_ns is not None:
            by_rule.setdefault(rule.id, []).append((run.ended_ns, run.run_id))
    keep = {rule.id: rule.keep for rule in rules.values() if rule is not None}
    return {run_id for rule_id, ended in by_rule.items() for _, run_id in sorted(ended)[-keep[rule_id] :]}
