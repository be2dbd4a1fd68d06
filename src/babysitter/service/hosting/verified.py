"""What verifying a run found, and when: kept in memory, so that a page says it without doing it again.

A later line does not make it wrong, only older: a page says up to which line it holds.
"""

import threading
from collections import OrderedDict

from babysitter.model.clock import format_time
from babysitter.service.verifying import VerificationView
from babysitter.service.views import View

RUNS_MAX = 10_000


class VerifiedRun(View, frozen=True, kw_only=True):
    """What was found, and when."""

    at: str
    found: VerificationView


class VerifiedRuns:
    """The last finding of each run, of the most recent ``RUNS_MAX``. Safe for several threads.

    whole: held by whoever verifies all runs, so that nobody does it twice at once.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[str, VerifiedRun] = OrderedDict()
        self._lock = threading.Lock()
        self.whole = threading.Lock()

    def get(self, run_id: str) -> VerifiedRun | None:
        """Return what the last verification found; None: this server has not verified the run."""
        with self._lock:
            return self._found.get(run_id)

    def keep(self, found: VerificationView, *, at_ns: int) -> VerifiedRun:
        """Remember what was found, in the place of what was before."""
        kept = VerifiedRun(at=format_time(at_ns), found=found)
        with self._lock:
            self._found.pop(found.run_id, None)
            self._found[found.run_id] = kept
            while len(self._found) > RUNS_MAX:
                self._found.popitem(last=False)
        return kept
