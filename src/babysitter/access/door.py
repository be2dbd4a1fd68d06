"""What tells who is asking, from the credential that a request carries."""

from typing import Protocol

from babysitter.access.roles import Caller


class Door(Protocol):
    """Knows tokens and sessions. ``access.entrance.Entrance`` is the real one."""

    def by_token(self, token: str) -> Caller:
        """Return whose token it is; its last use is noted.

        Raises:
            CredentialError: it is none, or counts no more; which of these is not said.
        """
        ...

    def by_session(self, cookie: str, *, is_use: bool = True) -> Caller:
        """Return whose session it is; it goes on for another while, if somebody uses it.

        Raises:
            CredentialError: as ``by_token``.
        """
        ...
