"""Watch one started program to its end: stream its output, keep its time, end all of it.

One thread and one ``poll`` for each program: both streams, its end, and a wake-up from
whoever stops it.

Invariants, each with a test in tests/integration/sandbox/:
    - when ``supervise`` returns or raises, nothing of the program's group is alive;
    - SIGTERM comes first, SIGKILL after ``GRACE_S``;
    - a sink that raises ends the program before the error goes on.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from babysitter.model.runner import OutputSink, StopToken

GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""

_CHUNK_BYTES = 65536
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A program under way.

    pid: our own child, reaped by ``supervise``; stdout, stderr: reading ends.
    terminate: asks all of it to end. kill: ends all of it, whatever it does; returns when it is dead.
    """

    pid: int
    stdout: int
    stderr: int
    terminate: Callable[[], None]
    kill: Callable[[], None]


class Wake:
    """A descriptor that becomes readable once somebody calls ``ring``, which is harmless after ``close``."""

    def __init__(self) -> None:
        self.fd, self._writer = os.pipe()
        self._lock = threading.Lock()
        self._closed = False

    def ring(self) -> None:
        """Make the descriptor readable."""
        with self._lock:
            if not self._closed:
                os.write(self._writer, b"!")

    def close(self) -> None:
        """Give the descriptors back. A token may keep ``ring``: under the lock it hits no other's number."""
        with self._lock:
            self._closed = True
            os.close(self.fd)
            os.close(self._writer)


def supervise(
    started: Started, stdout: OutputSink, stderr: OutputSink, stop: StopToken, timeout_s: float | None
) -> tuple[str, int]:
    """Return why it ended (``exit``, ``timeout``, ``stopped``) and its wait status; all of it is dead."""
    wake = Wake()
    ending = end_descriptor(started.pid)
    watch = _Watch(started, {started.stdout: stdout, started.stderr: stderr}, wake.fd, ending, timeout_s)
    reaped: list[int] = []
    try:
        stop.on_set(wake.ring)
        why = watch.until_end()
        reaped.append(os.waitpid(started.pid, 0)[1])
        started.kill()
        watch.drain()
        return why, reaped[0]
    finally:
        if not reaped:
            started.kill()
            with contextlib.suppress(ProcessLookupError):
                os.kill(started.pid, signal.SIGKILL)
            os.waitpid(started.pid, 0)
        os.close(ending)
        wake.close()


class _Watch:
    """The state of one supervision."""

    def __init__(
        self, started: Started, sinks: dict[int, OutputSink], wake: int, ending: int, timeout_s: float | None
    ) -> None:
        self._started = started
        self._sinks = sinks
        self._wake = wake
        self._ending = ending
        self._why = "exit"
        # What to do when time is up, and when: ask first, then kill.
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._poll = select.poll()
        for fd in (*sinks, wake, ending):
            self._poll.register(fd, _READABLE)

    def until_end(self) -> str:
        while True:
            ready = {fd for fd, _ in self._poll.poll(self._patience_ms())}
            for fd in ready & self._sinks.keys():
                self._pump(fd)
            if self._ending in ready:
                return self._why
            if self._wake in ready:
                self._poll.unregister(self._wake)
                self._end("stopped")
            elif self._deadline is not None and time.monotonic() >= self._deadline:
                self._end("timeout")

    def _patience_ms(self) -> int | None:
        if self._deadline is None:
            return None
        # Rounded up: a poll that comes back early would spin.
        return max(0, int((self._deadline - time.monotonic()) * 1000) + 1)

    def _end(self, why: str) -> None:
        if self._why == "exit":
            self._why = why
            self._deadline = time.monotonic() + GRACE_S
            self._started.terminate()
        elif self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            self._started.kill()

    def _pump(self, fd: int) -> bool:
        chunk = os.read(fd, _CHUNK_BYTES)
        if chunk:
            self._sinks[fd].write(chunk)
            return True
        self._poll.unregister(fd)
        del self._sinks[fd]
        return False

    def drain(self) -> None:
        """Take what is left in the pipes; nobody writes any more, so they end."""
        for fd in tuple(self._sinks):
            os.set_blocking(fd, False)
            # A descriptor that was handed to a process outside (it cannot be: but then) must not hold us up.
            with contextlib.suppress(BlockingIOError):
                while self._pump(fd):
                    pass


def end_descriptor(pid: int) -> int:
    """Return a descriptor that becomes readable when our child ``pid`` has ended; the child is not reaped."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    reader, writer = os.pipe()

    def wait() -> None:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.close(writer)

    threading.Thread(target=wait, name=f"babysitter-wait-{pid}", daemon=True).start()
    return reader
