"""The outbox: what the journals call for is owed until somebody else has it; one sender at a time.

A notice is owed because a line of a journal is there. So nothing is lost with a process that is killed:
what it had not yet written down is found again, under the same id. What it had sent and not written
down is sent again, under the same id, by which a receiver tells that it has it.

Invariants, each with a test in tests/unit/notify/test_outbox.py or tests/fault/test_outbox_faults.py:
    - every notice that is due is sent, refused for good, too old, or asks for what is done: each is kept;
    - one that was kept as sent is never sent again;
    - a channel that is away holds up no other, and is asked once a turn.
"""

from collections.abc import Callable
from dataclasses import dataclass

from babysitter.journal.reader import Store, read_more
from babysitter.model.clock import Clock, Dice
from babysitter.model.errors import CorruptJournalError, NotFoundError
from babysitter.model.lines import Chain
from babysitter.model.notify_settings import PENDING, ChannelTable, NotifyTable
from babysitter.model.rules import Policy, duration_s
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.notify.channel import Channel
from babysitter.service.notify.due import Notice, notices
from babysitter.service.notify.kept import Kept, KeptRun, OutboxFiles
from babysitter.service.notify.sending import Report, Turn
from babysitter.service.notify.story import Story
from babysitter.service.notify.words import Surroundings

_STORIES_MAX = 64
_BUSY_NS = 5_000_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an outbox works with. Settings and rules are asked for at each turn, since both may change."""

    store: Store
    files: OutboxFiles
    clock: Clock
    dice: Dice
    settings: Callable[[], NotifyTable]
    policy: Callable[[], Policy]
    around: Callable[[], Surroundings]
    open_channel: Callable[[ChannelTable], Channel]


@dataclass(slots=True)
class _Followed:
    """A run that is being read: how far, and what it has said so far."""

    chain: Chain
    story: Story


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """How a run was left. See ``KeptRun``; ``owed``: how many notices."""

    offset: int
    settings: str
    next_ns: int
    owed: int


class Outbox:
    """See the module. For one thread at a time; several processes may have one each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._looks: dict[str, _Look] = {}
        self._followed: dict[str, _Followed] = {}

    def pump(self, now_ns: int) -> int | None:
        """Send everything that is due; return when to come again at the latest, None: when there is news."""
        return self.send_due(now_ns).next_ns

    def send_due(self, now_ns: int, *, run_id: str = "", until_s: float | None = None) -> Report:
        """Send what is due and return what became of it.

        Args:
            now_ns: the time.
            run_id: only of this run and the runs that it started; empty: of all.
            until_s: on the monotonic clock; after that nothing is begun, and what is left stays owed.

        Raises:
            StoreFailedError: the outbox can't be written, so nothing more was sent.
        """
        parts, settings = self._parts, self._parts.settings()
        run_ids = _chosen(parts.store.run_ids(), run_id)
        report = Report()
        if not settings.channels or not (run_ids or parts.files.runs()):
            return report
        with parts.files.locked() as is_ours:
            if not is_ours:
                report.is_busy = True
                report.come_again(now_ns + _BUSY_NS)
                return report
            turn = Turn(
                settings=settings,
                around=parts.around,
                open_channel=parts.open_channel,
                clock=parts.clock,
                dice=parts.dice,
                now_ns=now_ns,
                until_s=until_s,
                report=report,
            )
            digest = self._digest(settings)
            for each in run_ids:
                self._look_at(each, turn, digest)
            if not run_id:
                self._forget_runs_but(set(run_ids))
        return report

    def survey(self, now_ns: int) -> list[tuple[str, Kept]]:
        """Return every notice that is owed, or was, with its run. Changes nothing, and needs no lock."""
        found = []
        for run_id in self._parts.store.run_ids():
            kept = self._parts.files.read(run_id)
            try:
                followed = self._follow(run_id)
            except (CorruptJournalError, NotFoundError):
                followed = _Followed(Chain(), Story(run_id))
            self._take_up(kept, list(self._planned(followed.story)), now_ns)
            found += [(run_id, each) for each in kept.notices.values()]
        return sorted(found, key=lambda pair: pair[1].due_ns)

    def _look_at(self, run_id: str, turn: Turn, digest: str) -> None:
        """Bring one run's notices up to date and send those that are due."""
        files = self._parts.files
        try:
            look = self._looks.get(run_id) or _look_of(files.read(run_id))
            if self._has_nothing_new(run_id, look, turn.now_ns, digest):
                self._remember(run_id, look, turn)
                return
            followed = self._follow(run_id)
        except (CorruptJournalError, NotFoundError) as error:
            self._followed.pop(run_id, None)
            turn.report.unreadable[run_id] = error.message
            return
        # Not what is remembered: another sender may have been here meanwhile.
        kept = files.read(run_id)
        planned = list(self._planned(followed.story))
        is_news = self._take_up(kept, planned, turn.now_ns)
        is_last = followed.story.has_ended and kept.offset != followed.chain.offset
        kept.offset, kept.settings = followed.chain.offset, digest
        kept.next_ns = _next_ns(kept, planned, turn)
        if is_news or is_last:
            files.write(run_id, kept, durable=is_news)
        self._send(run_id, followed.story, kept, planned, turn)
        self._remember(run_id, _look_of(kept), turn)
        if followed.story.has_ended:
            self._followed.pop(run_id, None)

    def _has_nothing_new(self, run_id: str, look: _Look, now_ns: int, digest: str) -> bool:
        """Tell whether all that there is was seen, under these settings, and nothing has fallen due since."""
        if look.offset == 0 or look.settings != digest or 0 < look.next_ns <= now_ns:
            return False
        # From the last byte that was seen: a journal that lost its tail in a crash has none there.
        tail = self._parts.store.read_journal(run_id, offset=look.offset - 1)
        if not tail:
            self._followed.pop(run_id, None)
        return tail == b"\n"

    def _remember(self, run_id: str, look: _Look, turn: Turn) -> None:
        self._looks[run_id] = look
        turn.report.owed += look.owed
        turn.report.come_again(look.next_ns)

    def _follow(self, run_id: str) -> _Followed:
        """Return a run with all that its journal says by now."""
        followed = self._followed.pop(run_id, None) or _Followed(Chain(), Story(run_id))
        records = read_more(self._parts.store, run_id, followed.chain, torn_tail_ok=True)
        followed.story.read(records)
        self._followed[run_id] = followed
        if len(self._followed) > _STORIES_MAX:
            self._followed.pop(next(iter(self._followed)))
        return followed

    def _planned(self, story: Story) -> list[Notice]:
        return list(notices(story, self._parts.settings(), self._parts.policy()))

    def _take_up(self, kept: KeptRun, planned: list[Notice], now_ns: int) -> bool:
        """Take up what has fallen due, withdraw what need not be told any more; tell whether that was any."""
        changed = False
        max_age_ns = _ns(self._parts.settings().max_age)
        for notice in planned:
            if notice.id in kept.notices or notice.due_ns > now_ns or notice.is_moot(now_ns):
                continue
            if notice.kind not in PENDING and now_ns - notice.due_ns > max_age_ns:
                continue
            changed = True
            kept.notices[notice.id] = Kept(
                id=notice.id,
                kind=notice.kind,
                channel=notice.channel,
                seq=notice.fact.seq,
                breakpoint_id=notice.breakpoint_id,
                due_ns=notice.due_ns,
                owed_ns=now_ns,
            )
        wanted = {notice.id for notice in planned if not notice.is_moot(now_ns)}
        for each in kept.owed:
            if each.id not in wanted:
                each.state, each.ended_ns, changed = "withdrawn", now_ns, True
        return changed

    def _send(self, run_id: str, story: Story, kept: KeptRun, planned: list[Notice], turn: Turn) -> None:
        by_id = {notice.id: notice for notice in planned}
        for each in kept.owed:
            if each.next_ns <= turn.now_ns and turn.try_to_send(run_id, story, by_id[each.id], each):
                kept.next_ns = _next_ns(kept, planned, turn)
                self._parts.files.write(run_id, kept)

    def _forget_runs_but(self, run_ids: set[str]) -> None:
        """Forget runs that were removed."""
        for run_id in self._parts.files.runs():
            if run_id not in run_ids:
                self._parts.files.forget(run_id)
        self._looks = {run_id: look for run_id, look in self._looks.items() if run_id in run_ids}

    def _digest(self, settings: NotifyTable) -> str:
        """Return what changes when something else may be called for by the same journals."""
        channels = [[each.name, list(each.events), list(each.to)] for each in settings.channels]
        parts = [
            settings.delay_s,
            settings.expiring,
            settings.max_age,
            channels,
            self._parts.policy().digest(),
        ]
        return sha256_hex(canonical_json(parts))[:16]


def _look_of(kept: KeptRun) -> _Look:
    return _Look(offset=kept.offset, settings=kept.settings, next_ns=kept.next_ns, owed=len(kept.owed))


def _next_ns(kept: KeptRun, planned: list[Notice], turn: Turn) -> int:
    """Return when a run is to be looked at again, if nothing happens before; 0: need not be."""
    now_ns = turn.now_ns
    times = [max(each.next_ns, turn.held.get(each.channel, now_ns)) for each in kept.owed]
    times += [each.due_ns for each in planned if each.due_ns > now_ns and not each.is_moot(now_ns)]
    return min(times, default=0)


def _chosen(run_ids: list[str], run_id: str) -> list[str]:
    return [each for each in run_ids if not run_id or each == run_id or each.startswith(f"{run_id}.")]


def _ns(duration: str) -> int:
    return round((duration_s(duration) or 0) * _SECOND_NS)
