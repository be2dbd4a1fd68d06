"""Server-sent events: a run's lines as they come, and word that something in a workspace has moved.

A stream holds no thread while nothing happens. Whether its caller still may is asked again every
``LOOK_EVERY_S``, however much happens meanwhile: a credential that was revoked or a role that was taken
ends it. A reader that does not read is left.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Send

from babysitter.access.roles import Caller
from babysitter.model.errors import BabysitterError, RateError, UsageError
from babysitter.server.exchange import Asked
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.reading import JournalTail
from babysitter.service.views import event_view

LOOK_EVERY_S = 15.0
PER_CALLER_MAX = 50
ALL_MAX = 1000

_ACTION = "run.read"

Still = Callable[[], Caller | None]


class _Leave:
    """Whether whoever watches still may, in each of these workspaces."""

    def __init__(self, still: Still, workspaces: list[str]) -> None:
        self._still = still
        self._workspaces = workspaces
        self._due_s = _now_s() + LOOK_EVERY_S

    async def holds(self) -> bool:
        """Tell whether they may, as it was at the last look."""
        if _now_s() < self._due_s:
            return True
        self._due_s = _now_s() + LOOK_EVERY_S
        caller = await to_thread.run_sync(self._still)
        return caller is not None and all(caller.may(_ACTION, name) for name in self._workspaces)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


class Streams:
    """The open streams of a server."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    async def run(self, request: Request, asked: Asked, send: Send, still: Still) -> None:
        """Answer with a stream, until it ends, the caller leaves or their credential no longer counts."""
        assert asked.caller is not None, "no stream is open to all"
        key = asked.caller.credential
        if self._open[key] >= PER_CALLER_MAX or self._open.total() >= ALL_MAX:
            raise RateError("too many streams are open.", hint="Close one, then ask again.")
        # Before anything is waited for: many that come at once would all have seen the same count.
        self._open[key] += 1
        try:
            run_id = asked.params.get("run", "")
            if run_id:
                hosted = [await to_thread.run_sync(asked.visit.run, _ACTION, run_id, asked.workspace)]
            else:
                hosted = await to_thread.run_sync(asked.visit.everywhere, _ACTION, asked.workspace)
            leave = _Leave(still, [each.id for each in hosted])
            lines = _lines(hosted[0], run_id, _after(asked), leave) if run_id else _moves(hosted, leave)
            response = StreamingResponse(lines, media_type="text/event-stream")
            await response(request.scope, request.receive, send)
        finally:
            self._open[key] -= 1
            self._open += Counter()


def _after(asked: Asked) -> int:
    """Return after which line to begin: what a browser says when it comes back wins."""
    last = asked.headers.get("last-event-id", "")
    if not last:
        return max(0, asked.number("after", 0))
    if not (last.isascii() and last.isdecimal() and len(last) < 16):
        raise UsageError("Last-Event-ID is no seq.", hint="Leave it out to begin with the first line.")
    return int(last)


async def _lines(hosted: Hosted, run_id: str, after: int, may: _Leave) -> AsyncIterator[bytes]:
    """Yield a run's lines from one on, each with its seq as id; an ``end`` when there will be no more."""
    loop, moved = asyncio.get_running_loop(), asyncio.Event()

    def note(which: str) -> None:
        if which == run_id:
            loop.call_soon_threadsafe(moved.set)

    leave = hosted.feed.watch(note)
    tail = JournalTail(hosted.workspace.store, run_id)
    try:
        yield b": here\n\n"
        while True:
            moved.clear()
            text, has_ended = await to_thread.run_sync(_new_lines, tail, after)
            if text:
                yield text
            if has_ended:
                yield b"event: end\ndata: {}\n\n"
                return
            has_moved = await _waited(moved)
            if not await may.holds():
                return
            if not has_moved:
                yield b": still here\n\n"
    finally:
        leave()


def _new_lines(tail: JournalTail, after: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    has_ended = False
    try:
        for record in tail.more():
            has_ended = record.type in ("RUN_COMPLETED", "RUN_FAILED", "RUN_CANCELLED")
            if record.seq > after:
                data = msgspec.json.encode(event_view(record))
                parts.append(b"id: %d\nevent: line\ndata: %b\n\n" % (record.seq, data))
    except BabysitterError as error:
        parts.append(b"event: problem\ndata: %b\n\n" % msgspec.json.encode({"message": error.message}))
        has_ended = True
    return b"".join(parts), has_ended


async def _moves(hosted: list[Hosted], may: _Leave) -> AsyncIterator[bytes]:
    """Yield which runs have moved and which have written, a few times a second however much happens."""
    news = _News()
    moved, wrote = partial(news.note, "moved"), partial(news.note, "wrote")
    leaves = [each.feed.watch(moved, wrote=wrote) for each in hosted]
    try:
        yield b": here\n\n"
        while True:
            has_moved = await _waited(news.came)
            if not await may.holds():
                return
            if has_moved:
                # What comes in the same moment is told together.
                await asyncio.sleep(_TOGETHER_S)
                yield news.taken()
            else:
                yield b": still here\n\n"
    finally:
        for leave in leaves:
            leave()


class _News:
    """Which runs something happened to since it was last told. Noted from any thread, taken by the loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._runs: dict[str, set[str]] = {"moved": set(), "wrote": set()}
        self.came = asyncio.Event()

    def note(self, kind: str, run_id: str) -> None:
        """Take note; a run that will be told of anyway wakes nobody."""
        if run_id not in self._runs[kind]:
            self._loop.call_soon_threadsafe(self._remember, kind, run_id)

    def _remember(self, kind: str, run_id: str) -> None:
        self._runs[kind].add(run_id)
        self.came.set()

    def taken(self) -> bytes:
        """Return the events that tell of it, and forget it."""
        self.came.clear()
        noted, self._runs = self._runs, {kind: set() for kind in self._runs}
        return b"".join(
            b"event: %b\ndata: %b\n\n"
            % (kind.encode(), msgspec.json.encode({"runs": sorted(runs)[:_NAMED_MAX]}))
            for kind, runs in noted.items()
            if runs
        )


_TOGETHER_S = 0.25
_NAMED_MAX = 200


async def _waited(moved: asyncio.Event) -> bool:
    """Wait for something to happen; False when nothing has for a while."""
    try:
        async with asyncio.timeout(LOOK_EVERY_S):
            await moved.wait()
    except TimeoutError:
        return False
    return True
