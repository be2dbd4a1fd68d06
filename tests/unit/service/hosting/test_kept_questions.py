"""Open questions are read once, and are what the journals say at every look."""

from babysitter.service.hosting.catalogue import Catalogue
from babysitter.service.hosting.kept_questions import KeptQuestions
from babysitter.service.queries import Queries
from babysitter.service.reading import read_state
from babysitter.service.runs import RunService
from babysitter.stores.interface import Holder
from babysitter.testing.memory_store import MemoryStore
from tests.unit.service.runs import answer, resume, start, workspace


class Counting(MemoryStore):
    """Counts how often journals are read."""

    reads = 0

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        self.reads += 1
        return super().read_journal(run_id, offset=offset)


def test_open_questions_are_those_that_reading_every_journal_gives() -> None:
    place = workspace()
    catalogue, kept = Catalogue(place.store), KeptQuestions()
    start(place, "asking", None)
    RunService(place).start("processes.py#asking_beside", None, run_id="s")
    catalogue.look()

    def same() -> bool:
        found = sorted((each.breakpoint for each in kept.of(place.store, catalogue)), key=str)
        return found == sorted(Queries(place).inbox(), key=str)

    assert same()
    assert len(kept.of(place.store, catalogue)) > 1
    (asked,) = read_state(place.store, "r").breakpoints
    answer(place, asked, "defer")
    catalogue.look()
    assert same()
    answer(place, asked, "approve")
    catalogue.look()
    assert same()
    resume(place)
    catalogue.look()
    assert same()


def test_a_journal_is_read_once_for_each_time_that_it_has_grown() -> None:
    store = Counting()
    place = workspace(store)
    catalogue, kept = Catalogue(store), KeptQuestions()
    start(place, "asking", None)
    catalogue.look()

    first = kept.of(store, catalogue)
    before = store.reads
    assert kept.of(store, catalogue) == first
    assert store.reads == before

    answer(place, first[0].breakpoint.breakpoint_id, "reject")
    catalogue.look()
    assert kept.of(store, catalogue) != first
    assert store.reads > before


def test_a_run_that_is_damaged_hides_no_other_question_and_is_listed_with_its_problem() -> None:
    place = workspace()
    catalogue, kept = Catalogue(place.store), KeptQuestions()
    start(place, "asking", None)
    RunService(place).start("processes.py#asking", None, run_id="s")
    catalogue.look()
    holder = Holder(user="a", host="b", pid=1, since="2026-01-01T00:00:00.000000Z")
    lease = place.store.lease("r", holder)
    # As long as before, so nothing but reading it tells.
    lease.replace_journal(place.store.read_journal("r").replace(b'"seq":1', b'"seq":7', 1))
    lease.release()

    assert {each.breakpoint.run_id for each in kept.of(place.store, catalogue)} == {"s"}
    assert {entry.run_id: bool(entry.problem) for entry in catalogue.all()} == {"r": True, "s": False}
