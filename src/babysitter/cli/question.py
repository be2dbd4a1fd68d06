"""A breakpoint's question as a person sees it: what ``shown.md`` holds, laid out for a terminal.

The document is what the journal's digest stands for; here it only gets colour
and margins. A long file is cut, and the place that has all of it is named.
"""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from babysitter.cli.plain import plain, plain_lines

if TYPE_CHECKING:
    from babysitter.cli.screen import Screen
    from babysitter.model.events import BreakpointRequested

LINES_MAX = 400
"""More than this of a document is cut."""
_MARGIN = "  "
_DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_LOUD: dict[str, dict[str, object]] = {
    "NOT SCANNED by": {"fg": "red", "bold": True},
    "NOT COVERED:": {"fg": "red", "bold": True},
    "- CRITICAL ": {"fg": "red", "bold": True},
    "- HIGH ": {"fg": "red"},
    "- MEDIUM ": {"fg": "yellow"},
    "- LOW ": {"fg": "yellow"},
    "… ": {"fg": "yellow"},
}
"""How lines begin that must not be overlooked, and their look. service/shown_changes.py writes them."""


def draw_question(screen: "Screen", shown: str, name: str) -> None:
    """Write a document to the screen. ``name``: RUN/BREAKPOINT, for where all of it can be seen."""
    lines = plain_lines(shown).rstrip("\n").split("\n")
    screen.line("")
    for text, how in _laid_out(lines[:LINES_MAX], screen.columns):
        screen.line(text, **how)
    if len(lines) > LINES_MAX:
        more = len(lines) - LINES_MAX
        screen.line(f"{_MARGIN}… {more} more lines: babysitter breakpoint show {name}", fg="yellow")


def draw_answers(screen: "Screen", question: "BreakpointRequested", name: str) -> None:
    """Say what comes of each answer, and how it can be given from elsewhere."""
    if question.approves:
        lets = "lets what is named above start, and the process go on"
    elif question.call_id.endswith("!gate"):
        lets = "lets the task start, with exactly these arguments"
    else:
        lets = "lets the process go on"
    if question.quorum > 1:
        lets += f", once {question.quorum} people say so"
    screen.line("")
    for word, colour, then in (
        ("approve", "green", lets),
        ("reject", "red", "tells the process no; your comment is its feedback"),
        ("defer", "yellow", "says not now: it stays open, and this terminal stops asking"),
    ):
        screen.line(f"{_MARGIN}{screen.styled(f'{word:<8}', fg=colour, bold=True)} {then}")
    screen.line(f"{_MARGIN}From elsewhere: babysitter approve {name}", dim=True)
    screen.line("")


def _laid_out(lines: list[str], columns: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each line of the screen with its style."""
    width = max(20, min(columns, 100) - len(_MARGIN))
    fence = ""
    is_diff = False
    is_question = True
    for line in lines:
        ticks = len(line) - len(line.lstrip("`"))
        if fence:
            if line == fence:
                fence = ""
                continue
            yield from _within(line, columns, is_diff=is_diff)
        elif ticks >= 3:
            fence, is_diff = "`" * ticks, line[ticks:] == "diff"
        elif line.startswith("# "):
            title = f"◆ {line[2:]} "
            yield _MARGIN + title + "─" * max(0, width - len(title)), {"fg": "cyan", "bold": True}
        elif line.startswith("#"):
            yield _MARGIN + line.lstrip("# "), {"fg": "cyan", "bold": line.startswith("## ")}
        else:
            how: dict[str, object] = {"bold": True} if line and is_question else _look(line)
            is_question = is_question and not line
            yield from ((_MARGIN + part, how) for part in textwrap.wrap(line, width) or [""])


def _within(line: str, columns: int, *, is_diff: bool) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the lines of the screen for one that stands in a fence."""
    # Something that would have hidden is written out there: that matters more than which side it is on.
    colour = "magenta" if "⟨" in line else _DIFF_COLOURS.get(line[:1]) if is_diff else None
    room = max(20, columns - len(_MARGIN) - 2)
    for start in range(0, len(line) or 1, room):
        yield f"{_MARGIN}│ {line[start : start + room]}", {"fg": colour} if colour else {}


def _look(line: str) -> dict[str, object]:
    return next((how for begins, how in _LOUD.items() if line.startswith(begins)), {})


def one_line(text: str) -> str:
    """Return a question in one line."""
    return plain(" ".join(text.split()))
