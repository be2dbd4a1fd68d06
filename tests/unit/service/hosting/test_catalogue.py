"""The catalogue: what it says of a run is what its journal says, however it came to know."""

from collections.abc import Callable

import pytest

from babysitter.model.errors import NotFoundError
from babysitter.service.delivery import Delivery
from babysitter.service.hosting.catalogue import Catalogue, Entry, entry_of
from babysitter.service.reading import read_state
from babysitter.service.session import NewRun, create_run
from babysitter.stores.interface import Holder
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import answer, create, resume, start, workspace


def whole(place: FakeWorkspace, run_id: str = "r") -> Entry:
    """Return the entry that reading the whole journal gives."""
    return entry_of(run_id, read_state(place.store, run_id), place.store.journal_size(run_id))


def test_an_entry_that_was_followed_is_the_one_that_reading_everything_gives() -> None:
    place = workspace()
    catalogue = Catalogue(place.store)
    create(place, "listening", 3)
    assert [entry.status for entry in catalogue.look()] == ["running"]

    resume(place)
    for number in range(3):
        Delivery(place).signal("r", "news", number)
        assert catalogue.refresh("r") == whole(place)
    resume(place)

    assert catalogue.refresh("r") == whole(place) == catalogue.get("r")
    assert catalogue.all() == [whole(place)]


def test_a_look_gives_what_has_changed_and_nothing_else() -> None:
    place = workspace()
    catalogue = Catalogue(place.store)
    start(place, "sleeping", 86_400)

    first, second = catalogue.look(), catalogue.look()
    Delivery(place).cancel("r")
    third = catalogue.look()

    assert [entry.run_id for entry in first] == ["r"]
    assert second == []
    assert [entry.run_id for entry in third] == ["r"]


def test_who_asks_first_keeps_nothing_from_the_one_who_looks() -> None:
    """A visitor that came before the first look once kept a server from ever driving the run."""
    place = workspace()
    catalogue = Catalogue(place.store)
    start(place, "sleeping", 86_400)
    assert catalogue.refresh("r") is not None

    assert [entry.run_id for entry in catalogue.look()] == ["r"]
    assert catalogue.look() == []


def test_when_a_run_goes_on_by_itself_is_known() -> None:
    place = workspace()
    start(place, "sleeping", 86_400)

    (entry,) = Catalogue(place.store).look()

    assert entry.status == "waiting"
    assert not entry.is_ready
    assert entry.due_at == next(iter(read_state(place.store, "r").timers.values()))


def test_a_run_of_a_harness_is_never_ready_for_us() -> None:
    place = workspace()
    new = NewRun(entry="processes.py#listening", inputs=1, run_id="r", harness=True)
    create_run(place, new, sandbox="none")

    (entry,) = Catalogue(place.store).look()

    assert entry.harness
    assert not entry.is_ready
    assert entry.due_at is None


def test_a_run_that_does_not_verify_is_listed_with_its_problem_and_hides_no_other() -> None:
    place = workspace()
    start(place, "sleeping", 86_400)
    create_run(place, NewRun(entry="processes.py#listening", inputs=1, run_id="s"), sandbox="none")
    holder = Holder(user="a", host="b", pid=1, since="2026-01-01T00:00:00.000000Z")
    lease = place.store.lease("r", holder)
    good = place.store.read_journal("r")
    lease.replace_journal(good.replace(b'"seq":1', b'"seq":7', 1))
    lease.release()

    entries = {entry.run_id: entry for entry in Catalogue(place.store).look()}

    assert entries["r"].status == "unreadable"
    assert entries["r"].problem
    assert entries["s"].status == "running"


def test_a_run_that_is_gone_is_forgotten() -> None:
    place = workspace()
    catalogue = Catalogue(place.store)

    assert catalogue.refresh("never") is None
    with pytest.raises(NotFoundError):
        place.store.journal_size("never")


def test_an_answered_question_is_counted_no_more() -> None:
    place = workspace()
    catalogue = Catalogue(place.store)
    start(place, "asking", None)
    assert [entry.questions for entry in catalogue.look()] == [1]

    answer(place, next(iter(read_state(place.store, "r").breakpoints)), "approve")

    assert [entry.questions for entry in catalogue.look()] == [0]


def test_what_had_ended_is_taken_at_a_glance_and_read_in_the_next_look() -> None:
    place = workspace()
    start(place, "doubling", 3)
    holder = Holder(user="a", host="b", pid=1, since="2026-01-01T00:00:00.000000Z")
    lease = place.store.lease("r", holder)
    good = place.store.read_journal("r")
    catalogue, damaged = Catalogue(place.store), Catalogue(place.store)

    (entry,) = catalogue.look()
    assert entry == whole(place)
    assert entry.status == "completed"
    assert catalogue.look() == []

    # The last line's own bytes are in no prefix; the first line's are in all.
    lease.replace_journal(good.replace(b'"requestedBy":"', b'"requestedBy":"x', 1))
    lease.release()
    assert [entry.status for entry in damaged.look()] == ["completed"]
    assert [entry.status for entry in damaged.look()] == ["unreadable"]
    assert damaged.look() == []


def test_a_run_that_ended_with_something_open_waits_for_nobody() -> None:
    place = workspace()
    start(place, "asking", None)
    Delivery(place).cancel("r")
    resume(place)

    (entry,) = Catalogue(place.store).look()

    assert entry.status == "cancelled"
    assert (entry.questions, entry.due_at) == (0, None)


class Joined(MemoryStore):
    """A store in which a run appears, and is taken in, right after the runs were listed."""

    def __init__(self) -> None:
        super().__init__()
        self.joins: Callable[[], object] | None = None

    def run_ids(self) -> list[str]:
        found, joins = super().run_ids(), self.joins
        self.joins = None
        if joins is not None:
            joins()
        return found


def test_a_run_that_is_taken_in_during_a_look_is_not_taken_for_gone() -> None:
    """Whoever had just created it did not find it in the list."""
    store = Joined()
    place = workspace(store)
    catalogue = Catalogue(store)

    def join() -> None:
        create(place, "doubling", 1)
        catalogue.refresh("r")

    store.joins = join
    catalogue.look()

    assert [entry.run_id for entry in catalogue.all()] == ["r"]
