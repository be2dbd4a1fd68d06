"""What a disk error means to a person: what happened, where, what to do.

Every ``OSError`` of a store becomes a StoreFailedError here; none passes raw.
The texts promise only what holds: acknowledged lines are safe, the rest is
checked by the next open.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from babysitter.model.errors import StoreFailedError

_WHAT_TO_DO = {
    errno.ENOSPC: "The disk is full. Free some space",
    errno.EDQUOT: "The disk quota is used up. Free some space or raise the quota",
    errno.EIO: "The disk reported an input/output error. Look at the kernel's log (dmesg) and at the disk",
    errno.EACCES: "Permission was denied. Give this user the right to read and write there",
    errno.EPERM: "Permission was denied. Give this user the right to read and write there",
    errno.EROFS: "The file system is mounted read-only. Mount it writable",
    errno.EMFILE: "This process has too many files open. Raise the limit (ulimit -n) or drive fewer runs",
    errno.ENFILE: "This machine has too many files open. Close programs or raise fs.file-max",
    errno.ENOLCK: "The file system has no locks left. Use a local disk for the runs directory",
    errno.ENAMETOOLONG: "A name is longer than the file system allows. Use a shorter id or path",
}
_NOTHING_LOST = (
    "then resume the run: nothing that was acknowledged is lost, and opening it checks all that is there."
)


def store_failed(error: OSError, what: str, where: str) -> StoreFailedError:
    """Return the error to raise for a failed disk operation.

    Args:
        error: what the system said.
        what: what was being done, as "appending to the journal".
        where: a path, for a person.
    """
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    advice = _WHAT_TO_DO.get(error.errno or 0, "Mend the disk or the path")
    return StoreFailedError(
        f"{what} failed: {error.strerror or error} ({name}), at {where}.",
        hint=f"{advice}, {_NOTHING_LOST}",
        errno=error.errno,
        path=where,
    )


@contextmanager
def disk_errors(what: str, where: str) -> Iterator[None]:
    """Turn any ``OSError`` inside into a StoreFailedError."""
    try:
        yield
    except OSError as error:
        raise store_failed(error, what, where) from error
