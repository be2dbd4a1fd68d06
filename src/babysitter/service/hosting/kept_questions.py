"""The open questions of a workspace, kept between looks, since every page with a badge asks for them.

A question is made from its run's journal alone, so what was made holds until the journal has grown. It
is kept as JSON, which takes a third of the memory that the same values take as objects.
"""

import threading

from msgspec.json import Decoder, encode

from babysitter.journal.reader import Store
from babysitter.model.errors import CorruptJournalError, NotFoundError
from babysitter.service.hosting.catalogue import Catalogue, Entry
from babysitter.service.hosting.guarded import is_guarded
from babysitter.service.reading import read_state
from babysitter.service.views import BreakpointView, View, breakpoint_view


class OpenQuestion(View, frozen=True, kw_only=True):
    """A question as anybody sees it. guarded: it is about production or something critical."""

    breakpoint: BreakpointView
    guarded: bool


_decode = Decoder(tuple[OpenQuestion, ...]).decode


class KeptQuestions:
    """See the module. Safe for several threads.

    Invariants, each with a test in tests/unit/service/hosting/test_kept_questions.py:
        - it gives what reading each journal would give, however often runs move between;
        - a journal is read once for each time that it has grown;
        - a run that can't be read hides no other, and is listed with its problem from then on.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, bytes]] = {}
        self._lock = threading.Lock()

    def of(self, store: Store, catalogue: Catalogue) -> list[OpenQuestion]:
        """Return every open question, in no particular order; those of one run stand together."""
        found: list[OpenQuestion] = []
        waiting = [entry for entry in catalogue.all() if entry.questions and not entry.has_ended]
        self._forget_all_but({entry.run_id for entry in waiting})
        for entry in waiting:
            try:
                found += self._of(store, entry)
            except (CorruptJournalError, NotFoundError):
                catalogue.read_again(entry.run_id)
        return found

    def _of(self, store: Store, entry: Entry) -> tuple[OpenQuestion, ...]:
        with self._lock:
            size, kept = self._kept.get(entry.run_id, (-1, b""))
        if size == entry.journal_bytes:
            return _decode(kept)
        state = read_state(store, entry.run_id)
        if state.end is not None:
            return ()
        views = (breakpoint_view(entry.run_id, asked) for asked in state.breakpoints.values())
        found = tuple(OpenQuestion(breakpoint=view, guarded=is_guarded(store, view)) for view in views)
        # What came meanwhile is in what was found, and the entry does not know it yet.
        if state.seq == entry.seq:
            with self._lock:
                self._kept[entry.run_id] = (entry.journal_bytes, encode(found))
        return found

    def _forget_all_but(self, run_ids: set[str]) -> None:
        with self._lock:
            for gone in self._kept.keys() - run_ids:
                del self._kept[gone]
