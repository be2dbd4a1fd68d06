"""The terminal that a driver writes to: lines, one status line below them, and one prompt.

Written by the driver's thread and by those that perform, so everything goes
through one lock. A terminal that goes away silences the screen, not the run.
"""

import shutil
import sys
import threading
import unicodedata

import click

from babysitter.cli.terminal import coloured

_ERASE_LINE = "\r\x1b[2K"


class Screen:
    """See the module. ``is_live``: stderr is a terminal, so that a line can be drawn again."""

    def __init__(self) -> None:
        self.is_live = sys.stderr is not None and sys.stderr.isatty()
        self._colour = coloured(sys.stderr)
        self._lock = threading.RLock()
        self._status = ""
        self._prompt = ""

    @property
    def columns(self) -> int:
        """How wide it is, in cells."""
        return shutil.get_terminal_size().columns

    @property
    def asks(self) -> bool:
        """True while a prompt is open."""
        return bool(self._prompt)

    def line(self, text: str, **how: object) -> None:
        """Write a line above status and prompt."""
        with self._lock:
            self._erase()
            self._write((self.styled(text, **how)) + "\n")
            self._redraw()

    def status(self, text: str) -> None:
        """Show what goes on now, in one line that the next one replaces; empty: nothing."""
        if not self.is_live:
            return
        with self._lock:
            if text != self._status and not self._prompt:
                self._erase()
                self._status = text
                self._redraw()

    def prompt(self, text: str) -> None:
        """Open a prompt; the cursor stays behind it."""
        with self._lock:
            self._erase()
            self._status, self._prompt = "", text
            self._redraw()

    def answered(self) -> None:
        """Close the prompt that a person has ended with the return key."""
        with self._lock:
            self._prompt = ""

    def withdraw(self) -> None:
        """Take the prompt and the status line away."""
        with self._lock:
            self._erase()
            self._status = self._prompt = ""

    def styled(self, text: str, **how: object) -> str:
        """Return the text coloured, where that is wanted."""
        return click.style(text, **how) if self._colour and how else text  # type: ignore[arg-type]

    def _erase(self) -> None:
        if self._status or self._prompt:
            self._write(_ERASE_LINE)

    def _redraw(self) -> None:
        if self._prompt:
            self._write(self._prompt)
        elif self._status:
            self._write(self.styled(cut(self._status, self.columns - 1), dim=True))

    def _write(self, text: str) -> None:
        try:
            click.echo(text, err=True, nl=False)
        except OSError:
            # Whoever watched is gone; the run goes on for whoever reads its journal.
            return


def cut(text: str, cells: int) -> str:
    """Return the text, shortened to so many cells of a terminal."""
    used = 0
    for index, char in enumerate(text):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > cells:
            return text[: max(0, index - 1)] + "…"
    return text
