"""Reads a run's journal as the rows of a timeline: effects, questions, timers, signals and children.

Knows the lines, not the picture: tools/picture.py draws. Standard library only.
What the lines mean: docs/reference/events.md.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Bar:
    """A stretch of time, seconds since 1970. ``look``: a class of the style sheet."""

    begin: float
    end: float
    look: str
    works: bool = False
    open: bool = False


@dataclass
class Row:
    """One line of the picture. ``diamonds``: moments at which people were asked and answered."""

    name: str
    kind: str
    depth: int
    bars: list[Bar] = field(default_factory=list)
    diamonds: list[tuple[float, str]] = field(default_factory=list)
    outcome: str = "open"
    look: str = "wait"
    began: dict[int, float] = field(default_factory=dict)


@dataclass
class Run:
    """What a journal says, as far as the picture needs it."""

    rows: dict[str, Row] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)
    process: str = ""
    run_id: str = ""
    status: str = "not ended"
    look: str = "wait"
    begin: float = 0.0
    end: float = 0.0
    lines: int = 0
    signals: list[str] = field(default_factory=list)


def moment(text: str) -> float:
    """Return the seconds since 1970 of a journaled time."""
    return datetime.fromisoformat(text).timestamp()


def words(value: object) -> str:
    """Return an author's value as text: a string as it is, anything else (a reference, for one) as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    if seconds < 172_800:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{seconds / 86_400:.1f} days"


def depth(call_id: str) -> int:
    """Return how many branches deep a call stands: ``3`` is 0, ``4.0.1`` is 1."""
    return call_id.split("!", maxsplit=1)[0].count(".") // 2


def read_run(lines: Iterable[str]) -> Run:
    """Return what the lines of a journal say."""
    run = Run()
    for line in lines:
        record = json.loads(line)
        at, data = moment(record["recordedAt"]), record["data"]
        run.begin = run.begin or at
        run.end, run.lines = max(run.end, at), run.lines + 1
        take = TAKERS.get(record["type"])
        if take is not None:
            take(run, at, data)
    for row in run.rows.values():
        for bar in row.bars:
            bar.end = run.end if bar.open else bar.end
    return run


def _created(run: Run, _at: float, data: dict[str, Any]) -> None:
    run.process, run.run_id = data["processId"], data["runId"]


def _ended(status: str, look: str) -> Callable[[Run, float, dict[str, Any]], None]:
    def take(run: Run, _at: float, _data: dict[str, Any]) -> None:
        run.status, run.look = status, look

    return take


def _effect_requested(run: Run, _at: float, data: dict[str, Any]) -> None:
    name = words(data.get("label") or data["taskId"])
    run.rows[data["effectId"]] = Row(name, data["kind"], depth(data["callId"]))


def _effect_started(run: Run, at: float, data: dict[str, Any]) -> None:
    row = run.rows[data["effectId"]]
    row.began[data["attempt"]] = at
    row.bars.append(Bar(at, at, "wait", works=True, open=True))


def _attempt_ended(row: Row, at: float, data: dict[str, Any], look: str) -> None:
    if row.bars and row.bars[-1].open:
        row.bars.pop()
    began = moment(data["startedAt"]) if data.get("startedAt") else row.began.get(data["attempt"], at)
    ended = moment(data["finishedAt"]) if data.get("finishedAt") else at
    row.bars.append(Bar(began, ended, look, works=True))


def _effect_retry(run: Run, at: float, data: dict[str, Any]) -> None:
    row = run.rows[data["effectId"]]
    _attempt_ended(row, at, data, "again")
    row.outcome, row.look = "trying again", "again"


def _effect_resolved(run: Run, at: float, data: dict[str, Any]) -> None:
    row, good = run.rows[data["effectId"]], data["status"] == "ok"
    _attempt_ended(row, at, data, "ok" if good else "bad")
    spent = duration(sum(bar.end - bar.begin for bar in row.bars if bar.works))
    tries = f" · {data['attempt']} tries" if data["attempt"] > 1 else ""
    row.outcome, row.look = (f"{spent}{tries}", "ok") if good else (f"failed{tries}", "bad")


def _effect_cancelled(run: Run, at: float, data: dict[str, Any]) -> None:
    row = run.rows[data["effectId"]]
    if row.bars and row.bars[-1].open:
        row.bars[-1] = Bar(row.bars[-1].begin, at, "again", works=True)
    row.outcome, row.look = "cancelled", "again"


def _effect_unknown(run: Run, at: float, data: dict[str, Any]) -> None:
    row = run.rows[data["effectId"]]
    if row.bars and row.bars[-1].open:
        row.bars[-1] = Bar(row.bars[-1].begin, at, "again faint")
    row.outcome, row.look = "outcome unknown", "again"
    run.marks.append((at, "resumed"))


def _asked(run: Run, at: float, data: dict[str, Any]) -> None:
    name = words(data.get("title") or data["question"])
    row = Row(name, "question", depth(data["callId"]), outcome="waiting for a person", look="ask")
    row.bars.append(Bar(at, at, "ask faint", open=True))
    row.diamonds.append((at, "ask"))
    run.rows[data["breakpointId"]] = row


def _answered(outcome: str, look: str) -> Callable[[Run, float, dict[str, Any]], None]:
    def take(run: Run, at: float, data: dict[str, Any]) -> None:
        row = run.rows[data["breakpointId"]]
        row.bars[-1] = Bar(row.bars[-1].begin, at, "ask faint")
        row.diamonds.append((at, look))
        row.outcome, row.look = outcome, look

    return take


def _waiting(kind: str) -> Callable[[Run, float, dict[str, Any]], None]:
    def take(run: Run, at: float, data: dict[str, Any]) -> None:
        name = words(data.get("name") or data.get("processId") or "until " + data.get("dueAt", "")[11:19])
        row = Row(name, kind, depth(data["callId"]), outcome="waiting")
        works = kind == "child run"
        row.bars.append(Bar(at, at, "wait" if works else "wait faint", works, open=True))
        run.rows[data["callId"]] = row
        if kind == "signal":
            run.signals.append(data["callId"])

    return take


def _wait_ended(run: Run, at: float, data: dict[str, Any]) -> None:
    row = run.rows.get(data["callId"])
    if row is not None and row.bars:
        row.bars[-1] = Bar(row.bars[-1].begin, at, row.bars[-1].look, row.bars[-1].works)
        row.outcome = data.get("status", duration(at - row.bars[-1].begin))
        row.look = "bad" if data.get("status") == "failed" else "ok"


def _signal_received(run: Run, at: float, data: dict[str, Any]) -> None:
    for call_id in run.signals:
        if run.rows[call_id].name == words(data["name"]):
            run.signals.remove(call_id)
            _wait_ended(run, at, {"callId": call_id})
            return


def _marked(text: str) -> Callable[[Run, float, dict[str, Any]], None]:
    return lambda run, at, _data: run.marks.append((at, text))


TAKERS: dict[str, Callable[[Run, float, dict[str, Any]], None]] = {
    "RUN_CREATED": _created,
    "RUN_COMPLETED": _ended("completed", "ok"),
    "RUN_FAILED": _ended("failed", "bad"),
    "RUN_CANCELLED": _ended("cancelled", "again"),
    "RUN_CANCEL_REQUESTED": _marked("cancel asked"),
    "JOURNAL_RECOVERED": _marked("recovered"),
    "PROCESS_CHANGED": _marked("code changed"),
    "EFFECT_REQUESTED": _effect_requested,
    "EFFECT_STARTED": _effect_started,
    "EFFECT_RETRY_SCHEDULED": _effect_retry,
    "EFFECT_RESOLVED": _effect_resolved,
    "EFFECT_CANCELLED": _effect_cancelled,
    "EFFECT_UNKNOWN": _effect_unknown,
    "BREAKPOINT_REQUESTED": _asked,
    "BREAKPOINT_RELEASED": _answered("approved", "ok"),
    "BREAKPOINT_REJECTED": _answered("rejected", "bad"),
    "BREAKPOINT_EXPIRED": _answered("expired", "bad"),
    "TIMER_SET": _waiting("timer"),
    "TIMER_FIRED": _wait_ended,
    "SIGNAL_AWAITED": _waiting("signal"),
    "SIGNAL_RECEIVED": _signal_received,
    "CHILD_STARTED": _waiting("child run"),
    "CHILD_ENDED": _wait_ended,
}
