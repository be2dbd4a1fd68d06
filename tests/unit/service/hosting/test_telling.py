"""Telling people beside a server: at every move, and whatever one try ends in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from babysitter.model.errors import StoreFailedError
from babysitter.service.hosting.feed import Feed
from babysitter.service.hosting.telling import Telling
from babysitter.service.wiring import Workspace
from tests.unit.service.runs import workspace

PATIENCE_S = 20.0


class Pumped:
    """Counts tries; each one fails with what is next in ``fails``, if anything is."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.tries = 0
        self._tried = threading.Condition()

    def open(self, _place: Workspace) -> "Pumped":
        return self

    def pump(self, now_ns: int) -> int | None:
        assert now_ns
        with self._tried:
            self.tries += 1
            self._tried.notify_all()
        if self.fails:
            raise self.fails.pop(0)
        return None

    def until(self, tries: int) -> None:
        with self._tried:
            assert self._tried.wait_for(lambda: self.tries >= tries, PATIENCE_S)


@contextmanager
def telling(pumped: Pumped, feed: Feed) -> Iterator[Telling]:
    told = Telling(workspace(), feed, pumped.open)
    told.start()
    try:
        yield told
    finally:
        told.stop()


def test_the_outbox_is_looked_at_when_a_run_moves() -> None:
    pumped, feed = Pumped(), Feed()

    with telling(pumped, feed):
        pumped.until(1)
        feed.tell("r")
        pumped.until(2)
    assert len(feed) == 0


def test_a_try_that_fails_is_told_of_and_made_again() -> None:
    pumped, feed = (
        Pumped(StoreFailedError("the disk is full.", hint="Make room."), RuntimeError("secret")),
        Feed(),
    )

    with telling(pumped, feed) as told:
        pumped.until(1)
        feed.tell("r")
        pumped.until(2)
        feed.tell("r")
        pumped.until(4)

        assert told.problem == ""
    assert "secret" not in told.problem
