"""A store whose driver dies at an append: what the journal has by then is all that the next driver finds."""

from collections.abc import Callable
from typing import Any, Literal, cast

from babysitter.stores.interface import Holder, Lease, Store

When = Literal["before", "after"]


class Crash(BaseException):
    """The driver is dead. Nobody catches it, as nobody catches SIGKILL."""


class CrashingStore:
    """See Store; everything is that of the store inside.

    appends: batches that became durable, over all leases.
    dies: the next driver dies at the first batch for which it is true.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.appends: list[bytes] = []
        self.dies: Callable[[bytes], bool] = lambda _batch: False
        self.when: When = "before"

    def die_at(self, text: str, when: When = "before") -> None:
        """Die once, at the first batch that has the text."""
        self.when = when
        self.dies = lambda batch: text.encode() in batch

    def lease(self, run_id: str, holder: Holder) -> Lease:
        """See Store."""
        return cast("Lease", CrashingLease(self, self._store.lease(run_id, holder)))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (passed on as it is)
        return getattr(self._store, name)


class CrashingLease:
    """See Lease. After the crash nothing but letting go works, as the kernel does it for the dead."""

    def __init__(self, store: CrashingStore, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._is_dead = False

    def append(self, batch: bytes, *, offset: int) -> None:
        """See Lease."""
        store = self._store
        self._check()
        if store.dies(batch):
            store.dies = lambda _batch: False
            self._is_dead = True
            if store.when == "before":
                raise Crash
        self._lease.append(batch, offset=offset)
        store.appends.append(batch)
        self._check()

    def release(self) -> None:
        """See Lease."""
        self._lease.release()

    def _check(self) -> None:
        if self._is_dead:
            raise Crash

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (passed on as it is)
        self._check()
        return getattr(self._lease, name)
