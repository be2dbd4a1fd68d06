"""Time and dice that a test decides."""

_STEP_NS = 1_000_000


class FakeClock:
    """A clock that moves by one millisecond with each look, so that every line of a test has its own time."""

    def __init__(self, start_ns: int = 1_769_854_530_123_456_000, step_ns: int = _STEP_NS) -> None:
        self.time_ns = start_ns
        self.step_ns = step_ns

    def now_ns(self) -> int:
        """See Clock."""
        self.time_ns += self.step_ns
        return self.time_ns

    def monotonic_s(self) -> float:
        """See Clock; moves with the other one, and does not move it."""
        return self.time_ns / 1e9

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time_ns += round(seconds * 1e9)


class FakeDice:
    """Dice that count: each roll differs from the one before, and every test sees the same ones."""

    def __init__(self, start: int = 0) -> None:
        self.rolls = start

    def bits(self, count: int) -> int:
        """See Dice."""
        self.rolls += 1
        return self.rolls & ((1 << count) - 1)

    def uniform(self) -> float:
        """See Dice: goes through [0, 1) in steps of 0.1."""
        self.rolls += 1
        return (self.rolls % 10) / 10
