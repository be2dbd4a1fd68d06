"""The egress of one attempt, as the runner sees it; nothing at all where no host is granted."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from babysitter.executors.sandbox.descriptors import Descriptors
from babysitter.executors.sandbox.egress.entrance import control_pair, entrance_argv, proxy_variables
from babysitter.executors.sandbox.egress.names import NameResolver
from babysitter.model.effects import Denial
from babysitter.model.network import NetworkGrant

if TYPE_CHECKING:
    from babysitter.executors.sandbox.egress.proxy import Proxy


class Egress:
    """A proxy from ``attach`` to ``end``, or to the end of the block."""

    def __init__(self, network: NetworkGrant, names: NameResolver) -> None:
        self._network = network
        self._names = names
        self._proxy: Proxy | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(flush=False)

    @property
    def env(self) -> Mapping[str, str]:
        """The variables that lead programs to the proxy."""
        return proxy_variables(self._network) if self._network.hosts else {}

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """Return what to start in the place of a program."""
        return entrance_argv(argv) if self._network.hosts else argv

    def attach(self, fds: Descriptors) -> None:
        """Give the program its end of the control socket, as its next descriptor, and serve at ours."""
        if not self._network.hosts:
            return
        from babysitter.executors.sandbox.egress.proxy import Proxy  # noqa: PLC0415 (imports asyncio)

        self._proxy = Proxy(control_pair(fds), self._network, self._names)
        self._proxy.start()

    def end(self, *, flush: bool) -> None:
        """Afterwards nothing is connected. ``flush``: what the program had sent arrives first."""
        if self._proxy is not None:
            self._proxy.close(flush=flush)

    def not_started(self) -> str | None:
        """Return why the program was not started after all, once it has ended."""
        return self._proxy.failed if self._proxy is not None else None

    def denials(self) -> tuple[Denial, ...]:
        """Return what the proxy refused, once it has ended."""
        return self._proxy.tally.denials() if self._proxy is not None else ()

    def usage(self) -> dict[str, float]:
        """Return how much went where, once it has ended."""
        return self._proxy.tally.usage() if self._proxy is not None else {}
