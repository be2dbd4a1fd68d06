"""The ports through which time, ids and dice come in.

``service.wiring`` gives the real ones, tests give fakes.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time, and a monotonic one for waiting."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...


class Dice(Protocol):
    """Randomness."""

    def bits(self, count: int) -> int:
        """Return an integer of that many random bits, fit for ids and nonces."""
        ...

    def uniform(self) -> float:
        """Return a number in [0, 1)."""
        ...


@lru_cache(maxsize=64)
def _format_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def format_time(time_ns: int) -> str:
    """Return a time as ``2026-01-31T10:15:30.123456Z``."""
    seconds, rest_ns = divmod(time_ns, 1_000_000_000)
    return f"{_format_seconds(seconds)}.{rest_ns // 1000:06d}Z"


def parse_time(text: str) -> int:
    """Return the nanoseconds since 1970 of a time with a zone (``Z`` or an offset).

    Raises:
        ValueError: it is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
