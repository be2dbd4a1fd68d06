"""Whose turn it is: of the threads that work, one caller has a few at once, and waits in a line of their own.

Some requests wait for a driver, for seconds. Without this one program that sends many of them has every
thread, and a person who wants to say no waits behind it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

AT_ONCE = 8
"""Of the 40 threads that there are."""


@dataclass(slots=True)
class _Line:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    callers: int = 0


class Turns:
    """See the module. For one event loop; who asks for nothing costs nothing."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def of(self, caller: str) -> AsyncIterator[None]:
        """Wait for a turn of this caller, and have it."""
        line = self._lines.setdefault(caller, _Line())
        line.callers += 1
        try:
            async with line.free:
                yield
        finally:
            line.callers -= 1
            if not line.callers:
                del self._lines[caller]
