"""Watching one run of a hosted workspace while somebody waits for it, whoever drives it."""

import threading

from babysitter.model.errors import RefusedError
from babysitter.service.hosting.hosting import Hosted


class HostedDrive:
    """One run, watched until there is nothing to wait for. ``failure``: why it can't go on."""

    def __init__(self, hosted: Hosted, run_id: str) -> None:
        self.run_id = run_id
        self.failure: BaseException | None = None
        self._hosted = hosted
        self._news = threading.Condition()
        self._count = 0
        self._has_left = False
        self._leave_feed = hosted.feed.watch(self._told)
        self._look()

    @property
    def has_left(self) -> bool:
        """True once the run has ended, waits, or can't go on."""
        return self._has_left

    def wait_for_news(self, seen: int, timeout_s: float) -> int:
        """Return how much news there was so far: at once when more than was seen, else after that time."""
        with self._news:
            self._news.wait_for(lambda: self._count > seen, timeout_s)
            count = self._count
        self._look()
        return count

    def stop(self) -> None:
        """Nobody waits for it any longer; it is the server's, and goes on."""

    def close(self) -> None:
        """Watch no more."""
        self._leave_feed()

    def _told(self, run_id: str) -> None:
        if run_id == self.run_id:
            with self._news:
                self._count += 1
                self._news.notify_all()

    def _look(self) -> None:
        """Take in where the run stands; a run that another process drives is seen so, too."""
        conductor, entry = self._hosted.conductor, self._hosted.catalogue.refresh(self.run_id)
        if entry is None or entry.has_ended:
            self._has_left = True
        elif conductor is not None and conductor.is_busy_with(self.run_id):
            self._has_left = False
        else:
            problem = entry.problem or (conductor.problem(self.run_id) if conductor is not None else "")
            if problem:
                self.failure = RefusedError(
                    f"run {self.run_id} can't go on: {problem}",
                    hint="It is tried again by itself.",
                )
            self._has_left = bool(problem) or entry.status == "waiting"
