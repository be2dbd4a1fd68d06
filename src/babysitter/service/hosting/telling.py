"""Tells people what waits for them while a server is at work: the outbox is looked at whenever a run moves.

A channel that is away delays no run and ends nothing: what is owed stays owed, and is tried again.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from babysitter.model.errors import BabysitterError
from babysitter.service.hosting.feed import Feed
from babysitter.service.notify.telling import open_outbox
from babysitter.service.wiring import Workspace

LOOK_EVERY_S = 1.0
"""How soon is told of what others did, and of what is due by time."""
TOGETHER_S = 0.1
"""What happens in so short a time is told together."""


class Pump(Protocol):
    """What sends. ``service.notify.outbox.Outbox`` is the real one."""

    def pump(self, now_ns: int) -> int | None:
        """Send everything that is due; return when to come again at the latest, None: when there is news."""
        ...


class Telling:
    """See the module. ``start`` and ``stop`` once each."""

    def __init__(
        self, workspace: Workspace, feed: Feed, open_it: Callable[[Workspace], Pump] = open_outbox
    ) -> None:
        self._workspace = workspace
        self._feed = feed
        self._open = open_it
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="telling", daemon=True)
        self.problem = ""
        """Why people are not told at the moment; empty: they are."""

    def start(self) -> None:
        """Begin."""
        self._leave = self._feed.watch(lambda _: self._news.set())
        self._thread.start()

    def stop(self) -> None:
        """Afterwards nothing more is sent; what is owed stays so."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._leave()
            self._thread.join()

    def _tell(self) -> None:
        outbox: Pump | None = None
        while not self._stopping.is_set():
            try:
                outbox = outbox or self._open(self._workspace)
                outbox.pump(self._workspace.clock.now_ns())
                self.problem = ""
            except BabysitterError as error:
                self.problem = error.message
            except Exception as defect:  # noqa: BLE001 (a defect here is no reason to stop driving; it is shown)
                self.problem = f"a defect of Babysitter: {type(defect).__name__}"
            self._news.wait(LOOK_EVERY_S)
            self._stopping.wait(TOGETHER_S)
            self._news.clear()
