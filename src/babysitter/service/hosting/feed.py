"""Tells whoever watches a workspace that one of its runs has moved. Nothing is kept for nobody.

A task that writes moves nothing: its run stands where it stood. That is told apart, to those who want output.
"""

import threading
from collections.abc import Callable

Moved = Callable[[str], None]
"""Is told a run's id, from any thread; must not block and must not raise."""


class Feed:
    """Watchers of all runs of one workspace. Safe for several threads."""

    def __init__(self) -> None:
        self._watchers: dict[int, Moved] = {}
        self._readers: dict[int, Moved] = {}
        self._lock = threading.Lock()
        self._next = 0

    def watch(self, moved: Moved, *, wrote: Moved | None = None) -> Callable[[], None]:
        """Have them called from now on; return what ends that. ``wrote``: a task of the run has written."""
        with self._lock:
            self._next += 1
            key = self._next
            self._watchers[key] = moved
            if wrote is not None:
                self._readers[key] = wrote

        def leave() -> None:
            with self._lock:
                self._watchers.pop(key, None)
                self._readers.pop(key, None)

        return leave

    def tell(self, run_id: str) -> None:
        """Tell every watcher that the run has moved."""
        with self._lock:
            watchers = list(self._watchers.values())
        for moved in watchers:
            moved(run_id)

    def tell_written(self, run_id: str) -> None:
        """Tell those who want output that a task of the run has written some."""
        with self._lock:
            readers = list(self._readers.values())
        for wrote in readers:
            wrote(run_id)

    def __len__(self) -> int:
        with self._lock:
            return len(self._watchers)
