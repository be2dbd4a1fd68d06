"""Reach what a request asks for, where a grant says so: permit, resolve, check, connect.

Invariants, each with a test in tests/unit/executors/test_proxy.py:
    - a name is resolved only when a grant names it;
    - what is connected to is an address that was checked, never a name that could be resolved anew (DNS
      rebinding);
    - an address that is not public, or is this machine's own, takes a grant of the address itself.
"""

import asyncio
import contextlib
import errno
import socket
import threading
from dataclasses import dataclass

from babysitter.executors.sandbox.egress.head import Head
from babysitter.executors.sandbox.egress.names import NameResolver
from babysitter.model.network import Address, HostGrant, NetworkGrant, is_public, parse_address

_LOOKUPS_MAX = 8
_DISCARD_PORT = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a step may take, in seconds; ``idle_s`` without a byte either way."""

    head_s: float = 10.0
    lookup_s: float = 10.0
    connect_s: float = 10.0
    idle_s: float = 900.0
    goodbye_s: float = 1.0


class RefusedError(Exception):
    """The proxy says no. ``rule``, ``place``: what is journaled; ``rule`` is empty when it is no denial."""

    def __init__(self, status: int, message: str, *, rule: str = "", place: str = "") -> None:
        self.status = status
        self.rule = rule
        self.place = place
        super().__init__(message)


class Lookups:
    """Resolves names in threads of their own, so many at once; a thread that hangs holds nobody else up."""

    def __init__(self, names: NameResolver) -> None:
        self._names = names
        self._free = threading.BoundedSemaphore(_LOOKUPS_MAX)

    async def addresses(self, host: str) -> list[Address]:
        """Return the addresses of a name.

        Raises:
            OSError: they could not be had.
        """
        if not self._free.acquire(blocking=False):
            raise BlockingIOError(errno.EAGAIN, "too many names are being looked up")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Address]] = loop.create_future()
        thread = threading.Thread(
            target=self._look_up, args=(host, loop, future), name="egress-lookup", daemon=True
        )
        thread.start()
        return await future

    def _look_up(
        self, host: str, loop: asyncio.AbstractEventLoop, future: asyncio.Future[list[Address]]
    ) -> None:
        found: list[Address] | Exception
        try:
            found = self._names.addresses(host)
        except (OSError, UnicodeError) as error:
            found = OSError(str(error))
        finally:
            self._free.release()

        def tell() -> None:
            if future.done():
                return
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)

        # The attempt may have ended meanwhile, and its loop with it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)


class Reach:
    """What one task may reach, and the way there."""

    def __init__(self, network: NetworkGrant, names: NameResolver, patience: Patience) -> None:
        self._network = network
        self._lookups = Lookups(names)
        self._patience = patience
        self._loop = asyncio.get_running_loop()

    def permitted(self, head: Head) -> HostGrant:
        """Return the grant that lets a task ask for this.

        Raises:
            RefusedError: there is none.
        """
        entry = self._network.for_host(head.host, head.port)
        if entry is None:
            hint = f'Its author can grant it: network=["{head.place}"].'
            raise RefusedError(
                403,
                f"This task is not granted {head.place}. {hint}",
                rule="network.host",
                place=head.place,
            )
        return entry

    async def connect(self, head: Head) -> socket.socket:
        """Return a connection to an address of the host that may be reached.

        Raises:
            RefusedError: there is none, or none that answers.
        """
        address = parse_address(head.host)
        addresses = [address] if address is not None else await self._resolve(head)
        allowed = [found for found in addresses if self._may_reach(found, head.port)]
        if not allowed:
            shown = ", ".join(map(str, _few(addresses)))
            raise RefusedError(
                403,
                f"{head.place} is at {shown}, which is not of the public internet. "
                "Its author can grant that address beside the name.",
                rule="network.address",
                place=f"{head.place} at {shown}",
            )
        tried = _few(allowed)
        for found in tried:
            # One that swallows everything must leave time for the others.
            with contextlib.suppress(OSError):
                async with asyncio.timeout(self._patience.connect_s / len(tried)):
                    return await self._connect_to(found, head.port)
        raise RefusedError(502, f"{head.place} could not be connected to.")

    async def _resolve(self, head: Head) -> list[Address]:
        try:
            async with asyncio.timeout(self._patience.lookup_s):
                found = await self._lookups.addresses(head.host)
        except TimeoutError:
            raise RefusedError(504, f"The name {head.host} was not resolved in time.") from None
        except BlockingIOError:
            raise RefusedError(503, "Too many names are being looked up.") from None
        except OSError:
            found = []
        if not found:
            raise RefusedError(502, f"The name {head.host} has no address.")
        return found

    def _may_reach(self, address: Address, port: int) -> bool:
        if self._network.for_address(address, port) is not None:
            return True
        return is_public(address) and not _is_ours(address)

    async def _connect_to(self, address: Address, port: int) -> socket.socket:
        upstream = _socket_for(address, socket.SOCK_STREAM)
        try:
            # The address, never the name: what was checked is what is connected to.
            await self._loop.sock_connect(upstream, (str(address), port))
        except BaseException:
            upstream.close()
            raise
        return upstream


def _few(addresses: list[Address]) -> list[Address]:
    """Return the first two of each version, in order: where one version leads nowhere, the other is tried."""
    kept = {found for version in (4, 6) for found in [a for a in addresses if a.version == version][:2]}
    return [found for found in addresses if found in kept]


def _socket_for(address: Address, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, kind)
    made.settimeout(0)
    return made


def _is_ours(address: Address) -> bool:
    """Tell whether an address is this machine's own: the kernel would send from it. No packet goes out."""
    with _socket_for(address, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), _DISCARD_PORT))
        except OSError:
            return False
        return parse_address(str(probe.getsockname()[0])) == address
