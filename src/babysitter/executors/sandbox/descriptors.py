"""The descriptors of one program: what it reads and writes, and our ends of that.

Input and result are memory files (``memfd``), so that neither a secret in the input nor
an unmasked result ever touches a disk. Where there are none (macOS) each is a temporary
file that has lost its name before anything is written to it.

    0 standard input    1, 2 pipes to us    3 input    4 result
"""

import contextlib
import os
import tempfile
from types import TracebackType
from typing import Self

from babysitter.executors.sandbox.spawn import spare
from babysitter.model.runner import Program

INPUT_FD, RESULT_FD = 3, 4
RESULT_FILE = "/dev/fd/4"


def memory_file(name: str, content: bytes = b"") -> int:
    """Return a descriptor of a file that has no path, positioned at its begin."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create(name)
    else:
        fd, path = tempfile.mkstemp(prefix="babysitter-")
        os.unlink(path)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
    if content:
        os.lseek(fd, 0, os.SEEK_SET)
    return spare(fd)


class Descriptors:
    """Makes them on entry, closes all that are still open on exit.

    child: what becomes 0, 1, 2, … of the program; ``add`` appends.
    """

    def __init__(self, program: Program) -> None:
        self._result_bytes_max = program.result_bytes_max
        self._open: set[int] = set()
        self.child: list[int] = []
        self.environment = {"BABYSITTER_RESULT_FD": str(RESULT_FD), "BABYSITTER_RESULT_FILE": RESULT_FILE}
        if program.input is not None:
            self.environment["BABYSITTER_INPUT_FD"] = str(INPUT_FD)
        try:
            self.add(memory_file("stdin", program.stdin) if program.stdin else self._null())
            self.stdout, writer = self.pipe()
            self.add(writer)
            self.stderr, writer = self.pipe()
            self.add(writer)
            self.add(self._null() if program.input is None else memory_file("input", program.input))
            self._result = self.keep(memory_file("result"))
            self.add(os.dup(self._result))
        except OSError:
            self._close_all()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_all()

    def _null(self) -> int:
        return os.open(os.devnull, os.O_RDWR)

    def keep(self, fd: int) -> int:
        """Return the descriptor moved out of the child's way; closed on exit."""
        moved = spare(fd)
        self._open.add(moved)
        return moved

    def add(self, fd: int) -> None:
        """Give the program this descriptor as its next one."""
        self.child.append(self.keep(fd))

    def pipe(self) -> tuple[int, int]:
        """Return a new pipe's reading and writing ends; closed on exit."""
        reader, writer = os.pipe()
        return self.keep(reader), self.keep(writer)

    def close(self, fd: int) -> None:
        """Close one of ours before the exit."""
        self._open.discard(fd)
        os.close(fd)

    def handed_over(self) -> None:
        """The program runs: close its ends, so that ours see when it has closed them too."""
        for fd in self.child:
            self.close(fd)
        self.child.clear()

    def result(self) -> bytes:
        """Return what stands in the result file; one byte more than allowed says that it was too much."""
        size = min(os.fstat(self._result).st_size, self._result_bytes_max + 1)
        chunks = []
        offset = 0
        while offset < size and (chunk := os.pread(self._result, size - offset, offset)):
            chunks.append(chunk)
            offset += len(chunk)
        return b"".join(chunks)

    def _close_all(self) -> None:
        for fd in tuple(self._open):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._open.clear()
