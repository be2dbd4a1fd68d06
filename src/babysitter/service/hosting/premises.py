"""A server's own ground, beside the runs of its home workspace: its lock, its access log, its door."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol

from babysitter.access.access_log import AccessLog
from babysitter.access.door import Door
from babysitter.access.server_lock import server_lock
from babysitter.service.hosting.hosting import Hosting
from babysitter.service.wiring import beside_runs, folder_tree

FOLDER = "server"


class Masks(Protocol):
    """What takes credentials out of a text."""

    def mask_string(self, text: str) -> str:
        """Return the text without them."""
        ...


class Premises:
    """See the module. ``opened`` once."""

    def __init__(self, hosting: Hosting, door: Door | None = None) -> None:
        self._workspace = hosting.home.workspace
        self._door = door
        folder = beside_runs(self._workspace.place.runs_dir, FOLDER).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tree = folder_tree(folder)
        self.log = AccessLog(self._tree, self._workspace.clock)

    @contextmanager
    def opened(self) -> Iterator["Premises"]:
        """Have the premises to ourselves.

        Raises:
            RefusedError: another server is at work here.
        """
        with server_lock(self._tree):
            self.log.open()
            try:
                yield self
            finally:
                self.log.close()

    @cached_property
    def door(self) -> Door:
        """What tells who is asking."""
        assert self._door is not None, "given, until the entrance is built"
        return self._door

    def people(self) -> int:
        """Return how many people can sign in."""
        return 0

    @cached_property
    def mask(self) -> Masks:
        """What takes credentials out of what the access log keeps."""
        return self._workspace.secrets(()).masker
