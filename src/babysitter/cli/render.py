"""Views as text for a terminal. Control characters of programs never reach it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.terminal import style

if TYPE_CHECKING:
    from babysitter.service.views import BreakpointView, EventView, RunView, TaskView

COLOURS = {
    "completed": "green",
    "ok": "green",
    "released": "green",
    "failed": "red",
    "error": "red",
    "rejected": "red",
    "cancelled": "yellow",
    "waiting": "cyan",
    "gated": "cyan",
    "open": "cyan",
    "running": "blue",
}
_CELL_CHARS_MAX = 60


def state(word: str) -> str:
    """Return a state, coloured."""
    return style(word, fg=COLOURS.get(word, "white"))


def table(rows: Iterable[tuple[str, ...]], heads: tuple[str, ...]) -> str:
    """Return rows under heads, in columns."""
    cells = [tuple(plain(cell)[:_CELL_CHARS_MAX] for cell in row) for row in rows]
    widths = [max(len(row[index]) for row in (heads, *cells)) for index in range(len(heads))]
    lines = [
        style(
            "  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip(),
            bold=True,
        )
    ]
    for row in cells:
        padded = [
            state(cell) + " " * (width - len(cell)) if cell in COLOURS else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def run_list(views: "list[RunView]") -> str:
    """Return a line a run."""
    if not views:
        return "No runs yet. Start one with: babysitter start ENTRY"
    rows = [
        (view.run_id, view.process_id, view.status, f"{view.done}/{view.steps}", view.created_at[:19])
        for view in views
    ]
    return table(rows, ("RUN", "PROCESS", "STATUS", "STEPS", "CREATED"))


def run_summary(view: "RunView", *, stopped: bool = False) -> str:
    """Return where a run stands, what it waits for, and the command that goes on."""
    steps = f"{view.done} of {view.steps} steps done"
    lines = [f"Run {view.run_id}  {plain(view.process_id)}  {state(view.status)}  {steps}"]
    if view.sandbox == "none":
        not_confined = "Its tasks are NOT confined: the settings say sandbox mode none."
        lines.append(style(not_confined, fg="red", bold=True))
    lines += [*_waits(view), *_end(view)]
    if view.location:
        lines.append(style(f"  journal {view.location}/journal/journal.jsonl", dim=True))
    if view.held_by:
        holder = view.held_by
        lines.append(f"  driven by {plain(holder['user'])}@{plain(holder['host'])}, process {holder['pid']}")
    elif view.status in ("running", "waiting"):
        before = "Stopped. Nothing is lost; go" if stopped else "Go"
        lines.append(f"{before} on with: babysitter resume {view.run_id}")
    return "\n".join(lines)


def _waits(view: "RunView") -> Iterator[str]:
    for task in view.tasks:
        yield f"  task {task.effect_id}  {state(task.state)}"
    for asked in view.breakpoints:
        name = f"{view.run_id}/{asked.breakpoint_id}"
        yield f"  breakpoint {asked.breakpoint_id}: " + plain(" ".join(asked.question.split()))
        key = " --key KEY" if asked.needs_key else ""
        yield f"    answer with: babysitter approve {name}{key}"
        yield f"             or: babysitter reject {name}{key} --comment WHY"
        if asked.needs_key:
            yield f"    by rule {asked.rule}: {asked.quorum} of {plain(', '.join(asked.eligible))}"
    for timer in view.timers:
        yield f"  timer until {timer['dueAt']}"
    for name in view.signals:
        yield f"  waits for the signal {plain(name)}: babysitter run signal {view.run_id} {plain(name)}"


def _end(view: "RunView") -> Iterator[str]:
    if view.error is not None:
        error = style(f"  {plain(view.error['name'])}: ", fg="red")
        yield error + plain_lines(view.error["message"]).replace("\n", "\n    ")
    if view.output is not None:
        yield "  output " + plain(msgspec.json.encode(view.output).decode())


def task_list(views: "list[TaskView]") -> str:
    """Return a line a task."""
    rows = [(view.effect_id, view.kind, view.state, str(view.attempt), view.label) for view in views]
    return table(rows, ("TASK", "KIND", "STATE", "TRY", "LABEL")) if rows else "No tasks yet."


def breakpoint_list(views: "list[BreakpointView]", *, empty: str) -> str:
    """Return a line a question."""
    if not views:
        return empty
    rows = [
        (f"{view.run_id}/{view.breakpoint_id}", view.state, view.rule, view.asked_at[:19]) for view in views
    ]
    text = table([(*row[:1], *row[1:]) for row in rows], ("BREAKPOINT", "STATE", "RULE", "ASKED"))
    lines = text.split("\n")
    return "\n".join(
        [
            lines[0],
            *(
                part
                for line, view in zip(lines[1:], views, strict=True)
                for part in (line, f"  {plain(view.question)}")
            ),
        ]
    )


def event_line(view: "EventView") -> str:
    """Return a line of the journal in one line of text."""
    data = plain(msgspec.json.encode(view.data).decode())
    return f"{view.seq:>5}  {view.recorded_at[11:23]}  {style(view.type, bold=True)}  {data}"
