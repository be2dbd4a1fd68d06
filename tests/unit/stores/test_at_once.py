"""Files of a run that two processes write in the same moment."""

import threading
from collections.abc import Callable
from pathlib import Path

from babysitter.stores.disk import RealDisk
from babysitter.stores.files import FileStore
from babysitter.testing.store_conformance import FILES, FIRST, HOLDER

RUN = "run-1"


class Meddled(RealDisk):
    """A disk on which somebody does something just before, or just after, a thing gets its name."""

    def __init__(self) -> None:
        self.before: Callable[[], None] | None = None
        self.after: Callable[[], None] | None = None

    def rename(self, old: str, new: str, dir_fd: int) -> None:
        before, self.before = self.before, None
        if before is not None:
            before()
        super().rename(old, new, dir_fd)
        after, self.after = self.after, None
        if after is not None:
            after()


def test_two_senders_of_one_message_do_not_meet_in_one_file(tmp_path: Path) -> None:
    """Who asks again under the same id was told that there is no such mail, or left half of it.

    Which of two threads or processes writes is told by their ids, so the second is another thread.
    """
    disk = Meddled()
    store = FileStore(tmp_path / "runs", disk)
    store.create(RUN, FILES, FIRST)

    def second() -> None:
        other = FileStore(tmp_path / "runs")
        thread = threading.Thread(target=other.send_mail, args=(RUN, "01A.json", b"second"))
        thread.start()
        thread.join()

    disk.before = second
    store.send_mail(RUN, "01A.json", b"first")

    lease = store.lease(RUN, HOLDER)
    assert lease.mail() == ["01A.json"]
    assert lease.read_mail("01A.json") == b"first"
    lease.release()


def test_who_drives_a_run_in_the_moment_it_appears_is_named_as_its_driver(tmp_path: Path) -> None:
    """Whoever created it said afterwards, in the driver's place, that nobody drives it."""
    disk = Meddled()
    store, other = FileStore(tmp_path / "runs", disk), FileStore(tmp_path / "runs")
    disk.after = lambda: held.append(other.lease(RUN, HOLDER))
    held: list[object] = []

    store.create(RUN, FILES, FIRST)

    assert held
    assert other.holder(RUN) == HOLDER
