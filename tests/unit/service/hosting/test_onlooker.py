"""A server that drives nothing shows what others do."""

import threading

import pytest

from babysitter.model.errors import StoreFailedError
from babysitter.service.delivery import Delivery
from babysitter.service.hosting.catalogue import Catalogue, Entry
from babysitter.service.hosting.feed import Feed
from babysitter.service.hosting.hosting import hosted
from babysitter.service.hosting.onlooker import Onlooker
from babysitter.stores.interface import Store
from tests.unit.service.runs import start, workspace

PATIENCE_S = 20.0


def test_what_others_do_to_runs_is_seen_and_told() -> None:
    place = workspace()
    here = hosted(place, drive=False)
    told = threading.Semaphore(0)
    here.feed.watch(lambda _: told.release())
    assert here.onlooker is not None
    here.onlooker.start()
    try:
        start(place, "sleeping", 86_400)
        assert told.acquire(timeout=PATIENCE_S)
        assert [entry.run_id for entry in here.catalogue.all()] == ["r"]

        before = here.catalogue.all()[0].seq
        Delivery(place).cancel("r")
        assert told.acquire(timeout=PATIENCE_S)
        assert here.catalogue.all()[0].seq > before
    finally:
        here.onlooker.stop()
    assert here.failure == ""


class Failing(Catalogue):
    """Fails at its first look with what it is given."""

    def __init__(self, store: Store, failure: Exception) -> None:
        super().__init__(store)
        self.failure: Exception | None = failure
        self.recovered = threading.Event()

    def look(self) -> list[Entry]:
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        self.recovered.set()
        return super().look()


@pytest.mark.parametrize("failure", [StoreFailedError("listing the runs: I/O error"), ValueError("a defect")])
def test_a_look_that_fails_is_not_the_last(failure: Exception) -> None:
    place = workspace()
    catalogue = Failing(place.store, failure)
    onlooker = Onlooker(catalogue, Feed())
    onlooker.start()
    try:
        assert catalogue.recovered.wait(PATIENCE_S)
    finally:
        onlooker.stop()
    assert onlooker.failure == ""
