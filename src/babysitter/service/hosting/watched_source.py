"""The code of a run's process with where the run stands in it, while it is still the code that the run has.

Where a call was made stands in the journal (``place``). Journals from before it stood there have none; then
the lines that name what the run waits for are marked, and it is said that they are a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.errors import EntryError, NotFoundError
from babysitter.service.hosting.visit import Visit
from babysitter.service.process.closure import read_sources
from babysitter.service.state import RunState
from babysitter.service.views import View

_PLACED = (ev.EffectRequested, ev.BreakpointRequested, ev.TimerSet, ev.SignalAwaited, ev.ChildStarted)
_PLACE = re.compile(r"([\w./-]+\.py):(\d+)")


class Standing(View, frozen=True, kw_only=True):
    """Something that a run waits for, and where its code asked for it.

    file, line: empty and 0 where that is not known. effect_id, breakpoint_id, child: which page tells more.
    """

    what: str
    file: str = ""
    line: int = 0
    effect_id: str = ""
    breakpoint_id: str = ""
    child: str = ""


class SourceLine(View, frozen=True, kw_only=True):
    """A line. ``why``: it is marked; empty: it is not. ``is_current``: the run stands at it."""

    number: int
    text: str
    why: str = ""
    is_current: bool = False


class SourceShown(View, frozen=True, kw_only=True):
    """The files of a process. ``problem``: why none can be shown; then there are none.

    failed: the run's error names a line of the file that is shown. standing: what the run waits for now.
    """

    workspace: str
    run_id: str
    entry: str
    digest: str
    problem: str
    files: tuple[str, ...]
    file: str
    lines: tuple[SourceLine, ...]
    failed: bool
    standing: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class VisitedSource:
    """The use case of a visitor who looks at the code of a run."""

    visit: Visit

    def show(self, run_id: str, workspace: str = "", *, file: str = "") -> SourceShown:
        """Return a file of the process; empty: where the run stands, else the one that the ENTRY names.

        Raises:
            NotFoundError: the process has no such file.
        """
        hosted = self.visit.run("run.read", run_id, workspace)
        state, places = RunState(), dict[str, str]()
        for record in read_records(hosted.workspace.store, run_id, torn_tail_ok=True):
            event = record.event()
            state.apply(event, seq=record.seq, recorded_at=record.recorded_at)
            if isinstance(event, _PLACED) and event.place:
                places[event.call_id] = event.place
        assert state.created is not None, "a run that is found begins with RUN_CREATED"
        facts: dict[str, Any] = {
            "workspace": hosted.id,
            "run_id": run_id,
            "entry": state.created.entry,
            "digest": state.digest,
            "standing": standing_of(state, places),
        }
        try:
            sources = read_sources(state.created.entry, hosted.workspace.root)
        except EntryError as error:
            return SourceShown(**facts, problem=error.message, files=(), file="", lines=(), failed=False)
        if sources.digest != state.digest:
            problem = (
                "The code has changed since: its digest is another now, so it is not shown as the run's."
            )
            return SourceShown(**facts, problem=problem, files=(), file="", lines=(), failed=False)
        here = [each.file for each in facts["standing"] if each.file in sources.files]
        name = file or next(iter(here), sources.file)
        if name not in sources.files:
            raise NotFoundError(
                f"the process has no file {name[:80]}.", hint=f"See its files at /runs/{run_id}/source."
            )
        secrets = hosted.workspace.secrets(state.created.secrets)
        try:
            text = secrets.masker.mask_string(sources.files[name].decode("utf-8", "replace"))
        finally:
            secrets.vault.close()
        failed = _failed_at(state.end.error.message if isinstance(state.end, ev.RunFailed) else "", name)
        marks = _Marks(name, failed, facts["standing"], state)
        lines = tuple(marks.line(number, line) for number, line in enumerate(text.split("\n"), 1))
        return SourceShown(
            **facts,
            problem="",
            files=tuple(sorted(sources.files)),
            file=name,
            lines=lines,
            failed=failed > 0,
        )


def _failed_at(message: str, name: str) -> int:
    """Return the last line of the file that an error's text names; 0: none."""
    found = [int(line) for path, line in _PLACE.findall(message) if path.endswith(name)]
    return found[-1] if found else 0


def standing_of(state: RunState, places: Mapping[str, str]) -> tuple[Standing, ...]:
    """Return what a run waits for, in the order in which it asked. ``places``: where, by call."""
    if state.end is not None:
        return ()
    found: list[tuple[str, Standing]] = [
        *(
            (effect.requested.call_id, Standing(what=effect.requested.label, effect_id=effect_id))
            for effect_id, effect in state.effects.items()
        ),
        *(
            (asked.requested.call_id, Standing(what="an answer", breakpoint_id=breakpoint_id))
            for breakpoint_id, asked in state.breakpoints.items()
            # What the rules ask before an effect is asked at the effect's place.
            if "!" not in asked.requested.call_id
        ),
        *((call, Standing(what=f"the time {due_at}")) for call, due_at in state.timers.items()),
        *((call, Standing(what=f"a signal {name}")) for call, name in state.signals.items()),
        *(
            (call, Standing(what=child.process_id, child=child.child_run_id))
            for call, child in state.children.items()
        ),
    ]
    order = {call: number for number, call in enumerate(places)}
    found.sort(key=lambda each: order.get(each[0], len(order)))
    return tuple(_placed(each, places.get(call, "")) for call, each in found)


def _placed(standing: Standing, place: str) -> Standing:
    file, _, line = place.rpartition(":")
    return replace(standing, file=file, line=int(line)) if line.isdecimal() else standing


class _Marks:
    """Which lines of a file are marked, and why."""

    def __init__(self, file: str, failed: int, standing: tuple[Standing, ...], state: RunState) -> None:
        self._failed = failed
        self._current: dict[int, list[str]] = {}
        for each in standing:
            if each.file == file:
                self._current.setdefault(each.line, []).append(each.what)
        is_known = any(each.file for each in standing)
        self._guessed = set() if is_known else {each.requested.task_id for each in state.effects.values()}

    def line(self, number: int, text: str) -> SourceLine:
        if number == self._failed:
            return SourceLine(number=number, text=text, why="the run's error names this line")
        if number in self._current:
            why = f"the run waits here for {', '.join(self._current[number])}"
            return SourceLine(number=number, text=text, why=why, is_current=True)
        named = sorted(task for task in self._guessed if re.search(rf"\b{re.escape(task)}\b", text))
        why = f"names {', '.join(named)}, which the run waits for" if named else ""
        return SourceLine(number=number, text=text, why=why)
