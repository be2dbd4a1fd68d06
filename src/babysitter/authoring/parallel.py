"""Branches of a process: ``ctx.parallel.all`` and ``ctx.parallel.map``.

Each branch is a coroutine with many steps of its own, or a single step. The
first failure cancels the others, which may clean up, and is then raised.
How they are scheduled: engine/branches.py.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar, overload

from babysitter.authoring.steps import Driven, Ledger, Step, Value
from babysitter.model.errors import UsageError

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
T = TypeVar("T")


class Fork(Step[R_co]):
    """Several branches at once.

    items: an awaitable for each branch, or what ``begin`` makes one of.
    limit: how many branches run at a time; 0 for all of them.
    """

    __slots__ = ("_begin", "items", "limit")

    def __init__(
        self,
        ledger: Ledger,
        items: Sequence[Any],
        read: Callable[[Any], R_co],
        *,
        begin: Callable[[Any], Awaitable[Any]] | None = None,
        limit: int = 0,
    ) -> None:
        super().__init__(ledger, None, read, depth=3)
        self.items = items
        self.limit = limit
        self._begin = begin

    def claim(self) -> None:
        """Note that the fork has been awaited, and with it the steps it was given."""
        super().claim()
        if self._begin is None:
            for item in self.items:
                if isinstance(item, Step):
                    item.claim()

    def branch(self, index: int) -> Driven:
        """Return what runs as the branch of that index, not yet started."""
        item = self.items[index]
        if self._begin is not None:
            return _apply(self._begin, item)
        if isinstance(item, Step):
            return item.started()
        if isinstance(item, Coroutine):
            return item
        return _await(item)

    def drop(self, index: int) -> None:
        """Give up a branch that has not been started."""
        if self._begin is None and isinstance(self.items[index], Coroutine):
            self.items[index].close()

    def __del__(self) -> None:
        if self._ledger is not None and self._begin is None:
            # Python would warn of each coroutine; our error, which names the line of the fork, says it once.
            for index in range(len(self.items)):
                self.drop(index)
        super().__del__()


async def _apply(begin: Callable[[Any], Awaitable[Any]], item: Value) -> Value:
    return await begin(item)


async def _await(item: Awaitable[Any]) -> Value:
    return await item


class Parallel:
    """``ctx.parallel``."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @overload
    def all(self, a: Awaitable[A], /) -> Step[tuple[A]]: ...
    @overload
    def all(self, a: Awaitable[A], b: Awaitable[B], /) -> Step[tuple[A, B]]: ...
    @overload
    def all(self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> Step[tuple[A, B, C]]: ...
    @overload
    def all(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /
    ) -> Step[tuple[A, B, C, D]]: ...
    @overload
    def all(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], /
    ) -> Step[tuple[A, B, C, D, E]]: ...
    @overload
    def all(
        self,
        a: Awaitable[A],
        b: Awaitable[B],
        c: Awaitable[C],
        d: Awaitable[D],
        e: Awaitable[E],
        f: Awaitable[F],
        /,
    ) -> Step[tuple[A, B, C, D, E, F]]: ...
    @overload
    def all(self, *awaitables: Awaitable[T]) -> Step[tuple[T, ...]]: ...
    def all(self, *awaitables: Awaitable[Any]) -> Step[Any]:
        """Run all at once and return their results in order.

        Raises:
            UsageError: one of them can't be awaited.
        """
        for item in awaitables:
            if not isinstance(item, Awaitable):
                raise UsageError(
                    f"ctx.parallel.all got {item!r}, which can't be awaited.",
                    hint="Pass calls, as in all(ctx.task(a), branch(ctx)); for a list write all(*calls).",
                )
        return Fork(self._ledger, awaitables, tuple)

    def map(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T], *, limit: int | None = None
    ) -> Step[list[R]]:
        """Run ``function(item)`` for each item, at most ``limit`` at a time, and return the results in order.

        Raises:
            UsageError: the limit is less than 1.
        """
        if limit is not None and limit < 1:
            raise UsageError(f"ctx.parallel.map: limit is {limit}.", hint="Leave it out, or give 1 or more.")
        return Fork(self._ledger, list(items), list, begin=function, limit=limit or 0)
