"""How long somebody else may take in all: one moment, however many steps there are until then."""

import time


class Deadline:
    """Begins when it is made. A step takes what is left as its timeout, so that no step begins anew."""

    def __init__(self, timeout_s: float) -> None:
        self._ends_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return what is left, more than 0.

        Raises:
            TimeoutError: nothing is.
        """
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s
