"""What one attempt did with its proxy: denials to journal, and how much went where.

Both are bounded whatever a task does: it can ask for any number of hosts, and can put
anything into the name of one.
"""

from collections import Counter
from dataclasses import dataclass, field

from babysitter.model.effects import Denial
from babysitter.model.network import HostGrant

_PLACES_MAX = 64
_WHAT = {
    "network.host": "a connection to a host that is not granted",
    "network.address": "a connection to an address that is not of the public internet",
    "network.request": "a request that the proxy does not take",
    "network.defect": "a connection on which the proxy failed: please report it",
}


@dataclass(slots=True)
class Traffic:
    """Of one grant: connections made, bytes sent and received by the task."""

    connections: int = 0
    sent: int = 0
    received: int = 0


@dataclass(slots=True)
class Tally:
    """Written by the proxy alone, read when it has ended."""

    traffic: dict[str, Traffic] = field(default_factory=dict)
    _denied: Counter[tuple[str, str]] = field(default_factory=Counter)

    def deny(self, rule: str, where: str = "") -> None:
        """Count a denial; beyond so many places, those of a rule become one."""
        key = (rule, where)
        if key not in self._denied and len(self._denied) >= _PLACES_MAX:
            key = (rule, "further places")
        self._denied[key] += 1

    def of(self, entry: HostGrant) -> Traffic:
        """Return the counters of a grant, not of the host asked for: a task chooses names below a domain."""
        return self.traffic.setdefault(entry.text, Traffic())

    def denials(self) -> tuple[Denial, ...]:
        """Return what was denied, each place once, in the order in which it first was."""
        return tuple(
            Denial(what=_WHAT[rule] + (f", {count} times" if count > 1 else ""), rule=rule, where=where)
            for (rule, where), count in self._denied.items()
        )

    def usage(self) -> dict[str, float]:
        """Return the counters as EFFECT_RESOLVED has them."""
        return {
            f"network {text} {name}": float(value)
            for text, traffic in self.traffic.items()
            for name, value in (
                ("connections", traffic.connections),
                ("bytesSent", traffic.sent),
                ("bytesReceived", traffic.received),
            )
        }
