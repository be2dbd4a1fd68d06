"""Serving one client over standard input and output, until it hangs up or a signal comes.

Standard output is the protocol's alone: whatever else this process or a child prints there
goes to standard error, and standard input is empty for them. Lines are read by a thread that
nothing waits for, so that leaving never hangs on a client that is silent.
"""

import contextlib
import fcntl
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import anyio
from anyio import from_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import EventLoopToken, current_token
from mcp.server.stdio import stdio_server

from babysitter.mcp.interface import Caller, Desk, LocalAgent
from babysitter.mcp.sdk_log import log_without_content
from babysitter.mcp.server import make_server
from babysitter.model.errors import RefusedError
from babysitter.service.wiring import Workspace, open_workspace

LINE_BYTES_MAX = 32 * 1024 * 1024
"""A longer message ends the session; one that is merely too much for a tool is answered with an error."""
_PIECE_BYTES = 64 * 1024
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve_stdio(folder: Path, *, runs_dir: str | None = None) -> int:
    """Serve the workspace that a folder belongs to; return the exit status.

    0 when the client hung up, 128 and its number after a signal.

    Raises:
        SettingsError: the workspace's settings are wrong.
        RefusedError: there is no standard input or output, or the client sent a message without end.
    """
    if sys.stdin is None or sys.stdout is None:
        raise RefusedError("there is no standard input or output.", hint="Have a client start this.")

    def open_(_caller: Caller) -> Workspace:
        return open_workspace(folder, runs_dir=runs_dir)

    desk = Desk(name=str(open_(LocalAgent()).root), open=open_)
    log_without_content()
    return anyio.run(_serve, desk)


async def _serve(desk: Desk) -> int:
    server = make_server(desk, lambda _request: LocalAgent())
    came: list[int] = []
    sender, receiver = anyio.create_memory_object_stream[str](0)
    with _own_input() as wire:
        lines = Lines(receiver)
        reader = partial(_read_lines, wire, sender, current_token(), lines)
        threading.Thread(target=reader, name="mcp-stdin", daemon=True).start()
        async with anyio.create_task_group() as group:
            await group.start(_await_signal, came, group.cancel_scope)
            stdin = cast("anyio.AsyncFile[str]", lines)
            async with stdio_server(stdin=stdin) as (read, write):
                with contextlib.redirect_stdout(sys.stderr):
                    await server.run(read, write, server.create_initialization_options())
            group.cancel_scope.cancel()
    if came:
        return 128 + came[0]
    if lines.too_long:
        raise RefusedError(
            f"the client sent a message of more than {LINE_BYTES_MAX // 1024 // 1024} MiB.",
            hint="Nothing of it was done. Start again with less.",
        )
    return 0


class Lines:
    """The client's messages, one a line, as the SDK reads them from a file. too_long: one had no end."""

    def __init__(self, receiver: ObjectReceiveStream[str]) -> None:
        self.too_long = False
        self._receiver = receiver

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        try:
            return await self._receiver.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None


def _read_lines(descriptor: int, sender: ObjectSendStream[str], token: EventLoopToken, lines: Lines) -> None:
    """Hand on each line until the input ends or nobody takes them any more."""
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, RuntimeError):
        try:
            for line in split_lines(descriptor):
                from_thread.run(sender.send, line, token=token)
        except ValueError:
            lines.too_long = True
        from_thread.run(sender.aclose, token=token)


def split_lines(descriptor: int) -> Iterator[str]:
    """Yield the lines that can be read from a descriptor, but no empty ones; what is no UTF-8 is replaced.

    Raises:
        ValueError: a line is too long.
    """
    held = bytearray()
    while piece := os.read(descriptor, _PIECE_BYTES):
        first, *more = piece.split(b"\n")
        held += first
        for part in more:
            if held.strip():
                yield held.decode("utf-8", "replace")
            held = bytearray(part)
        if len(held) > LINE_BYTES_MAX:
            raise ValueError(len(held))
    if held.strip():
        yield held.decode("utf-8", "replace")


@contextlib.contextmanager
def _own_input() -> Iterator[int]:
    """Give a descriptor of the client's input that is ours alone; for all others the input is empty."""
    wire = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # The thread that reads may still be waiting in it, so the descriptor stays open until the program ends.
    yield wire


async def _await_signal(
    came: list[int],
    scope: anyio.CancelScope,
    *,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            # From here on a second signal ends the program at once, as if nobody listened.
            came.append(number)
            scope.cancel()
