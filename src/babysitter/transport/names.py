"""Names to addresses, as this machine resolves them for anybody."""

import socket

from babysitter.model.network import Address, parse_address


def system_addresses(host: str) -> list[Address]:
    """Return the addresses of a name, best first; empty when it has none of a kind that is used. May block.

    Raises:
        OSError: it has none, or nobody could be asked.
    """
    found: list[Address] = []
    for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        address = parse_address(str(place[0]))
        if address is not None and address not in found:
            found.append(address)
    return found
