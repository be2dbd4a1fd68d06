"""How often one caller may ask: a bucket of tokens each, refilled as time goes by."""

import threading
from collections import OrderedDict

from babysitter.model.clock import Clock

CALLERS_MAX = 10_000


class Rates:
    """Buckets by caller. Safe for several threads. ``burst``: how many at once; refilled within a minute."""

    def __init__(self, clock: Clock, *, per_minute: int, burst: int | None = None) -> None:
        self._clock = clock
        self._per_s = per_minute / 60
        self._burst = float(burst or per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, caller: str) -> float:
        """Take one; return 0, or after how many seconds there is one again."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            left, then_s = self._buckets.pop(caller, (self._burst, now_s))
            left = min(self._burst, left + max(0.0, now_s - then_s) * self._per_s)
            wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
            self._buckets[caller] = (left - 1 if left >= 1 else left, now_s)
            while len(self._buckets) > CALLERS_MAX:
                self._buckets.popitem(last=False)
        return wait_s
