"""Branches of a run, and whose turn it is.

A branch is a coroutine of the author's with calls of its own; a group is the
branches of one ``ctx.parallel``. Which branch goes next depends only on the order
in which events came in, never on time or on what Python does inside.

Invariants, each with a test in tests/unit/engine/test_parallel.py and test_cancel.py:
    - a branch is cancelled at most once, at what it waits for, and may make further calls;
    - a group ends when all its branches have ended, and nothing of it is kept then;
    - the first failure in time is what the group raises, unless the group itself is cancelled.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from babysitter.authoring.parallel import Fork
from babysitter.authoring.steps import Driven, Value
from babysitter.model.commands import Command
from babysitter.model.errors import CancelledRunError


class Branch:
    """One line of execution.

    prefix: of the call ids of its calls, for example ``4.0.``; empty for the process itself.
    waiting: the command it waits for the answer of, or the group of branches it waits for.
    """

    __slots__ = (
        "calls",
        "cancelled",
        "driven",
        "error",
        "group",
        "index",
        "prefix",
        "queued",
        "started",
        "value",
        "waiting",
    )

    def __init__(
        self, driven: Driven, prefix: str = "", group: "Group | None" = None, index: int = 0
    ) -> None:
        self.driven = driven
        self.prefix = prefix
        self.group = group
        self.index = index
        self.calls = 0
        self.waiting: Command | Group | None = None
        self.value: Value = None
        self.error: BaseException | None = None
        self.started = False
        self.queued = False
        self.cancelled = False

    def next_call_id(self) -> str:
        """Return the id of the call that the branch makes next, without making it."""
        return f"{self.prefix}{self.calls + 1}"


class Group:
    """The branches of one fork that a parent waits for. ``live``: those started and not ended, by index."""

    __slots__ = ("cancelled", "failure", "fork", "live", "next_index", "parent", "prefix", "results")

    def __init__(self, parent: Branch, fork: Fork[Any], prefix: str) -> None:
        self.parent = parent
        self.fork = fork
        self.prefix = prefix
        self.live: dict[int, Branch] = {}
        self.next_index = 0
        self.results: list[Value] = [None] * len(fork.items)
        self.failure: BaseException | None = None
        self.cancelled = False


class Schedule:
    """Whose turn it is. ``let_go`` is called with each call that a cancelled branch no longer waits for."""

    def __init__(self, let_go: Callable[[Command], None]) -> None:
        self._let_go = let_go
        self._ready: deque[Branch] = deque()

    def next(self) -> Branch | None:
        """Return the branch whose turn it is, or None when all wait."""
        while self._ready:
            branch = self._ready.popleft()
            # A branch that was cancelled before its first turn is gone.
            if branch.queued:
                branch.queued = False
                return branch
        return None

    def resume(self, branch: Branch, value: Value) -> None:
        """Give a branch the answer that it waits for."""
        branch.waiting = None
        branch.value = value
        self._queue(branch)

    def go_on(self, branch: Branch, value: Value) -> None:
        """Answer a branch before anything else happens, as if it had not had to wait."""
        branch.waiting = None
        branch.value = value
        branch.queued = True
        self._ready.appendleft(branch)

    def throw(self, branch: Branch, error: BaseException) -> None:
        """Raise an error where a branch waits, in place of an answer that it may have got already."""
        branch.waiting = None
        branch.value = None
        branch.error = error
        self._queue(branch)

    def fork(self, parent: Branch, fork: Fork[Any], call_id: str) -> None:
        """Start the branches of a fork; the parent waits for them."""
        group = Group(parent, fork, f"{call_id}.")
        parent.waiting = group
        for _ in range(min(fork.limit or len(fork.items), len(fork.items))):
            self._start_next(group)
        self._settle(group)

    def returned(self, branch: Branch, group: Group, value: Value) -> None:
        """Note the result of a branch of a group."""
        group.results[branch.index] = value
        del group.live[branch.index]
        if group.next_index < len(group.results):
            self._start_next(group)
        self._settle(group)

    def failed(self, branch: Branch, group: Group, error: BaseException) -> None:
        """Note that a branch of a group has failed; the others are cancelled."""
        del group.live[branch.index]
        if group.failure is None:
            group.failure = error
            self._cancel_branches(group, "another branch has failed")
        self._settle(group)

    def cancel(self, branch: Branch, why: str) -> None:
        """Raise CancelledRunError where the branch and its branches wait. A second time does nothing."""
        if branch.cancelled:
            return
        branch.cancelled = True
        if not branch.started and branch.group is not None:
            branch.queued = False
            branch.driven.close()
            del branch.group.live[branch.index]
        elif isinstance(branch.waiting, Group):
            group = branch.waiting
            group.cancelled = True
            self._cancel_branches(group, why)
            self._settle(group)
        else:
            if branch.waiting is not None:
                self._let_go(branch.waiting)
            self.throw(
                branch, CancelledRunError(f"{why}.", hint="Clean up if you have to, and raise it again.")
            )

    def forget(self) -> None:
        """Let nobody have another turn."""
        self._ready.clear()

    def _queue(self, branch: Branch) -> None:
        if not branch.queued:
            branch.queued = True
            self._ready.append(branch)

    def _start_next(self, group: Group) -> None:
        index = group.next_index
        group.next_index += 1
        branch = Branch(group.fork.branch(index), f"{group.prefix}{index}.", group, index)
        group.live[index] = branch
        self._queue(branch)

    def _cancel_branches(self, group: Group, why: str) -> None:
        group.next_index = len(group.results)
        for branch in list(group.live.values()):
            self.cancel(branch, why)

    def _settle(self, group: Group) -> None:
        """Go on in the parent when all branches have ended."""
        if group.live:
            return
        if group.cancelled:
            error = CancelledRunError("the branches of ctx.parallel were cancelled.")
            error.__cause__ = group.failure
            self.throw(group.parent, error)
        elif group.failure is not None:
            self.throw(group.parent, group.failure)
        else:
            self.resume(group.parent, group.results)
