"""What the rules of retention would let go: which runs are due, which are held, when the next one is due.

Reads the catalogue's entries and no journal; folders are measured only of the runs that are listed as due.
It removes nothing. Which run is due: policy/retention.py.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from babysitter.journal.reader import Store
from babysitter.model.clock import format_time, parse_time
from babysitter.model.errors import NotFoundError, StoreFailedError, UsageError
from babysitter.model.retention_settings import RetentionTable
from babysitter.policy.retention import Decision, RunFacts, decide
from babysitter.service.hosting.catalogue import Catalogue, Entry
from babysitter.service.hosting.visit import Visit
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

LIMIT_MAX = 200
_NO_TIME_NS = parse_time("9000-01-01T00:00:00Z")


class RuleShown(View, frozen=True, kw_only=True):
    """A rule. runs: how many ended runs it decides about; kept: those that it keeps as the newest."""

    id: str
    processes: tuple[str, ...]
    status: tuple[str, ...]
    after_days: int
    keep: int
    action: str
    runs: int
    due: int
    kept: int


class HoldShown(View, frozen=True, kw_only=True):
    """A hold. missing: runs that it names and that are not there, which a slip of the pen may be."""

    id: str
    reason: str
    by: str
    runs: int
    missing: tuple[str, ...]


class DueRun(View, frozen=True, kw_only=True):
    """A run that its rule lets go. due_since: since when. bytes: of its files; None: can't be measured."""

    run_id: str
    process_id: str
    status: str
    ended_at: str
    rule: str
    due_since: str
    bytes: int | None


class HeldRun(View, frozen=True, kw_only=True):
    """A run that is held, itself or with its family, whether or not a rule would let it go."""

    run_id: str
    process_id: str
    status: str
    hold: str
    reason: str
    by: str


class RetentionPlan(View, frozen=True, kw_only=True):
    """What would be let go now, were it done. Nothing was removed.

    due, held: some of each, from ``skip`` on; what is due longest comes first. bytes: of those in ``due``.
    next_due_at: when the next run becomes due if nothing else happens; None: none will.
    The others stay: ``later``: not yet due; ``kept``: among the newest of their rule; ``family``: a parent or
    child run of theirs has not ended; ``unended``; ``unruled``: no rule is for them; ``unreadable``: their
    journals, so nobody can tell whether they have ended.
    """

    workspace: str
    at: str
    rules: tuple[RuleShown, ...]
    holds: tuple[HoldShown, ...]
    due: tuple[DueRun, ...]
    due_total: int
    bytes: int
    held: tuple[HeldRun, ...]
    held_total: int
    skip: int
    next_due_at: str | None
    next_due_rule: str
    later: int
    kept: int
    family: int
    unended: int
    unruled: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of the lists. limit: how many of each; None: all."""

    skip: int = 0
    limit: int | None = None

    @property
    def slice(self) -> slice:
        """The part, of a list."""
        return slice(self.skip, None if self.limit is None else self.skip + self.limit)


WHOLE = Part()


def retention_plan(workspace: Workspace) -> RetentionPlan:
    """Return all that is due in a workspace, after one look at each run's journal."""
    catalogue = Catalogue(workspace.store, glances=False)
    catalogue.look()
    name = workspace.place.settings.workspace.id or workspace.root.resolve().name
    return _plan(workspace, name, catalogue.all(), WHOLE)


@dataclass(frozen=True, slots=True)
class VisitedRetention:
    """The use case of a visitor who audits."""

    visit: Visit

    def plan(self, workspace: str = "", *, skip: int = 0, limit: int = 50) -> RetentionPlan:
        """Return what is due, of the runs that the server knows of.

        Raises:
            UsageError: a number is out of range.
            SettingsError: the settings were changed and are wrong now, so nobody can say what is due.
        """
        hosted = self.visit.at("audit.read", workspace)
        if skip < 0 or not 1 <= limit <= LIMIT_MAX:
            raise UsageError(
                f"skip is {skip} and limit {limit}.",
                hint=f"Skip none or more, and ask for 1 to {LIMIT_MAX} runs at once.",
            )
        hosted.workspace.policy_now()
        part = Part(skip=skip, limit=limit)
        return _plan(hosted.workspace, hosted.id, hosted.catalogue.all(), part)


def facts_of(entries: Sequence[Entry]) -> list[RunFacts]:
    """Return what decides about each run. What can't be read has not ended, as far as anybody can tell."""
    known = {entry.run_id for entry in entries}
    return [
        RunFacts(
            run_id=entry.run_id,
            process_id=entry.process_id,
            status=entry.status,
            ended_ns=_ended_ns(entry),
            parent_run_id=_parent_of(entry, known),
        )
        for entry in entries
    ]


def _ended_ns(entry: Entry) -> int | None:
    """Return when a run ended: the time of its last line, since a journal never grows after its end."""
    if not entry.has_ended or entry.problem:
        return None
    try:
        ended_ns = parse_time(entry.updated_at)
    except ValueError:
        return None
    # Days after a time that no calendar has could not be told.
    return ended_ns if ended_ns < _NO_TIME_NS else None


def _parent_of(entry: Entry, known: Collection[str]) -> str | None:
    if not entry.problem:
        return entry.parent_run_id
    # Its first line can't be believed, but the id of a child run is its parent's, a dot, and a call's, which
    # may have dots of its own, as a parent's id may.
    above = entry.run_id
    while "." in above:
        above = above.rpartition(".")[0]
        if above in known:
            return above
    return None


def _plan(workspace: Workspace, name: str, entries: Sequence[Entry], part: Part) -> RetentionPlan:
    table, now_ns = workspace.place.settings.retention, workspace.clock.now_ns()
    decisions = decide(table, facts_of(entries), now_ns)
    counts = Counter(each.standing for each in decisions)
    by_id = {entry.run_id: entry for entry in entries}
    due = sorted((each for each in decisions if each.standing == "due"), key=_due_at)
    held = sorted((each for each in decisions if each.standing == "held"), key=lambda each: each.run.run_id)
    upcoming = min((each for each in decisions if each.standing == "later"), key=_due_at, default=None)
    shown = tuple(_due_run(each, by_id[each.run.run_id], workspace.store) for each in due[part.slice])
    unreadable = sum(
        1 for each in decisions if each.standing == "open" and _is_unreadable(by_id[each.run.run_id])
    )
    return RetentionPlan(
        workspace=name,
        at=format_time(now_ns),
        rules=_rules(table, decisions),
        holds=_holds(table, decisions),
        due=shown,
        due_total=len(due),
        bytes=sum(run.bytes or 0 for run in shown),
        held=tuple(_held_run(each) for each in held[part.slice]),
        held_total=len(held),
        skip=part.skip,
        next_due_at=format_time(_due_at(upcoming)[0]) if upcoming is not None else None,
        next_due_rule=upcoming.rule.id if upcoming is not None and upcoming.rule is not None else "",
        later=counts["later"],
        kept=counts["kept"],
        family=counts["family"],
        unended=counts["open"] - unreadable,
        unruled=counts["unruled"],
        unreadable=unreadable,
    )


def _is_unreadable(entry: Entry) -> bool:
    return bool(entry.problem) or entry.has_ended


def _due_at(decision: Decision) -> tuple[int, str]:
    assert decision.due_ns is not None, "what a rule decides about has a time"
    return decision.due_ns, decision.run.run_id


def _due_run(decision: Decision, entry: Entry, store: Store) -> DueRun:
    assert decision.rule is not None, "nothing is due without a rule"
    return DueRun(
        run_id=entry.run_id,
        process_id=entry.process_id,
        status=entry.status,
        ended_at=entry.updated_at,
        rule=decision.rule.id,
        due_since=format_time(_due_at(decision)[0]),
        bytes=_bytes_of(store, entry.run_id),
    )


def _bytes_of(store: Store, run_id: str) -> int | None:
    """Return how large a run is; None where it went away meanwhile or a part of it can't be opened."""
    try:
        return store.size(run_id)
    except (NotFoundError, StoreFailedError):
        return None


def _held_run(decision: Decision) -> HeldRun:
    run, hold = decision.run, decision.hold
    assert hold is not None, "somebody holds what is held"
    return HeldRun(
        run_id=run.run_id,
        process_id=run.process_id,
        status=run.status,
        hold=hold.id,
        reason=hold.reason,
        by=hold.by,
    )


def _rules(table: RetentionTable, decisions: Sequence[Decision]) -> tuple[RuleShown, ...]:
    counts = Counter((each.rule.id, each.standing) for each in decisions if each.rule is not None)
    runs = Counter(each.rule.id for each in decisions if each.rule is not None)
    return tuple(
        RuleShown(
            id=rule.id,
            processes=rule.processes,
            status=rule.status,
            after_days=rule.after_days,
            keep=rule.keep,
            action=rule.action,
            runs=runs[rule.id],
            due=counts[rule.id, "due"],
            kept=counts[rule.id, "kept"],
        )
        for rule in table.rules
    )


def _holds(table: RetentionTable, decisions: Sequence[Decision]) -> tuple[HoldShown, ...]:
    there = {each.run.run_id for each in decisions}
    counts = Counter(each.hold.id for each in decisions if each.hold is not None)
    return tuple(
        HoldShown(
            id=hold.id,
            reason=hold.reason,
            by=hold.by,
            runs=counts[hold.id],
            missing=tuple(run_id for run_id in hold.runs if run_id not in there),
        )
        for hold in table.holds
    )
