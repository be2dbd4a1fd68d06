"""The rows of a run's timeline: what is drawn, from what a fold over its events has kept.

Pure. The calls of a parallel block stand below a row of their own; the rest in the order of their calls.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.service.hosting.time_axis import NS
from babysitter.service.views import View

_CALL = re.compile(r"[0-9.]*")


class Bar(View, frozen=True, kw_only=True):
    """A stretch of a row. ``kind``: queue, work, backoff, people, timer, signal, child or span.

    left, width: where on the line, 0 to 100. open: it goes on.
    """

    kind: str
    begin_ns: int
    end_ns: int
    open: bool
    left: float
    width: float


class Row(View, frozen=True, kw_only=True):
    """A row. ``kind``: task, question, timer, signal, child or parallel.

    ref: the id of the effect, the question or the child run. depth: how deep in parallel blocks.
    attempt: which one this is; 0: none has begun. seconds: in its last stretch. denials: by the sandbox.
    """

    call_id: str
    depth: int
    kind: str
    ref: str
    label: str
    state: str
    attempt: int
    began_at: str
    seconds: float
    bars: tuple[Bar, ...]
    task_kind: str = ""
    denials: int = 0
    critical: bool = False
    environment: str = ""


class Gap(View, frozen=True, kw_only=True):
    """An idle stretch that is drawn short. ``seconds``: how long it was."""

    left: float
    width: float
    seconds: float


class Told(View, frozen=True, kw_only=True):
    """What the process wrote with ``ctx.log``."""

    seq: int
    at: str
    level: str
    message: str


class TimelineView(View, frozen=True, kw_only=True):
    """A run's rows, and what its time went by with, in seconds; the parts add up to ``elapsed``.

    people: nothing worked and a person was waited for. timers: nothing worked, nobody was waited for, and a
    timer, a signal or the next attempt was. children: only a child run was. other: nothing of these, as while
    nobody drove it. usage: what tasks said they used, summed up by name.
    """

    rows: tuple[Row, ...]
    gaps: tuple[Gap, ...]
    began_at: str
    ended_at: str | None
    elapsed: float
    working: float
    people: float
    timers: float
    children: float
    other: float
    attempts: int
    retries: int
    usage: dict[str, float]
    logs: tuple[Told, ...]


@dataclass(slots=True)
class Stretch:
    """A part of a row, from a moment to another, or to none yet."""

    kind: str
    begin_ns: int
    end_ns: int | None = None

    def close(self, at_ns: int) -> None:
        """Afterwards it has an end."""
        if self.end_ns is None:
            self.end_ns = max(at_ns, self.begin_ns)


@dataclass(slots=True, kw_only=True)
class Line:
    """A row as it grows. See ``Row``."""

    call_id: str
    kind: str
    ref: str
    label: str
    state: str
    attempt: int = 0
    stretches: list[Stretch] = field(default_factory=list)
    requested: ev.EffectRequested | None = None
    denials: int = 0

    def close(self, at_ns: int, state: str) -> None:
        """Afterwards nothing of it goes on."""
        for stretch in self.stretches:
            stretch.close(at_ns)
        self.state = state

    @property
    def is_open(self) -> bool:
        """Whether something of it goes on."""
        return any(stretch.end_ns is None for stretch in self.stretches)


def call_path(call_id: str) -> tuple[int, ...]:
    """Return the numbers of a call's id: ``4.0.1!gate`` is call 1 of branch 0 of call 4."""
    found = _CALL.match(call_id)
    return tuple(int(part) for part in (found[0] if found else "").split(".") if part)


def row_of(line: Line, place: Callable[[int], float], end_ns: int) -> Row:
    """Return a row as it is drawn; what is open ends then."""
    bars = tuple(_bar(each, place, end_ns) for each in line.stretches)
    requested = line.requested
    return Row(
        call_id=line.call_id,
        depth=(max(0, len(call_path(line.call_id)) - 1)) // 2 + ("!" in line.call_id),
        kind=line.kind,
        ref=line.ref,
        label=line.label,
        state=line.state,
        attempt=line.attempt,
        began_at=format_time(bars[0].begin_ns),
        seconds=(bars[-1].end_ns - bars[-1].begin_ns) / NS,
        bars=bars,
        task_kind=requested.kind if requested is not None else "",
        denials=line.denials,
        critical=requested.critical if requested is not None else False,
        environment=(requested.environment or "") if requested is not None else "",
    )


def _bar(stretch: Stretch, place: Callable[[int], float], now_ns: int) -> Bar:
    end_ns = stretch.end_ns if stretch.end_ns is not None else max(now_ns, stretch.begin_ns)
    left = place(stretch.begin_ns)
    return Bar(
        kind=stretch.kind,
        begin_ns=stretch.begin_ns,
        end_ns=end_ns,
        open=stretch.end_ns is None,
        left=left,
        width=place(end_ns) - left,
    )


def with_blocks(rows: Sequence[Row], place: Callable[[int], float]) -> Iterator[Row]:
    """Yield the rows in the order of their calls, the rows of each parallel block below one of its own."""
    blocks: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        path = call_path(row.call_id)
        for length in range(1, len(path) - 1, 2):
            blocks.setdefault(path[:length], []).append(row)
    heads = [_block(path, inside, place) for path, inside in blocks.items()]
    yield from sorted([*heads, *rows], key=lambda row: (call_path(row.call_id), row.call_id, row.attempt))


def _block(path: tuple[int, ...], inside: list[Row], place: Callable[[int], float]) -> Row:
    bars = [bar for row in inside for bar in row.bars]
    begin_ns, end_ns = min(bar.begin_ns for bar in bars), max(bar.end_ns for bar in bars)
    is_open = any(bar.open for bar in bars)
    branches = len({call_path(row.call_id)[len(path)] for row in inside})
    left = place(begin_ns)
    span = Bar(
        kind="span", begin_ns=begin_ns, end_ns=end_ns, open=is_open, left=left, width=place(end_ns) - left
    )
    return Row(
        call_id=".".join(str(part) for part in path),
        depth=(len(path) - 1) // 2,
        kind="parallel",
        ref="",
        label=f"{branches} branch{'es' if branches != 1 else ''}",
        state="running" if is_open else "done",
        attempt=0,
        began_at=format_time(begin_ns),
        seconds=(end_ns - begin_ns) / NS,
        bars=(span,),
    )
