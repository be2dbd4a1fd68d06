"""Watching in a terminal: a screen of its own that is drawn again when something has changed.

One write a drawing, and none when nothing changed, so it is good over a slow line. The terminal is left as
it was found, however one leaves. Where stdout is no terminal, what comes is a line each.
"""

import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import msgspec

from babysitter.cli.plain import plain
from babysitter.cli.render import event_line
from babysitter.cli.terminal import style
from babysitter.cli.watch_text import Line, Size, inbox_screen, run_screen
from babysitter.service.hosting.catalogue import Catalogue
from babysitter.service.hosting.kept_questions import KeptQuestions
from babysitter.service.hosting.timeline import Timeline
from babysitter.service.queries import Queries
from babysitter.service.reading import JournalTail
from babysitter.service.state import RunState
from babysitter.service.views import BreakpointView, run_view

if TYPE_CHECKING:
    from babysitter.service.wiring import Workspace

WATCH_EVERY_S = 0.2
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"
_CTRL_C = "\x03"
_UP, _DOWN = ("k", "\x1b[A"), ("j", "\x1b[B")


def watch_run(opened: "Workspace", run_id: str) -> str:
    """Draw a run until it ends or somebody leaves; return its status."""
    tail, state, timeline = JournalTail(opened.store, run_id), RunState(), Timeline()
    back = 0

    def frame(size: Size, keys: str) -> list[Line] | None:
        nonlocal back
        for record in tail.more():
            event = record.event()
            state.apply(event, seq=record.seq, recorded_at=record.recorded_at)
            timeline.apply(event, seq=record.seq, recorded_at=record.recorded_at)
        if state.end is not None:
            return None
        now_ns = opened.clock.now_ns()
        # To the second: what only grows older is drawn once a second.
        times = timeline.view(now_ns - now_ns % 1_000_000_000)
        back += sum(map(keys.count, _UP)) - sum(map(keys.count, _DOWN))
        back = min(max(0, back), max(0, len(times.rows) - 1))
        return run_screen(run_view(run_id, state), times, size, back=back)

    _draw(frame)
    return state.status


def watch_lines(opened: "Workspace", run_id: str, *, as_json: bool) -> str:
    """Print a run's events as they come, until it ends; return its status."""
    queries, seq = Queries(opened), 0
    while True:
        for view in queries.events(run_id, after=seq):
            seq = view.seq
            click.echo(msgspec.json.encode(view).decode() if as_json else event_line(view))
        now = queries.status(run_id)
        if now.status in ("completed", "failed", "cancelled") and now.seq == seq:
            return now.status
        time.sleep(WATCH_EVERY_S)


def watch_inbox(opened: "Workspace", *, live: bool, as_json: bool) -> None:
    """Show what waits for people as it comes and goes, until somebody leaves."""
    inbox = _Inbox(opened)
    if live:
        _draw(lambda size, _: inbox_screen(inbox.look(), size))
        return
    known: set[str] = set()
    while True:
        questions = {f"{view.run_id}/{view.breakpoint_id}": view for view in inbox.look()}
        for name, view in questions.items():
            if name not in known:
                said = f"{view.asked_at[11:19]}  {name}  {plain(' '.join(view.question.split()))}"
                click.echo(msgspec.json.encode(view).decode() if as_json else said)
        known = set(questions)
        time.sleep(WATCH_EVERY_S)


class _Inbox:
    """What waits now; a journal is read again only where it has grown."""

    def __init__(self, opened: "Workspace") -> None:
        self._opened = opened
        self._catalogue = Catalogue(opened.store)
        self._kept = KeptQuestions()

    def look(self) -> list[BreakpointView]:
        """Return what waits now, oldest first."""
        self._catalogue.look()
        found = [question.breakpoint for question in self._kept.of(self._opened.store, self._catalogue)]
        return sorted(found, key=lambda view: view.asked_at)


def _draw(frame: Callable[[Size, str], list[Line] | None]) -> None:
    """Draw what ``frame`` gives for a size and the keys that came, until it gives None or somebody leaves."""
    drawn = keys = ""
    with _own_screen():
        while "q" not in keys:
            lines = frame(_size(), keys)
            if lines is None:
                return
            end = f"{_REST_OF_LINE}\r\n"
            text = _HOME + end.join(_styled(line) for line in lines) + _REST_OF_LINE + _REST
            if text != drawn:
                sys.stdout.write(text)
                sys.stdout.flush()
                drawn = text
            keys = _keys(WATCH_EVERY_S)
            if _CTRL_C in keys:
                raise KeyboardInterrupt


def _styled(line: Line) -> str:
    how = {"fg": line.colour} if line.colour else {}
    return style(line.text, **how, bold=True) if line.bold else style(line.text, **how)


def _size() -> Size:
    import shutil  # noqa: PLC0415 (few commands lay out text)

    found = shutil.get_terminal_size()
    return Size(columns=found.columns, lines=found.lines)


def _keys(timeout_s: float) -> str:
    """Return what was typed within that time; empty: nothing."""
    import os  # noqa: PLC0415 (beside its only use)

    ready, _, _ = select.select([sys.stdin], [], [], timeout_s)
    if not ready:
        return ""
    # A terminal that is gone gives nothing for ever.
    return os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace") or "q"


@contextmanager
def _own_screen() -> Iterator[None]:
    """Have a screen of our own and each key at once; afterwards the terminal is as it was."""
    import termios  # noqa: PLC0415 (not on every platform, and only here)
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(sys.stdin)
    try:
        # What was typed before is not thrown away, as it would be by default.
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        # Ctrl-C comes as a key, between two drawings and never inside of one.
        quiet = termios.tcgetattr(sys.stdin)
        quiet[3] &= ~termios.ISIG
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
        sys.stdout.write(_ENTER)
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
