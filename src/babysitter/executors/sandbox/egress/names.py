"""Names to addresses, on our side: a task has no resolver of its own."""

import socket
from typing import Protocol

from babysitter.model.network import Address, parse_address


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
        found: list[Address] = []
        for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            address = parse_address(str(place[0]))
            if address is not None and address not in found:
                found.append(address)
        return found
