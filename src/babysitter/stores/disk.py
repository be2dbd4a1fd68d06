"""The file-system operations that the file store uses, behind one port.

The port is as narrow as the store's needs, so that a test can make the N-th
operation fail for every N (testing/faulty_disk.py). Names are relative to an
open directory, and no operation follows a symlink in the last part of a name.
"""

import fcntl
import os
import stat
import time
from typing import Protocol

Buffer = bytes | bytearray | memoryview


class Disk(Protocol):
    """System calls, by the names of what they do. All raise ``OSError``."""

    def open_directory(self, name: str, dir_fd: int | None = None) -> int:
        """Return a descriptor of a directory; with ``dir_fd`` a symlink is refused (ENOTDIR or ELOOP)."""
        ...

    def open_file(self, name: str, flags: int, dir_fd: int | None = None) -> int:
        """Return a descriptor of a plain file, made with mode 0600 when ``flags`` has O_CREAT."""
        ...

    def close(self, fd: int) -> None:
        """Close. What had to be durable was synced before, so a failure means nothing and is not told."""
        ...

    def size(self, fd: int) -> int:
        """Return the file's length in bytes."""
        ...

    def read(self, fd: int, offset: int, most: int | None = None) -> bytes:
        """Return the bytes from ``offset`` to the file's end, at most so many."""
        ...

    def write(self, fd: int, data: Buffer) -> int:
        """Write once; return how many bytes were taken."""
        ...

    def sync_data(self, fd: int) -> None:
        """Have the file's bytes and length on disk when this returns."""
        ...

    def sync(self, fd: int) -> None:
        """Have the file or the directory's entries on disk when this returns."""
        ...

    def make_directory(self, name: str, dir_fd: int | None = None) -> None:
        """Make a directory of mode 0700."""
        ...

    def restrict(self, fd: int) -> None:
        """Take the rights of group and others from a directory of ours."""
        ...

    def rename(self, old: str, new: str, dir_fd: int) -> None:
        """Give a file or directory its new name, in the same directory, in one step."""
        ...

    def remove(self, name: str, dir_fd: int) -> None:
        """Remove a file."""
        ...

    def remove_directory(self, name: str, dir_fd: int) -> None:
        """Remove an empty directory."""
        ...

    def entries(self, fd: int) -> list[tuple[str, bool]]:
        """Return each entry's name and whether it is a directory (a symlink is not)."""
        ...

    def try_lock(self, fd: int, *, shared: bool) -> bool:
        """Take the advisory lock; False when another has it."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait."""
        ...


class RealDisk:
    """The operating system's files."""

    # The three calls of every step go straight to the system: a wrapper would cost as much as the call.
    write = staticmethod(os.write)
    sync_data = staticmethod(os.fdatasync if hasattr(os, "fdatasync") else os.fsync)
    sync = staticmethod(os.fsync)
    pause = staticmethod(time.sleep)

    def open_directory(self, name: str, dir_fd: int | None = None) -> int:
        """See Disk."""
        flags = os.O_RDONLY | os.O_DIRECTORY | (0 if dir_fd is None else os.O_NOFOLLOW)
        return os.open(name, flags, dir_fd=dir_fd)

    def open_file(self, name: str, flags: int, dir_fd: int | None = None) -> int:
        """See Disk."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600, dir_fd=dir_fd)

    def close(self, fd: int) -> None:
        """See Disk."""
        try:
            os.close(fd)
        except OSError:
            return

    def size(self, fd: int) -> int:
        """See Disk."""
        return os.fstat(fd).st_size

    def read(self, fd: int, offset: int, most: int | None = None) -> bytes:
        """See Disk."""
        left = os.fstat(fd).st_size - offset
        left = left if most is None else min(left, most)
        parts = []
        while left > 0 and (part := os.pread(fd, left, offset)):
            parts.append(part)
            offset += len(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def make_directory(self, name: str, dir_fd: int | None = None) -> None:
        """See Disk."""
        os.mkdir(name, 0o700, dir_fd=dir_fd)

    def restrict(self, fd: int) -> None:
        """See Disk."""
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o077:
            os.fchmod(fd, mode & 0o700)

    def rename(self, old: str, new: str, dir_fd: int) -> None:
        """See Disk."""
        os.rename(old, new, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)

    def remove(self, name: str, dir_fd: int) -> None:
        """See Disk."""
        os.unlink(name, dir_fd=dir_fd)

    def remove_directory(self, name: str, dir_fd: int) -> None:
        """See Disk."""
        os.rmdir(name, dir_fd=dir_fd)

    def entries(self, fd: int) -> list[tuple[str, bool]]:
        """See Disk."""
        with os.scandir(fd) as found:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]

    def try_lock(self, fd: int, *, shared: bool) -> bool:
        """See Disk."""
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
