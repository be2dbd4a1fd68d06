"""Names to addresses, on our side: a task has no resolver of its own."""

from typing import Protocol

from babysitter.model.network import Address
from babysitter.transport.names import system_addresses


class NameResolver(Protocol):
    """Resolves names of granted hosts. Called from many threads."""

    def addresses(self, host: str) -> list[Address]:
        """Return the addresses of a name, best first; empty when it has none. May block.

        Raises:
            OSError: it could not be asked.
        """
        ...


class SystemNames:
    """See NameResolver. As this machine resolves names for anybody."""

    def addresses(self, host: str) -> list[Address]:
        """See NameResolver."""
        return system_addresses(host)
