"""The runs of one workspace at a glance, kept in memory: what a list shows, and when each run is due.

The journal stays the truth: an entry is made from it and remembers how many bytes it was made
from, so what others wrote is noticed by the journal's length alone. What our own drivers write is
only noted, and read when somebody asks. Runs that move are followed line by line; the others cost
a few hundred bytes each and are read again when they move. What had ended before the first look is
taken at a glance, so that a start doesn't wait for it, and read line by line in the looks after.

Invariants, each with a test in tests/unit/service/hosting/test_catalogue.py:
    - an entry equals what reading the whole journal would give;
    - a run that can't be read is listed with its problem, and hides no other; one that had ended before
      the first look, once a later look has read it.
"""

import sys
import threading
from collections import OrderedDict

from msgspec import Struct

from babysitter.journal.reader import Store
from babysitter.model.errors import BabysitterError, CorruptJournalError, NotFoundError
from babysitter.service.hosting.glance import at_a_glance
from babysitter.service.reading import JournalTail
from babysitter.service.state import RunState

FOLLOWED_MAX = 256
"""So many runs are followed line by line; the one that moved longest ago is let go."""
READ_AFTER_BYTES = 1 << 20
"""So much of what was only glanced at is read in each look after: some 15 ms of work."""


class Entry(Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """One run of a list.

    questions: its open breakpoints. due_at: when it goes on by itself, RFC 3339; None: not by time.
    is_ready: there is work for a driver of ours that nothing holds back. problem: why it can't be read.
    harness: it is a harness's, which performs its effects and drives it.
    children: the runs that it waits for.
    journal_bytes: how much of its journal this was made from.
    """

    run_id: str
    process_id: str = ""
    status: str = "unreadable"
    created_at: str = ""
    updated_at: str = ""
    requested_by: str = ""
    parent_run_id: str | None = None
    seq: int = 0
    steps: int = 0
    done: int = 0
    failed: int = 0
    questions: int = 0
    due_at: str | None = None
    is_ready: bool = False
    problem: str = ""
    harness: bool = False
    children: tuple[str, ...] = ()
    journal_bytes: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing will ever happen in it again."""
        return self.status in ("completed", "failed", "cancelled")


class Catalogue:
    """See the module. Safe for several threads.

    glances: False for whoever looks once, and reads every line before believing any.
    """

    def __init__(self, store: Store, *, glances: bool = True) -> None:
        self._store = store
        self._glances = glances
        self._entries: dict[str, Entry] = {}
        self._followed: OrderedDict[str, tuple[JournalTail, RunState]] = OrderedDict()
        self._noted: set[str] = set()
        self._unseen: set[str] = set()
        self._glanced: list[str] = []
        self._order: list[Entry] | None = None
        self._lock = threading.Lock()

    def note(self, run_id: str) -> None:
        """Take note that a run has moved; it is read when somebody asks."""
        with self._lock:
            self._noted.add(run_id)

    def all(self) -> list[Entry]:
        """Return every entry, newest run first."""
        self._read_noted()
        with self._lock:
            if self._order is None:
                self._order = sorted(self._entries.values(), key=place_in_list, reverse=True)
            return list(self._order)

    def get(self, run_id: str) -> Entry | None:
        """Return a run's entry; None where none was made of it yet."""
        with self._lock:
            entry, is_noted = self._entries.get(run_id), run_id in self._noted
        return self.refresh(run_id) if is_noted else entry

    def look(self) -> list[Entry]:
        """Take in what has changed on disk; return every entry that is new or other since the last look.

        Whoever asked meanwhile and took something in first does not keep it from the one who looks.
        """
        self._read_noted()
        with self._lock:
            known = dict(self._entries)
        run_ids = self._store.run_ids()
        # Of those that were known before: what was created and taken in meanwhile is not gone.
        gone = known.keys() - set(run_ids)
        if gone:
            with self._lock:
                for run_id in gone:
                    self._entries.pop(run_id, None)
                self._order = None
        self._read_what_was_glanced_at()
        for run_id in run_ids:
            entry = known.get(run_id)
            if self._has_moved(run_id, entry) and (entry is not None or not self._glance(run_id)):
                self.refresh(run_id)
        with self._lock:
            changed, self._unseen = self._unseen, set()
            return [self._entries[run_id] for run_id in sorted(changed) if run_id in self._entries]

    def _has_moved(self, run_id: str, entry: Entry | None) -> bool:
        if entry is None:
            return True
        # A journal never grows after its end.
        if entry.has_ended:
            return False
        try:
            return self._store.journal_size(run_id) != entry.journal_bytes
        except BabysitterError:
            return True

    def read_again(self, run_id: str) -> Entry | None:
        """Read a run from its first line, whatever is known of it; for whoever could not read it."""
        with self._lock:
            self._followed.pop(run_id, None)
        return self.refresh(run_id)

    def _glance(self, run_id: str) -> bool:
        """Take in a run that has ended; return whether it has, as far as a glance tells."""
        if not self._glances:
            return False
        try:
            journal = self._store.read_journal(run_id)
        except BabysitterError:
            return False
        state = at_a_glance(journal)
        if state is None:
            return False
        with self._lock:
            self._glanced.append(run_id)
        self._keep(entry_of(run_id, state, len(journal)))
        return True

    def _read_what_was_glanced_at(self) -> None:
        read_bytes = 0
        while read_bytes < READ_AFTER_BYTES:
            with self._lock:
                if not self._glanced:
                    return
                run_id = self._glanced.pop()
            entry = self.refresh(run_id)
            read_bytes += entry.journal_bytes if entry is not None else 0

    def refresh(self, run_id: str) -> Entry | None:
        """Take in what has come to one run; return its entry, None when there is no such run any more."""
        with self._lock:
            followed = self._followed.pop(run_id, None)
            self._noted.discard(run_id)
        tail, state = followed or (JournalTail(self._store, run_id), RunState())
        try:
            for record in tail.more():
                state.apply(record.event(), seq=record.seq, recorded_at=record.recorded_at)
            entry = entry_of(run_id, state, tail.offset)
        except NotFoundError:
            with self._lock:
                self._entries.pop(run_id, None)
                self._order = None
            return None
        except CorruptJournalError as broken:
            entry = Entry(run_id=run_id, problem=broken.message, journal_bytes=tail.offset)
        else:
            self._follow(run_id, tail, state)
        return self._keep(entry)

    def _keep(self, entry: Entry) -> Entry:
        """Put an entry in the place of the one before it; return the one that knows more."""
        with self._lock:
            before = self._entries.get(entry.run_id)
            if before is not None and before.seq > entry.seq and not entry.problem:
                # Another thread has read further meanwhile.
                return before
            if entry != before:
                self._entries[entry.run_id] = entry
                self._order = None
                self._unseen.add(entry.run_id)
        return entry

    def _read_noted(self) -> None:
        with self._lock:
            noted = list(self._noted)
        for run_id in noted:
            self.refresh(run_id)

    def _follow(self, run_id: str, tail: JournalTail, state: RunState) -> None:
        with self._lock:
            if state.end is None and state.status == "running":
                self._followed[run_id] = (tail, state)
                while len(self._followed) > FOLLOWED_MAX:
                    self._followed.popitem(last=False)


def place_in_list(entry: Entry) -> tuple[str, str]:
    """Return by what a list is sorted, the newest run first."""
    return entry.created_at, entry.run_id


def entry_of(run_id: str, state: RunState, journal_bytes: int) -> Entry:
    """Return the entry of a run that stands so."""
    created = state.created
    if created is None:
        return Entry(run_id=run_id, problem="its journal has no first line yet", journal_bytes=journal_bytes)
    # Whatever was open at the end is nobody's any more.
    has_ended = state.end is not None
    times = [
        *state.timers.values(),
        *(effect.due_at for effect in state.effects.values() if effect.due_at),
        *(bp.requested.expires_at for bp in state.breakpoints.values() if bp.requested.expires_at),
    ]
    return Entry(
        run_id=run_id,
        # A thousand runs of one process say its name a thousand times.
        process_id=sys.intern(created.process_id),
        status=state.status,
        created_at=state.created_at,
        updated_at=state.updated_at,
        requested_by=sys.intern(created.requested_by),
        parent_run_id=created.parent_run_id,
        seq=state.seq,
        steps=state.steps,
        done=state.done,
        failed=state.failed,
        questions=0 if has_ended else len(state.breakpoints),
        due_at=None if has_ended or created.harness else min(times, default=None),
        is_ready=not has_ended and not created.harness and (state.status == "running" or state.has_news),
        harness=created.harness,
        children=() if has_ended else tuple(child.child_run_id for child in state.children.values()),
        journal_bytes=journal_bytes,
    )
