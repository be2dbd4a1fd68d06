"""Connect to where an address leads, if that may be: resolve, check, connect to what was checked.

Invariants, each with a test in tests/unit/transport/test_reach.py:
    - where private addresses are not permitted, none is reached, however its name is written;
    - what is connected to is an address that was checked, never a name that could be resolved anew;
    - without TLS only this machine is reached, unless that is permitted;
    - the certificate is verified for the name in the address, by the system's authorities;
    - resolving, connecting and shaking hands end with the deadline.
"""

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from babysitter.model.network import Address, is_public, parse_address
from babysitter.transport.address import Target
from babysitter.transport.deadline import Deadline
from babysitter.transport.names import system_addresses
from babysitter.transport.unreachable import UnreachableError

ADDRESSES_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """What may be reached. ``allow_private``: networks that are not of the public internet, and this machine.

    Who calls for an address of the settings permits both of a team's networks; who calls where
    others may name the address does not.
    """

    allow_private: bool = True
    allow_http: bool = False


PERMITTED = Permitted()


def verifying() -> ssl.SSLContext:
    """Return what verifies certificates and their names, by the system's authorities."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, slots=True)
class Reach:
    """The way to a target. ``resolve``: names to addresses; ``tls``: made anew for each connection."""

    resolve: Callable[[str], list[Address]] = system_addresses
    tls: Callable[[], ssl.SSLContext] = verifying

    def connect(self, target: Target, permitted: Permitted, deadline: Deadline) -> socket.socket:
        """Return a connection to an address of the target that may be reached.

        Raises:
            UnreachableError: there is none that may be (``plain``, ``private``).
            OSError: none answers in time, or none is who it should be.
        """
        addresses = self._allowed(target, permitted, deadline)
        last: OSError | None = None
        for index, address in enumerate(addresses):
            try:
                return self._connected(address, target, deadline, len(addresses) - index)
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:
                last = error
        assert last is not None, "there is at least one address"
        raise last

    def _allowed(self, target: Target, permitted: Permitted, deadline: Deadline) -> list[Address]:
        literal = parse_address(target.host)
        found = [literal] if literal is not None else self._resolved(target.host, deadline)
        if not target.is_secure and not permitted.allow_http and not all(each.is_loopback for each in found):
            raise UnreachableError("plain", "is not protected by TLS, and not on this machine")
        # All of them: one private address among public ones is how a check is got around.
        refused = [each for each in found if not permitted.allow_private and not is_public(each)]
        if refused or not found:
            shown = ", ".join(map(str, refused[:ADDRESSES_MAX])) or "no address"
            raise UnreachableError("private", f"leads to {shown}, which is not of the public internet")
        return found[:ADDRESSES_MAX]

    def _resolved(self, host: str, deadline: Deadline) -> list[Address]:
        """Resolve in a thread: the system's resolver takes no timeout. A late one is not waited for."""
        answer: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answer.put(self.resolve(host))
            except OSError as error:
                answer.put(error)
            except UnicodeError:
                # The codec of internationalized names has bounds of its own.
                answer.put(OSError("no name that can be resolved"))

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answer.get(timeout=deadline.left_s())
        except queue.Empty:
            raise TimeoutError("timed out") from None
        if isinstance(found, OSError):
            raise found
        return found

    def _connected(self, address: Address, target: Target, deadline: Deadline, tries: int) -> socket.socket:
        """``tries``: how many addresses share what is left of the time, with this one."""
        sock = socket.create_connection((str(address), target.port), timeout=deadline.left_s() / tries)
        if not target.is_secure:
            return sock
        try:
            # Python's timeout bounds the whole handshake. Who ends without saying so is an error, as it
            # could be somebody between us who cuts an answer short.
            sock.settimeout(deadline.left_s() / tries)
            return self.tls().wrap_socket(sock, server_hostname=target.host, suppress_ragged_eofs=False)
        except BaseException:
            sock.close()
            raise
