"""How many connections there may be: never so many that files of runs could not be opened any more.

A connection costs a descriptor before anybody has shown who they are. Without a bound a stranger has
them all, and every run fails whose journal is to be opened.
"""

import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

CONNECTIONS_MAX = 2000
AT_ONCE_MAX = 128


def connections_max() -> int:
    """Return how many connections this process may have: half of the files that it may open, at most 2000."""
    return min(CONNECTIONS_MAX, _descriptors() // 2)


def taken_at_once() -> int:
    """Return how many connections may be taken before any of them is counted, as asyncio does."""
    return max(8, min(AT_ONCE_MAX, _descriptors() // 16))


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else soft


@dataclass(slots=True)
class ConnectionBounds:
    """Counts connections. For one event loop.

    most: of all; one peer has half of them.
    peer_of: what counts as one peer; empty: a proxy or this machine, which stand for many.
    """

    most: int
    peer_of: Callable[[str], str]
    _open: Counter[str] = field(default_factory=Counter)

    def take(self, address: str) -> bool:
        """Count one more connection of that address; False, and it is not counted, where it is too many."""
        peer = self.peer_of(address)
        of_peer = self.most if not peer else self.most // 2
        if self._open.total() >= self.most or self._open[peer] >= of_peer:
            return False
        self._open[peer] += 1
        return True

    def give_back(self, address: str) -> None:
        """Count one connection of that address less."""
        peer = self.peer_of(address)
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]
