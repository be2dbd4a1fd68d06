"""The face of a driver at a terminal: progress as it happens, and questions with their answers.

Shows only lines that are durable, read back from the journal: what is masked on
disk is masked here. On a terminal a status line tells what runs; piped, each
thing is one plain line on stderr. What happened before this driver came is taken
in silently.
"""

import threading
from typing import TYPE_CHECKING

from babysitter.cli.asking import Asker
from babysitter.cli.following import Following
from babysitter.cli.plain import plain
from babysitter.cli.question import one_line
from babysitter.cli.screen import Screen
from babysitter.cli.telling import indented, tell
from babysitter.config import allows_secret_logs
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.service.delivery import Delivery
from babysitter.service.reading import JournalTail

if TYPE_CHECKING:
    from babysitter.service.mail import AnswerMail
    from babysitter.service.patience import Follows
    from babysitter.service.pending import OpenBreakpoint
    from babysitter.service.wiring import Workspace

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_DECIDED = (ev.BreakpointReleased, ev.BreakpointRejected, ev.BreakpointExpired)


class TerminalFace:
    """See the module; implements service.patience.Face. Children of the run share it."""

    def __init__(self, workspace: "Workspace", run_id: str, *, quiet: bool, follow: bool = False) -> None:
        self.run_id = run_id
        self._tail = JournalTail(workspace.store, run_id)
        self._clock = workspace.clock
        self._quiet = quiet
        self._screen = Screen()
        delivery = Delivery(workspace)
        self._asker = Asker(
            self._screen,
            workspace.clock,
            lambda run, question: workspace.store.read_file(run, f"breakpoints/{question}/shown.md"),
            lambda question, decision, comment: delivery.answer_mail(question, decision, comment=comment),
        )
        self._following = Following(self._screen, self._label) if follow and not quiet else None
        self._running: dict[str, float] = {}
        self._labels: dict[str, str] = {}
        self._timers: dict[str, float] = {}
        self._draw_at_s = 0.0
        self._lock = threading.Lock()
        self._began: ev.RunCreated | None = None
        self._seen = 0
        self._grace_s: float | None = None
        if not quiet:
            self._take_in()

    @property
    def follows(self) -> "Follows":
        """See service.patience.Face. Unmasked only on a terminal, and only where the variable says so."""
        if self._following is None:
            return "nothing"
        return "clear" if self._screen.is_live and allows_secret_logs() else "masked"

    def output(self, effect_id: str, stream: str, chunk: bytes) -> None:
        """See service.patience.Face."""
        if self._following is not None:
            self._following.show(effect_id, stream, chunk)

    def journaled(self) -> None:
        """See service.patience.Face."""
        if self._quiet or not self._lock.acquire(blocking=False):
            return
        try:
            self._head()
            for record in self._tail.more():
                event = record.event()
                self._note(event, record.recorded_at)
                self._show(event, record.recorded_at)
            self._tell_stop()
            self._draw()
        finally:
            self._lock.release()

    def stopping(self, grace_s: float) -> None:
        """Say, with the next look at the journal, that the driver leaves. Called from a signal's handler."""
        self._grace_s = grace_s

    def close(self) -> None:
        """Leave the terminal as it was found."""
        self._asker.leave()

    def can_answer(self) -> bool:
        """See service.patience.Face."""
        return self._asker.is_there and not self._quiet

    def ask(self, run_id: str, questions: "list[OpenBreakpoint]", timeout_s: float) -> "AnswerMail | None":
        """See service.patience.Face."""
        return self._asker.ask(run_id, questions, timeout_s)

    def _take_in(self) -> None:
        """Read what is there already: it was shown when it happened."""
        for record in self._tail.more():
            event = record.event()
            self._note(event, record.recorded_at)
            self._seen = record.seq
            if isinstance(event, ev.RunCreated):
                self._began = event
        # What was running then was cut off, or is somebody else's.
        self._running.clear()

    def _tell_stop(self) -> None:
        grace_s, self._grace_s = self._grace_s, None
        if grace_s is not None and self._running:
            names = ", ".join(self._label(key) for key in self._running)
            once_more = "; once more (Ctrl-C) ends it now" if self._screen.is_live else ""
            self._screen.line(f"  stopping: {names} may end within {grace_s:.0f} s{once_more}", fg="yellow")

    def _head(self) -> None:
        created, self._began = self._began, None
        if created is None:
            return
        confined = "NOT CONFINED" if created.sandbox == "none" else created.sandbox
        code = ", UNTRUSTED CODE" if created.trust == "allowed-untrusted" else ""
        self._screen.line(f"run {created.run_id}  {plain(created.process_id)}  ({confined}{code})", bold=True)
        if self._seen > 1:
            self._screen.line(f"  going on from line {self._seen}", dim=True)

    def _note(self, event: ev.Event, recorded_at: str) -> None:
        """Remember what later lines and the status line need."""
        if isinstance(event, ev.EffectRequested):
            self._labels[event.effect_id] = one_line(event.label)
        elif isinstance(event, ev.EffectStarted):
            self._running[event.effect_id] = parse_time(recorded_at) / 1e9
        elif isinstance(event, ev.EffectCancelled):
            self._running.pop(event.effect_id, None)
        elif isinstance(event, ev.TimerSet):
            self._timers[event.call_id] = parse_time(event.due_at) / 1e9
        elif isinstance(event, (ev.TimerFired, ev.CallCancelled)):
            self._timers.pop(event.call_id, None)
        elif isinstance(event, _DECIDED):
            self._asker.over(f"{self.run_id}/{event.breakpoint_id}")

    def _show(self, event: ev.Event, recorded_at: str) -> None:
        if isinstance(event, ev.EffectStarted):
            if not self._screen.is_live:
                again = f" (try {event.attempt})" if event.attempt > 1 else ""
                self._screen.line(f"  … {self._label(event.effect_id)}{again}")
        elif isinstance(event, ev.EffectResolved):
            self._show_outcome(event, recorded_at)
        elif isinstance(event, ev.EffectRetryScheduled):
            took = self._took(event.effect_id, recorded_at)
            then = f"{indented(event.error.message)}; again in {event.delay_s:.1f} s"
            self._screen.line(f"  ↻ {self._label(event.effect_id)}{took}  {then}", fg="yellow")
        elif isinstance(event, ev.BreakpointRequested):
            if not self.can_answer():
                self._screen.line(f"  ◆ {one_line(event.question)}", fg="cyan")
        elif told := tell(event, self._label):
            text, colour = told
            self._screen.line(text, **({"fg": colour} if colour else {"dim": True}))

    def _show_outcome(self, event: ev.EffectResolved, recorded_at: str) -> None:
        took = self._took(event.effect_id, recorded_at)
        label = self._label(event.effect_id)
        if self._following is not None:
            self._following.end(event.effect_id)
        if event.status == "ok":
            self._screen.line(f"  ✓ {label}{took}", fg="green")
        else:
            message = f"  {event.error.name}: {event.error.message}" if event.error else ""
            self._screen.line(f"  ✗ {label}{took}{indented(message)}", fg="red")

    def _label(self, effect_id: str) -> str:
        return self._labels.get(effect_id, effect_id)

    def _took(self, effect_id: str, recorded_at: str) -> str:
        started_s = self._running.pop(effect_id, None)
        return f"  {parse_time(recorded_at) / 1e9 - started_s:.1f} s" if started_s is not None else ""

    def _draw(self) -> None:
        now_s = self._clock.now_ns() / 1e9
        if not self._screen.is_live or self._screen.asks or now_s < self._draw_at_s:
            return
        self._draw_at_s = now_s + 0.1
        parts = [f"{self._label(key)} {now_s - started:.0f} s" for key, started in self._running.items()]
        if not parts and self._timers:
            parts = [f"waiting for a timer, {max(0.0, min(self._timers.values()) - now_s):.0f} s"]
        frame = _FRAMES[int(now_s * 10) % len(_FRAMES)]
        self._screen.status(f"  {frame} {', '.join(parts)}" if parts else "")
