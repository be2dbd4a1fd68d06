"""Watches the runs of a workspace that are driven elsewhere, so that its pages show what is, not what was."""

import threading

from babysitter.model.errors import BabysitterError
from babysitter.service.hosting.catalogue import Catalogue
from babysitter.service.hosting.conductor import LOOK_EVERY_S
from babysitter.service.hosting.feed import Feed


class Onlooker:
    """Looks as often as a conductor does, and tells the feed. ``start`` and ``stop`` once each."""

    def __init__(self, catalogue: Catalogue, feed: Feed) -> None:
        self._catalogue = catalogue
        self._feed = feed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="onlooker", daemon=True)
        self.failure = ""
        """Why the runs could not be looked at the last time; empty: they were."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Afterwards nothing is looked at any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                for entry in self._catalogue.look():
                    self._feed.tell(entry.run_id)
                self.failure = ""
            except BabysitterError as error:
                self.failure = error.message
            except Exception as defect:  # noqa: BLE001 (no look may be the last one; it is shown)
                self.failure = f"a defect of Babysitter: {type(defect).__name__}"
            self._stopping.wait(LOOK_EVERY_S)
