"""One turn of an outbox: each channel opened once, one that is away held, what became of each notice."""

from collections.abc import Callable
from dataclasses import dataclass, field

from babysitter.model.clock import Clock, Dice
from babysitter.model.effects import RetryPolicy
from babysitter.model.errors import NotifyError, RefusedError
from babysitter.model.notify_settings import ChannelTable, NotifyTable
from babysitter.model.rules import duration_s
from babysitter.service.notify.channel import FINAL, Channel
from babysitter.service.notify.due import Notice
from babysitter.service.notify.kept import Kept
from babysitter.service.notify.story import Story
from babysitter.service.notify.words import Surroundings, write_letter
from babysitter.service.retries import retry_delay_s

RETRIES = RetryPolicy(attempts=1 << 30, delay_s=10.0, factor=2.0, delay_s_max=3600.0)
"""How patiently it is tried again; ``[notify] max_age`` says for how long."""
_PAUSE_S_MIN = 1.0
_SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class Report:
    """What a turn came to.

    sent, failed: how many, ``failed`` for good. owed: how many are left.
    problems: of channels, by name. unreadable: runs whose journal can't be read.
    is_busy: another process is sending. next_ns: when to come again at the latest.
    """

    sent: int = 0
    failed: int = 0
    owed: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    is_busy: bool = False
    next_ns: int | None = None

    def come_again(self, at_ns: int) -> None:
        """Come again by then, or sooner; 0: no need to."""
        if at_ns:
            self.next_ns = at_ns if self.next_ns is None else min(self.next_ns, at_ns)


@dataclass(slots=True, kw_only=True)
class Turn:
    """See the module. ``held``: until when a channel is not asked again, by name."""

    settings: NotifyTable
    around: Callable[[], Surroundings]
    open_channel: Callable[[ChannelTable], Channel]
    clock: Clock
    dice: Dice
    now_ns: int
    until_s: float | None
    report: Report
    held: dict[str, int] = field(default_factory=dict)
    _open: dict[str, Channel] = field(default_factory=dict)
    _around: Surroundings | None = None

    def try_to_send(self, run_id: str, story: Story, notice: Notice, kept: Kept) -> bool:
        """Send a notice, if its channel is not held and time is left; tell whether ``kept`` has changed."""
        if notice.channel in self.held or self._is_over():
            return False
        assert story.created is not None, "a run begins with RUN_CREATED"
        kept.attempts += 1
        try:
            channel = self._channel(notice.channel)
            self._around = self._around or self.around()
            letter = write_letter(notice, run_id, story.created.process_id, self._around)
            channel.send(letter, self.clock.now_ns() // _SECOND_NS)
        except RefusedError as error:
            self._note_failure(kept, error)
            return True
        kept.state, kept.ended_ns, kept.problem = "sent", self.now_ns, ""
        self.report.sent += 1
        return True

    def _note_failure(self, kept: Kept, error: RefusedError) -> None:
        kept.problem = error.message
        self.report.problems[kept.channel] = f"{error.message} {error.hint}".strip()
        is_final = isinstance(error, NotifyError) and error.facts["reason"] in FINAL
        is_old = self.now_ns - kept.owed_ns > (duration_s(self.settings.max_age) or 0) * _SECOND_NS
        if is_final or is_old:
            kept.state, kept.ended_ns = "failed", self.now_ns
            self.report.failed += 1
        if is_final:
            return
        delay_s = retry_delay_s(RETRIES, kept.attempts, self.dice.uniform()) or 0.0
        asked_s = float(error.facts.get("retry_after_s") or 0.0)
        pause_s = max(delay_s, asked_s, _PAUSE_S_MIN)
        kept.next_ns = self.held[kept.channel] = self.now_ns + round(pause_s * _SECOND_NS)

    def _channel(self, name: str) -> Channel:
        if name not in self._open:
            table = next(each for each in self.settings.channels if each.name == name)
            self._open[name] = self.open_channel(table)
        return self._open[name]

    def _is_over(self) -> bool:
        return self.until_s is not None and self.clock.monotonic_s() >= self.until_s
