"""Drives the runs of one workspace beside each other, each when it is due: by work, time, answer or end.

A run that waits is not kept in memory: it has an entry in the catalogue and, at most, a time in a
heap. A driver comes when something has happened to it and leaves when only waits remain.

Children are driven by their parent's driver, so what is due is always the topmost run.

Invariants, each with a test in tests/unit/service/hosting/test_conductor.py:
    - one driver a run, however often it is poked meanwhile; what came meanwhile is not forgotten;
    - a run that can't go on (untrusted code, a full disk) is tried again later, says why, and stops no other;
    - stopping leaves every run as a killed driver would, but sooner.
"""

import heapq
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from babysitter.model.clock import parse_time
from babysitter.model.errors import BabysitterError, RunLockedError
from babysitter.service.hosting.catalogue import Catalogue, Entry
from babysitter.service.hosting.feed import Feed
from babysitter.service.patience import Follows, Patience, Silence
from babysitter.service.runs import RunService
from babysitter.service.wiring import Workspace

LOOK_EVERY_S = 0.5
"""How soon it is noticed what others did to a run on disk."""
LOCKED_AGAIN_S = 2.0
PROBLEM_AGAIN_S = 60.0
LINGER_S = 0.2
"""A driver waits for timers nearer than that instead of leaving and coming back."""


class Teller(Silence):
    """The face of a driver that nobody sits before: it tells the feed of lines, and of what tasks write."""

    def __init__(self, conductor: "Conductor", run_id: str) -> None:
        self._conductor = conductor
        self._run_id = run_id
        self._bytes = -1

    @property
    def follows(self) -> Follows:
        """See Face. What is written is read back from its file, so only that something was is wanted."""
        return "masked"

    def output(self, effect_id: str, stream: str, chunk: bytes) -> None:
        """See Face."""
        del effect_id, stream
        if chunk:
            self._conductor.wrote(self._run_id)

    def journaled(self) -> None:
        """See Face. A driver comes by in each of its rounds; in most of them nothing was journaled."""
        length = self._conductor.length_of(self._run_id)
        if length != self._bytes:
            self._bytes = length
            self._conductor.moved(self._run_id)


@dataclass(slots=True)
class _Book:
    """What the conductor knows: who is driven, who is wanted, what is due when, what can't go on."""

    driving: dict[str, Patience] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    due: list[tuple[int, str]] = field(default_factory=list)
    due_of: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Conductor:
    """See the module. ``start`` and ``stop`` once each."""

    def __init__(self, workspace: Workspace, catalogue: Catalogue, feed: Feed, *, concurrency: int) -> None:
        self._workspace = workspace
        self._catalogue = catalogue
        self._feed = feed
        self._runs = RunService(workspace)
        self._book = _Book()
        self._turn = threading.Condition()
        self._stopping = False
        self.failure = ""
        """Why the runs could not be looked at the last time; empty: they were."""
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="drive")
        self._thread = threading.Thread(target=self._conduct, name="conductor", daemon=True)

    def start(self) -> None:
        """Begin: what was cut off goes on, and what is due is driven."""
        self._thread.start()

    def stop(self, *, grace_s: float = 10.0) -> None:
        """Afterwards nothing is driven any more; what is in flight had ``grace_s`` to end."""
        with self._turn:
            self._stopping = True
            for patience in self._book.driving.values():
                patience.grace_s = grace_s
                patience.stop()
            self._turn.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def poke(self, run_id: str) -> None:
        """Something has come for the run: have it driven, now or as soon as its driver leaves."""
        topmost = self._topmost(run_id)
        entry = self._catalogue.get(topmost)
        if entry is None or not entry.harness:
            self._want(topmost)

    def wrote(self, run_id: str) -> None:
        """A task of the run has written output."""
        self._feed.tell_written(run_id)

    def length_of(self, run_id: str) -> int:
        """Return how many bytes a run's journal has."""
        return self._workspace.store.journal_size(run_id)

    def moved(self, run_id: str) -> None:
        """Take note that a run has new lines. Called by its driver."""
        self._catalogue.note(run_id)
        self._feed.tell(run_id)

    def problem(self, run_id: str) -> str:
        """Return why a run can't go on; empty when nothing is wrong."""
        with self._turn:
            return self._book.problems.get(run_id, "")

    def is_busy_with(self, run_id: str) -> bool:
        """Tell whether the run is being driven, or its turn has come."""
        topmost, now_ns = self._topmost(run_id), self._workspace.clock.now_ns()
        with self._turn:
            due_ns = self._book.due_of.get(topmost)
            return topmost in self._book.driving or (due_ns is not None and due_ns <= now_ns)

    @property
    def driving(self) -> int:
        """How many runs are being driven."""
        with self._turn:
            return len(self._book.driving)

    def _topmost(self, run_id: str) -> str:
        seen = {run_id}
        entry = self._catalogue.get(run_id) or self._catalogue.refresh(run_id)
        while entry is not None and entry.parent_run_id and entry.parent_run_id not in seen:
            above = self._catalogue.get(entry.parent_run_id) or self._catalogue.refresh(entry.parent_run_id)
            if above is None or above.has_ended:
                break
            seen.add(above.run_id)
            entry = above
        return entry.run_id if entry is not None else run_id

    def _want(self, run_id: str, *, at_ns: int = 0) -> None:
        with self._turn:
            if at_ns == 0 and run_id in self._book.driving:
                self._book.again.add(run_id)
                return
            before = self._book.due_of.get(run_id)
            if before is None or at_ns < before:
                self._book.due_of[run_id] = at_ns
                heapq.heappush(self._book.due, (at_ns, run_id))
                self._turn.notify_all()

    def _conduct(self) -> None:
        """The conductor's thread. Whatever one look ends in, the next one is made; what was wrong is said."""
        is_first = True
        while not self._stopping:
            try:
                if is_first:
                    self._seal_what_ended()
                is_first = False
                self._take_in()
                self.failure = ""
            except BabysitterError as error:
                self.failure = error.message
            except Exception as defect:  # noqa: BLE001 (no look may be the last one; it is shown)
                self.failure = f"a defect of Babysitter: {type(defect).__name__}"
            with self._turn:
                if not self._stopping:
                    self._start_due()
                    self._turn.wait(self._pause_s())
                if not self._stopping:
                    self._start_due()

    def _take_in(self) -> None:
        for entry in self._catalogue.look():
            self._feed.tell(entry.run_id)
            try:
                self._schedule(entry)
            except BabysitterError:
                # The look has shown the entry, and does so once: whoever can't be scheduled now is driven.
                self._want(entry.run_id)

    def _pause_s(self) -> float:
        if not self._book.due:
            return LOOK_EVERY_S
        until_s = (self._book.due[0][0] - self._workspace.clock.now_ns()) / 1e9
        return min(LOOK_EVERY_S, max(0.0, until_s))

    def _start_due(self) -> None:
        now_ns, book = self._workspace.clock.now_ns(), self._book
        while book.due and book.due[0][0] <= now_ns:
            at_ns, run_id = heapq.heappop(book.due)
            if book.due_of.get(run_id) != at_ns:
                # It was wanted sooner, and has been driven since.
                continue
            del book.due_of[run_id]
            if run_id in book.driving:
                book.again.add(run_id)
                continue
            patience = Patience(far_timer_s=LINGER_S)
            book.driving[run_id] = patience
            self._pool.submit(self._drive, run_id, patience)

    def _schedule(self, entry: Entry) -> None:
        """Say when a run that stands so is to be driven."""
        if entry.has_ended and entry.parent_run_id:
            above = self._catalogue.get(entry.parent_run_id)
            if above is not None and entry.run_id in above.children:
                # Whoever ended it was not its parent's driver.
                self._want(self._topmost(above.run_id))
        if entry.has_ended or entry.problem:
            return
        with self._turn:
            if entry.run_id in self._book.driving or entry.run_id in self._book.problems:
                return
        topmost = self._topmost(entry.run_id)
        is_ready = entry.is_ready or any(map(self._is_over, entry.children))
        if is_ready and topmost not in self._book.driving:
            self._want(topmost)
        elif entry.due_at is not None:
            self._want(topmost, at_ns=parse_time(entry.due_at))

    def _is_over(self, child_run_id: str) -> bool:
        """Tell whether waiting for a child is over: it has ended, or a crash kept it from beginning."""
        entry = self._catalogue.get(child_run_id)
        return entry is None or entry.has_ended

    def _drive(self, run_id: str, patience: Patience) -> None:
        problem, pause_s = "", 0.0
        try:
            self._runs.drive(run_id, patience=patience, face=Teller(self, run_id))
        except RunLockedError:
            # Somebody else drives it, which is all that is wanted; when they leave, we look again.
            pause_s = LOCKED_AGAIN_S
        except BabysitterError as error:
            problem, pause_s = f"{error.message} {error.hint}".rstrip(), PROBLEM_AGAIN_S
        except Exception as defect:  # noqa: BLE001 (one run's defect must not end the others; it is shown)
            problem = f"a defect of Babysitter: {type(defect).__name__}"
            pause_s = PROBLEM_AGAIN_S
        self._left(run_id, problem, pause_s)

    def _left(self, run_id: str, problem: str, pause_s: float) -> None:
        """Take note that a driver has left."""
        entry, is_gone = None, False
        try:
            entry = self._catalogue.refresh(run_id)
            is_gone = entry is None
        except Exception as error:  # noqa: BLE001 (whatever it is: the run must not count as driven for ever)
            why = error.message if isinstance(error, BabysitterError) else type(error).__name__
            problem = problem or f"it can't be read: {why}"
            pause_s = pause_s or PROBLEM_AGAIN_S
        with self._turn:
            del self._book.driving[run_id]
            wanted_again = run_id in self._book.again
            self._book.again.discard(run_id)
            if problem:
                self._book.problems[run_id] = problem
            else:
                self._book.problems.pop(run_id, None)
        if self._stopping or is_gone:
            return
        if wanted_again:
            # Whatever kept it from going on, something has come since.
            self._want(run_id)
        elif pause_s:
            self._want(run_id, at_ns=self._workspace.clock.now_ns() + int(pause_s * 1e9))
        elif entry is not None:
            self._after_a_drive(entry)
        self._feed.tell(run_id)

    def _after_a_drive(self, entry: Entry) -> None:
        """Schedule a run that its driver has just left because it only waits; its children wait with it."""
        if not entry.has_ended and entry.due_at is not None:
            self._want(entry.run_id, at_ns=parse_time(entry.due_at))

    def _seal_what_ended(self) -> None:
        """Tell the log of the runs whose end a crash kept from it."""
        for run_id in sorted(self._workspace.unsealed()):
            entry = self._catalogue.refresh(run_id)
            if entry is not None and entry.has_ended:
                self._want(run_id)
