"""What ``ctx`` hands out to be awaited: one request to the engine, not yet made.

Invariants, each with a test in tests/unit/engine/test_unawaited.py:
    - making a step does nothing; awaiting it makes the request, in the branch that awaits;
    - a step that is dropped without having been awaited is noted with the line that made it;
    - nothing is kept of a step that has been awaited.

The engine drives them: engine/machine.py.
"""

import sys
from collections.abc import Callable, Coroutine, Generator
from types import CodeType
from typing import Any, Generic, TypeVar

from babysitter.model.commands import Command
from babysitter.model.errors import UsageError

R_co = TypeVar("R_co", covariant=True)

Value = Any
"""Whatever author code holds: the engine passes it on and never looks inside."""

Driven = Coroutine[Any, Any, Any] | Generator[Any, Any, Any]
"""What the engine steps through with ``send`` and ``throw``."""

Place = tuple[CodeType, int]
"""Code and line: cheap to note at each call, and turned into text only where it is shown."""


def shown_place(place: Place) -> str:
    """Return a place as ``path/to/file.py:12``."""
    return f"{place[0].co_filename}:{place[1]}"


class Ledger:
    """The steps of one run that are made and not awaited.

    upsets: how many errors have been thrown into the process: a step that one of them kept from
        being awaited is not forgotten.
    forgotten: where a step was made that nobody will await any more.
    """

    __slots__ = ("forgotten", "made", "upsets")

    def __init__(self) -> None:
        self.made: dict[int, tuple[Place, int]] = {}
        self.upsets = 0
        self.forgotten: Place | None = None

    def first_unawaited(self) -> Place | None:
        """Return where the oldest step was made that is still not awaited, or None."""
        if self.forgotten is not None:
            return self.forgotten
        for place, upsets in self.made.values():
            if upsets == self.upsets:
                return place
        return None


class Step(Generic[R_co]):
    """One request of process code; ``await`` it, or hand it to ``ctx.parallel``.

    make: gives the command, from a call id and a line.
    read: turns the engine's answer into what the author gets; its errors arise where the step is awaited.
    """

    __slots__ = ("_ledger", "_read", "make", "place")

    def __init__(
        self,
        ledger: Ledger,
        make: Callable[[str, str], Command] | None,
        read: Callable[[Any], R_co],
        depth: int = 2,
    ) -> None:
        frame = sys._getframe(depth)  # noqa: SLF001 (the author's line, in 0.1 µs; inspect.stack takes milliseconds)
        self.place: Place = (frame.f_code, frame.f_lineno)
        self.make = make
        self._read = read
        self._ledger: Ledger | None = ledger
        ledger.made[id(self)] = (self.place, ledger.upsets)

    def claim(self) -> None:
        """Note that the step has been awaited.

        Raises:
            UsageError: it had been already.
        """
        if self._ledger is None:
            raise UsageError(
                f"the call made at {shown_place(self.place)} is awaited a second time.",
                hint="Keep the result of the first await, or make the call again.",
            )
        del self._ledger.made[id(self)]
        self._ledger = None

    def __await__(self) -> Generator[Any, Any, R_co]:
        self.claim()
        return self._read((yield self))

    def started(self) -> Generator[Any, Any, R_co]:
        """As ``__await__``, for a step that its fork has claimed."""
        return self._read((yield self))

    def __del__(self) -> None:
        if self._ledger is not None:
            place, upsets = self._ledger.made.pop(id(self))
            if upsets == self._ledger.upsets and self._ledger.forgotten is None:
                self._ledger.forgotten = place
