"""What ``run watch`` and ``inbox --watch`` draw: a screen's lines, of a timeline or of questions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from babysitter.cli.plain import plain
from babysitter.cli.question import one_line
from babysitter.cli.screen import cut
from babysitter.service.hosting.amounts import duration, figure
from babysitter.service.hosting.timeline_rows import Row, TimelineView
from babysitter.service.views import BreakpointView, RunView

_SIGNS = {
    "ok": "✓",
    "completed": "✓",
    "released": "✓",
    "fired": "✓",
    "received": "✓",
    "error": "✗",
    "failed": "✗",
    "rejected": "✗",
    "expired": "✗",
    "unknown": "?",
    "running": "▶",
    "backoff": "↻",
    "open": "◆",
}
_COLOURS = {"✓": "green", "✗": "red", "?": "red", "▶": "blue", "↻": "yellow", "◆": "cyan"}
_BARS = {"work": "█", "people": "▒", "child": "▓", "queue": "·", "backoff": "·", "span": "─"}
_BAR_CELLS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a screen. ``colour``: of click's; empty: none."""

    text: str
    colour: str = ""
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A screen, in cells."""

    columns: int
    lines: int


def run_screen(run: RunView, times: TimelineView, size: Size, *, back: int = 0) -> list[Line]:
    """Return the lines of a run. ``back``: how many of the last rows are scrolled out of sight."""
    head = [
        Line(text=f"{run.run_id}  {plain(run.process_id)}  {run.status}", bold=True),
        Line(text=_spent(run, times)),
    ]
    if run.error is not None:
        head.append(Line(text=one_line(f"{run.error['name']}: {run.error['message']}"), colour="red"))
    asks = [line for asked in run.breakpoints[:3] for line in _question(asked)]
    asks += [
        Line(text=f"waits for the signal {plain(name)}: babysitter run signal {run.run_id} {plain(name)}")
        for name in run.signals[:2]
    ]
    room = max(1, size.lines - len(head) - len(asks) - 3)
    end = max(min(room, len(times.rows)), len(times.rows) - back)
    rows = times.rows[max(0, end - room) : end]
    body = [_row_line(row, size.columns) for row in rows]
    body += [Line(text="")] * (room - len(body))
    foot = (
        f"q leaves   j k scroll   rows {max(0, end - room) + 1 if rows else 0} to {end} of {len(times.rows)}"
    )
    return _fitting([*head, Line(text=""), *body, *asks, Line(text=""), Line(text=foot, colour="cyan")], size)


def inbox_screen(questions: Sequence[BreakpointView], size: Size) -> list[Line]:
    """Return the lines of what waits for people: what expires soonest first, then the oldest."""
    count = len(questions)
    head = f"{count} question{'' if count == 1 else 's'} wait{'s' if count == 1 else ''} for a person"
    lines = [Line(text=head if count else "Nothing waits for a person.", bold=True), Line(text="")]
    for asked in sorted(questions, key=lambda each: (each.expires_at or "~", each.asked_at)):
        lines += [*_question(asked), Line(text="")]
    fits = lines[: size.lines - 2]
    more = (
        [Line(text="more than the screen has room for: babysitter inbox")] if len(fits) < len(lines) else []
    )
    return _fitting([*fits, *more, Line(text="q leaves", colour="cyan")], size)


def _fitting(lines: list[Line], size: Size) -> list[Line]:
    return [
        Line(text=cut(line.text, size.columns - 1), colour=line.colour, bold=line.bold)
        for line in lines[: size.lines]
    ]


def _spent(run: RunView, times: TimelineView) -> str:
    steps = f"{run.done} of {run.steps} steps done" + (f", {run.failed} failed" if run.failed else "")
    parts = [duration(times.elapsed), steps, f"working {duration(times.working)}"]
    named = (("people", times.people), ("timers", times.timers), ("children", times.children))
    parts += [f"{name} {duration(seconds)}" for name, seconds in named if seconds >= 1]
    parts += [f"{plain(name)} {figure(used)}" for name, used in sorted(times.usage.items())]
    return "   ".join(parts)


def _question(asked: BreakpointView) -> list[Line]:
    key = " --key KEY" if asked.needs_key else ""
    until = f"[expires {asked.expires_at[11:16]} UTC] " if asked.expires_at else ""
    return [
        Line(text=f"◆ {until}{one_line(asked.question)}", colour="cyan", bold=True),
        Line(text=f"  babysitter approve {asked.run_id}/{asked.breakpoint_id}{key}"),
    ]


def _row_line(row: Row, columns: int) -> Line:
    sign = _SIGNS.get(row.state, "·")
    again = f" (try {row.attempt})" if row.attempt > 1 else ""
    name = f"{'  ' * row.depth}{sign} {one_line(row.label)}{again}"
    cells = min(_BAR_CELLS_MAX, columns - 56)
    left = cut(name, 30)
    text = f"{row.call_id[:8]:<8} {left}{' ' * (30 - _cells(left))} {duration(row.seconds):>12}"
    return Line(text=f"{text}  {_bar(row, cells)}" if cells >= 10 else text, colour=_COLOURS.get(sign, ""))


def _bar(row: Row, cells: int) -> str:
    drawn = [" "] * cells
    for bar in row.bars:
        begin = min(cells - 1, int(bar.left * cells / 100))
        end = max(begin + 1, min(cells, round((bar.left + bar.width) * cells / 100)))
        drawn[begin:end] = _BARS.get(bar.kind, "░") * (end - begin)
    return "".join(drawn).rstrip()


def _cells(text: str) -> int:
    """Return how wide the text is: as many cells as it takes to hold all of it."""
    return next(cells for cells in range(len(text), 2 * len(text) + 1) if cut(text, cells) == text)
