"""A server's own ground, beside the runs of its home workspace: its lock, its access log, its door."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol

from babysitter.access.access_log import AccessLog
from babysitter.access.door import Door
from babysitter.access.entrance import Entrance
from babysitter.access.server_lock import server_lock
from babysitter.service.access.acting import LocalAccount
from babysitter.service.access.opening import entrance_of
from babysitter.service.access.people import PeopleDesk
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

    def __init__(self, hosting: Hosting, door: Door | None = None, *, url: str = "") -> None:
        """Args: ``url``: how people reach the server, where the settings do not say it."""
        self._hosting = hosting
        self._workspace = hosting.home.workspace
        self._door = door
        self._url = url
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

    def is_reached_at(self, url: str) -> None:
        """Take note of how people reach the server, before anybody enters."""
        self._url = url

    @cached_property
    def entrance(self) -> Entrance:
        """What lets people in."""
        served = [hosted.workspace.place for hosted in self._hosting.all.values()]
        return entrance_of(self._workspace, served=served, url=self._url)

    @cached_property
    def door(self) -> Door:
        """What tells who is asking."""
        return self._door or self.entrance

    def people(self) -> int:
        """Return how many people can sign in: with a passkey of theirs, or an invitation to make one."""
        passkeys = self.entrance.passkeys
        named = {key.person for key in passkeys.all()} | {each.person for each in passkeys.invitations()}
        return len(named)

    def invite(self, person: str) -> str:
        """Return a link that adds a passkey of somebody, which signs too; for the account at the terminal."""
        desk = PeopleDesk(self.entrance, self._workspace, LocalAccount(self._workspace.place.user))
        return desk.invite(person, may_sign=True).link

    @cached_property
    def mask(self) -> Masks:
        """What takes credentials out of what the access log keeps."""
        return self._workspace.secrets(()).masker
