"""The real clock and dice."""

import os
import time


class SystemClock:
    """model.clock.Clock of this machine."""

    def now_ns(self) -> int:
        """See model.clock.Clock."""
        return time.time_ns()

    def monotonic_s(self) -> float:
        """See model.clock.Clock."""
        return time.monotonic()


class SystemDice:
    """model.clock.Dice of this machine's entropy."""

    def bits(self, count: int) -> int:
        """See model.clock.Dice."""
        return int.from_bytes(os.urandom((count + 7) // 8)) >> (-count % 8)

    def uniform(self) -> float:
        """See model.clock.Dice."""
        return self.bits(53) / (1 << 53)
