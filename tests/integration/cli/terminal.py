"""A program on a terminal of its own (a pty): what it shows, what a person types, how it ends."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path

PATIENCE_S = 20.0


class Terminal:
    """A session with its controlling terminal. ``seen``: every byte that came, as text."""

    def __init__(
        self, argv: list[str], cwd: Path, env: Mapping[str, str], size: tuple[int, int] = (50, 80)
    ) -> None:
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (the tests have one thread)
        )
        os.close(theirs)
        self.seen = ""

    @property
    def text(self) -> str:
        """What was shown, without colours and cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen).replace("\r\n", "\n")

    def wait_for(self, text: str) -> None:
        """Return when the text has been shown."""
        until = time.monotonic() + PATIENCE_S
        while text not in self.text:
            if not self._read(until):
                raise AssertionError(f"{text!r} never came; shown:\n{self.text}")

    def type(self, text: str) -> None:
        """Type, as a person does."""
        os.write(self._fd, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def ended(self) -> int:
        """Return the exit status, once the program has ended and all that it wrote was read."""
        until = time.monotonic() + PATIENCE_S
        while self._read(until):
            pass
        return self.process.wait(timeout=PATIENCE_S)

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=PATIENCE_S)
        os.close(self._fd)

    def _read(self, until: float) -> bool:
        """Take in what comes; False when nothing comes any more, or in time."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return False
        try:
            chunk = os.read(self._fd, 65536)
        except OSError:
            return False
        self.seen += chunk.decode(errors="replace")
        return bool(chunk)
