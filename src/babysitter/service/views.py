"""What the faces show: plain structs, made from what the journal holds, so masked already."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from babysitter.model import events as ev
from babysitter.model.lines import Record
from babysitter.model.rules import ANYBODY
from babysitter.model.values import Json
from babysitter.service.pending import OpenBreakpoint, OpenEffect
from babysitter.service.state import RunState


class View(Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing to show; ``--json`` prints it as it is."""


class TaskView(View, frozen=True, kw_only=True):
    """An effect. ``state``: requested, gated, running, backoff, unknown, ok, error or cancelled."""

    run_id: str
    effect_id: str
    call_id: str
    task_id: str
    kind: str
    label: str
    state: str
    attempt: int
    environment: str | None = None
    critical: bool = False
    due_at: str | None = None


class BreakpointView(View, frozen=True, kw_only=True):
    """A question. ``answers``: who said what so far; ``needs_key``: it was put to people by name."""

    run_id: str
    breakpoint_id: str
    question: str
    title: str
    context: Json
    tags: tuple[str, ...]
    rule: str
    quorum: int
    eligible: tuple[str, ...]
    needs_key: bool
    asked_at: str
    expires_at: str | None
    state: str
    answers: tuple[dict[str, Any], ...]


class RunView(View, frozen=True, kw_only=True):
    """Where a run stands. ``status``: running, waiting, completed, failed or cancelled."""

    run_id: str
    process_id: str
    entry: str
    status: str
    seq: int
    created_at: str
    updated_at: str
    requested_by: str
    sandbox: str
    steps: int
    done: int
    failed: int
    held_by: dict[str, Any] | None = None
    tasks: tuple[TaskView, ...] = ()
    breakpoints: tuple[BreakpointView, ...] = ()
    timers: tuple[dict[str, str], ...] = ()
    signals: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    output: Json = None
    error: dict[str, Any] | None = None
    location: str = ""


class EventView(View, frozen=True, kw_only=True):
    """A line of a journal."""

    seq: int
    type: str
    recorded_at: str
    data: Json


def event_view(record: Record) -> EventView:
    """Return a line as it is shown."""
    return EventView(
        seq=record.seq,
        type=record.type,
        recorded_at=record.recorded_at,
        data=msgspec.json.decode(record.data),
    )


def task_view(run_id: str, state: RunState, effect: OpenEffect) -> TaskView:
    """Return an open effect as it is shown."""
    requested = effect.requested
    return TaskView(
        run_id=run_id,
        effect_id=requested.effect_id,
        call_id=requested.call_id,
        task_id=requested.task_id,
        kind=requested.kind,
        label=requested.label,
        state="gated" if effect.phase == "requested" and state.is_gated(effect) else effect.phase,
        attempt=effect.attempt,
        environment=requested.environment,
        critical=requested.critical,
        due_at=effect.due_at,
    )


def breakpoint_view(run_id: str, asked: OpenBreakpoint, *, state: str = "open") -> BreakpointView:
    """Return a question as it is shown."""
    requested = asked.requested
    return BreakpointView(
        run_id=run_id,
        breakpoint_id=requested.breakpoint_id,
        question=requested.question,
        title=requested.title,
        context=requested.context,
        tags=requested.tags,
        rule=requested.rule,
        quorum=requested.quorum,
        eligible=requested.eligible,
        needs_key=ANYBODY not in requested.eligible,
        asked_at=asked.asked_at,
        expires_at=requested.expires_at,
        state=state,
        answers=tuple(
            {
                "approver": answer.approver,
                "decision": answer.decision,
                "comment": answer.comment,
                "method": answer.method,
                "onBehalfOf": answer.on_behalf_of,
                "breakGlass": answer.break_glass,
                "statementSha256": answer.statement_sha256,
            }
            for answer in asked.answers
        ),
    )


def run_view(
    run_id: str, state: RunState, *, location: str = "", held_by: dict[str, Any] | None = None
) -> RunView:
    """Return a run as it is shown."""
    created, end = state.created, state.end
    assert created is not None, "a run begins with RUN_CREATED"
    error = end.error if isinstance(end, ev.RunFailed) else None
    return RunView(
        run_id=run_id,
        process_id=created.process_id,
        entry=created.entry,
        status=state.status,
        seq=state.seq,
        created_at=state.created_at,
        updated_at=state.updated_at,
        requested_by=created.requested_by,
        sandbox=created.sandbox,
        steps=state.steps,
        done=state.done,
        failed=state.failed,
        held_by=held_by,
        tasks=tuple(task_view(run_id, state, effect) for effect in state.effects.values()),
        breakpoints=tuple(breakpoint_view(run_id, asked) for asked in state.breakpoints.values()),
        timers=tuple({"callId": call_id, "dueAt": due_at} for call_id, due_at in state.timers.items()),
        signals=tuple(state.signals.values()),
        children=tuple(child.child_run_id for child in state.children.values()),
        output=end.output if isinstance(end, ev.RunCompleted) else None,
        error=msgspec.to_builtins(error) if error is not None else None,
        location=location,
    )


def as_stored(view: RunView, mask: Callable[[Json], Json]) -> RunView:
    """Return a view of a driver's state, where values are in clear, as a reader of the journal has it."""
    return replace(
        view,
        tasks=tuple(replace(task, label=str(mask(task.label))) for task in view.tasks),
        breakpoints=tuple(_question_as_stored(asked, mask) for asked in view.breakpoints),
        signals=tuple(str(mask(name)) for name in view.signals),
        output=mask(view.output),
        error=mask(view.error),
    )


def _question_as_stored(view: BreakpointView, mask: Callable[[Json], Json]) -> BreakpointView:
    clear: dict[str, Json] = {
        "question": view.question,
        "title": view.title,
        "context": view.context,
        "tags": list(view.tags),
        "answers": list(view.answers),
    }
    masked = {name: mask(value) for name, value in clear.items()}
    masked["tags"], masked["answers"] = tuple(masked["tags"]), tuple(masked["answers"])
    return replace(view, **masked)
