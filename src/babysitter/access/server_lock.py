"""One server in one place: two would drive the same runs and write the same access log."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from babysitter.model.errors import RefusedError
from babysitter.stores.failures import disk_errors
from babysitter.stores.tree import Tree

_LOCK = "server/lock"


@contextmanager
def server_lock(tree: Tree) -> Iterator[None]:
    """Hold the place, meanwhile.

    Raises:
        RefusedError: another server has it.
    """
    fd = tree.open(_LOCK, os.O_RDWR | os.O_CREAT)
    try:
        with disk_errors("locking the server's folder", _LOCK):
            if not tree.disk.try_lock(fd, shared=False):
                raise RefusedError(
                    f"another server is at work in {tree.root}.",
                    hint="Stop it first, or serve another workspace.",
                )
        yield
    finally:
        tree.disk.close(fd)
