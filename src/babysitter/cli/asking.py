"""Asking a person at the terminal: one question at a time, answered in one line.

What was typed before a question stood there never answers it, and an empty line
never means yes. The question withdraws when its answer comes from elsewhere.
"""

import os
import select
import sys
import threading
import time
from typing import TYPE_CHECKING

from babysitter.cli.plain import plain
from babysitter.cli.question import draw_answers, draw_question

if TYPE_CHECKING:
    from collections.abc import Callable

    from babysitter.cli.screen import Screen
    from babysitter.model.clock import Clock
    from babysitter.service.mail import AnswerMail
    from babysitter.service.pending import OpenBreakpoint

WORDS = {
    "approve": "approve",
    "yes": "approve",
    "reject": "reject",
    "no": "reject",
    "defer": "defer",
    "later": "defer",
}
LETTERS = {"a": "approve", "y": "approve", "r": "reject", "n": "reject", "d": "defer"}
"""A letter answers only when it stands alone: ``a quick look first`` is no approval."""
PROMPT = "approve, reject or defer, and why? "
_OWNER_GONE_S = 2.0


class Asker:
    """See the module. Runs that share a terminal take turns; ``ask`` is called again and again by each."""

    def __init__(
        self,
        screen: "Screen",
        clock: "Clock",
        read_shown: "Callable[[str, str], bytes]",
        answer_mail: "Callable[[str, str, str], AnswerMail]",
    ) -> None:
        self._screen = screen
        self._clock = clock
        self._read_shown = read_shown
        self._answer_mail = answer_mail
        self._turn = threading.Lock()
        self._asked: str | None = None
        self._asked_at_s = 0.0
        self._deferred: set[str] = set()
        self._typed = b""
        self.is_there = screen.is_live and sys.stdin is not None and sys.stdin.isatty()

    def ask(self, run_id: str, questions: "list[OpenBreakpoint]", timeout_s: float) -> "AnswerMail | None":
        """Ask the first question that is not deferred; return its answer, None when none came in time."""
        by_key = {f"{run_id}/{asked.requested.breakpoint_id}": asked.requested for asked in questions}
        with self._turn:
            self._forget_what_is_over(run_id, set(by_key))
            key = next((key for key in by_key if key not in self._deferred), None)
            if key is None:
                # Everything was put off: a person has said "not now", so this terminal stops asking.
                self.is_there = False
                return None
            if self._asked is None:
                self._open(key)
                draw_question(self._screen, self._read_shown(run_id, by_key[key].breakpoint_id).decode(), key)
                draw_answers(self._screen, by_key[key], key)
                self._prompt()
            if self._asked in by_key:
                return self._answer_within(timeout_s, by_key[self._asked].breakpoint_id)
        # Another run's question is on the screen; this one has its turn later.
        time.sleep(timeout_s)
        return None

    def _answer_within(self, timeout_s: float, breakpoint_id: str) -> "AnswerMail | None":
        self._asked_at_s = self._clock.monotonic_s()
        line = self._line(timeout_s)
        return self._answer(breakpoint_id, line) if line is not None else None

    def over(self, key: str) -> None:
        """Withdraw the question, when it is the one that is asked: it has been decided."""
        if self._asked == key:
            self._close()

    def leave(self) -> None:
        """Leave the terminal as it was found."""
        self._screen.withdraw()

    def _open(self, key: str) -> None:
        self._asked = key
        self._asked_at_s = self._clock.monotonic_s()
        self._typed = b""
        _forget_typed_ahead()

    def _close(self) -> None:
        self._asked = None
        self._screen.withdraw()

    def _forget_what_is_over(self, run_id: str, open_keys: set[str]) -> None:
        """Withdraw a question that is decided, or whose run nobody drives any more."""
        if self._asked is None:
            return
        decided = self._asked.startswith(f"{run_id}/") and self._asked not in open_keys
        if decided or self._clock.monotonic_s() - self._asked_at_s > _OWNER_GONE_S:
            self._close()

    def _prompt(self) -> None:
        self._screen.prompt("  " + self._screen.styled(PROMPT, bold=True))

    def _line(self, timeout_s: float) -> str | None:
        """Return a typed line; None when there is none yet, or never will be."""
        ready, _, _ = select.select([sys.stdin], [], [], timeout_s)
        if not ready:
            return None
        try:
            chunk = os.read(sys.stdin.fileno(), 4096)
        except OSError:
            # The terminal went away.
            chunk = b""
        if not chunk:
            self.is_there = False
            self._screen.line("")
            self._close()
            return None
        self._typed += chunk
        line, end, _ = self._typed.partition(b"\n")
        if not end:
            return None
        self._typed = b""
        return line.decode(errors="replace")

    def _answer(self, breakpoint_id: str, line: str) -> "AnswerMail | None":
        word, _, comment = plain(line.strip()).partition(" ")
        word = word.lower().rstrip(",:;.!")
        decision = WORDS.get(word) or (None if comment else LETTERS.get(word))
        self._screen.answered()
        if decision is None:
            if word:
                self._screen.line(
                    "  Please begin with approve, reject or defer; nothing was answered.", fg="yellow"
                )
            self._prompt()
            return None
        if decision == "defer":
            assert self._asked is not None, "a line answers the question that is asked"
            self._deferred.add(self._asked)
        self._asked = None
        return self._answer_mail(breakpoint_id, decision, comment.strip())


def _forget_typed_ahead() -> None:
    """Drop what was typed before there was a question."""
    import termios  # noqa: PLC0415 (only where there is a terminal)

    try:
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    except termios.error:
        return
