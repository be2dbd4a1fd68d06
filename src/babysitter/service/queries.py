"""Reading for the faces: runs, lines, tasks and breakpoints as views.

Needs no lease, no process and no secret.
"""

from collections.abc import Iterator, Sequence

import msgspec

from babysitter.journal.reader import Piece, read_records
from babysitter.model import events as ev
from babysitter.model.errors import NotFoundError
from babysitter.service.pending import OpenBreakpoint
from babysitter.service.reading import read_state, read_states, resolve_run_id
from babysitter.service.views import (
    BreakpointView,
    EventView,
    RunView,
    TaskView,
    breakpoint_view,
    event_view,
    run_view,
)
from babysitter.service.wiring import Workspace

_TASK_STATES: dict[type[ev.Event], str] = {
    ev.EffectStarted: "running",
    ev.EffectRetryScheduled: "backoff",
    ev.EffectUnknown: "unknown",
    ev.EffectCancelled: "cancelled",
}
_DECIDED: dict[type[ev.Event], str] = {
    ev.BreakpointReleased: "released",
    ev.BreakpointRejected: "rejected",
    ev.BreakpointExpired: "expired",
    ev.BreakpointLapsed: "lapsed",
}


class Queries:
    """What there is to see in one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = workspace.store

    def run_id(self, text: str) -> str:
        """Return the id of the run that the text names."""
        return resolve_run_id(self._store, text)

    def status(self, run_id: str) -> RunView:
        """Return where a run stands, and who drives it."""
        holder = self._store.holder(run_id)
        held_by = msgspec.to_builtins(holder) if holder is not None else None
        return run_view(
            run_id, read_state(self._store, run_id), location=self._store.location(run_id), held_by=held_by
        )

    def runs(self, *, status: str | None = None) -> list[RunView]:
        """Return every run, newest first."""
        views = [
            run_view(run_id, state, location=self._store.location(run_id))
            for run_id, state in read_states(self._store)
        ]
        views = [view for view in views if status is None or view.status == status]
        return sorted(views, key=lambda view: view.created_at, reverse=True)

    def events(self, run_id: str, *, after: int = 0) -> Iterator[EventView]:
        """Yield a run's lines from the one after ``after`` on."""
        for record in read_records(self._store, run_id, torn_tail_ok=True):
            if record.seq > after:
                yield event_view(record)

    def events_page(
        self, run_id: str, *, after: int = 0, types: Sequence[str] = (), limit: int, bytes_max: int
    ) -> tuple[list[EventView], bool]:
        """Return the next lines, at least one where there are any, and whether more follow."""
        found: list[EventView] = []
        size = 0
        for record in read_records(self._store, run_id, torn_tail_ok=True):
            if record.seq <= after or (types and record.type not in types):
                continue
            size += len(record.data)
            if found and (len(found) >= limit or size > bytes_max):
                return found, True
            found.append(event_view(record))
        return found, False

    def journal(self, run_id: str) -> bytes:
        """Return a run's journal, byte for byte."""
        return self._store.read_journal(run_id)

    def location(self, run_id: str, path: str = "") -> str:
        """Return where a file of a run is."""
        return self._store.location(run_id, path)

    def tasks(self, run_id: str) -> list[TaskView]:
        """Return every effect of a run with its state, in the order they were asked for."""
        found: dict[str, TaskView] = {}
        for record in read_records(self._store, run_id, torn_tail_ok=True):
            event = record.event()
            if isinstance(event, ev.EffectRequested):
                found[event.effect_id] = TaskView(
                    run_id=run_id,
                    effect_id=event.effect_id,
                    call_id=event.call_id,
                    task_id=event.task_id,
                    kind=event.kind,
                    label=event.label,
                    state="requested",
                    attempt=0,
                    environment=event.environment,
                    critical=event.critical,
                )
                continue
            effect_id = getattr(event, "effect_id", None)
            if effect_id in found:
                state = (
                    event.status if isinstance(event, ev.EffectResolved) else _TASK_STATES.get(type(event))
                )
                attempt = getattr(event, "attempt", found[effect_id].attempt)
                if state is not None:
                    found[effect_id] = msgspec.structs.replace(found[effect_id], state=state, attempt=attempt)
        return list(found.values())

    def task_events(self, run_id: str, effect_id: str) -> list[EventView]:
        """Return the lines that speak of one effect.

        Raises:
            NotFoundError: the run has no such effect.
        """
        views = [
            event_view(record)
            for record in read_records(self._store, run_id, torn_tail_ok=True)
            if getattr(record.event(), "effect_id", None) == effect_id
        ]
        if not views:
            raise NotFoundError(
                f"run {run_id} has no effect {effect_id}.",
                hint=f"See them with: babysitter task list {run_id}",
            )
        return views

    def find_breakpoint(self, text: str) -> tuple[str, BreakpointView]:
        """Return the run and the breakpoint, decided or not, that ``<run>/<breakpoint>`` names.

        Both parts may be beginnings.

        Raises:
            NotFoundError: none, or several.
        """
        run_text, mark, name = text.partition("/")
        run_id = self.run_id(run_text)
        views = (
            [view for view in self.breakpoints(run_id) if view.breakpoint_id.startswith(name)] if mark else []
        )
        exact = [view for view in views if view.breakpoint_id == name]
        if len(exact or views) != 1:
            raise NotFoundError(
                f"{text} names no breakpoint of run {run_id}.",
                hint=f"See them with: babysitter breakpoint list {run_id}",
            )
        return run_id, (exact or views)[0]

    def breakpoint_events(self, run_id: str, breakpoint_id: str) -> list[EventView]:
        """Return the lines that speak of one breakpoint, from the question on."""
        return [
            event_view(record)
            for record in read_records(self._store, run_id, torn_tail_ok=True)
            if getattr(record.event(), "breakpoint_id", None) == breakpoint_id
        ]

    def read_file(self, run_id: str, path: str) -> bytes:
        """Return a file of a run, as it is kept."""
        return self._store.read_file(run_id, path)

    def read_piece(self, run_id: str, path: str, *, offset: int, bytes_max: int) -> Piece:
        """Return a part of a file of a run; ``offset`` -1: its end. Tasks may write as much as they like."""
        return self._store.read_piece(run_id, path, offset=offset, bytes_max=bytes_max)

    def inbox(self) -> list[BreakpointView]:
        """Return every open breakpoint, oldest first."""
        found = [
            breakpoint_view(run_id, asked)
            for run_id, state in read_states(self._store)
            if state.end is None
            for asked in state.breakpoints.values()
        ]
        return sorted(found, key=lambda view: view.asked_at)

    def breakpoints(self, run_id: str) -> list[BreakpointView]:
        """Return every breakpoint of a run, decided ones too, in the order they were asked."""
        asked: dict[str, OpenBreakpoint] = {}
        states: dict[str, str] = {}
        for record in read_records(self._store, run_id, torn_tail_ok=True):
            event = record.event()
            if isinstance(event, ev.BreakpointRequested):
                asked[event.breakpoint_id] = OpenBreakpoint(event, record.recorded_at)
                states[event.breakpoint_id] = "open"
            elif isinstance(event, ev.BreakpointResponded):
                asked[event.breakpoint_id].answers.append(event)
            elif type(event) in _DECIDED:
                states[str(getattr(event, "breakpoint_id", ""))] = _DECIDED[type(event)]
            elif isinstance(event, ev.CallCancelled):
                let_go = [
                    key for key, question in asked.items() if question.requested.call_id == event.call_id
                ]
                states |= {key: "cancelled" for key in let_go if states[key] == "open"}
        return [breakpoint_view(run_id, question, state=states[key]) for key, question in asked.items()]
