"""A disk whose N-th operation fails, for every N: how the promise to lose nothing is tested.

for number in itertools.count(1):
    disk = FaultyDisk(RealDisk(), Fault(number, "before", errno.EIO))
    ...  # use disk.port
    if not disk.fired:
        break
"""

import os
from dataclasses import dataclass
from typing import Any, Literal, cast

from babysitter.stores.disk import Buffer, Disk

FaultKind = Literal["before", "after", "torn"]
_NOT_COUNTED = frozenset({"close", "pause"})
"""``close`` never fails towards the store (see Disk), and waiting touches no disk."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The operation of this number fails: before it does anything, after it did all, or a write after half.

    For operations other than writes, torn is the same as after.
    """

    number: int
    kind: FaultKind
    errno: int


class FaultyDisk:
    """See Disk. Counts operations, and fails one of them."""

    def __init__(self, disk: Disk, fault: Fault | None) -> None:
        self._disk = disk
        self._fault = fault
        self.operations: list[str] = []
        self.fired = False

    @property
    def port(self) -> Disk:
        """This disk, for what takes a Disk: operations are found when called, which types cannot see."""
        return cast("Disk", self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (each operation has its own type)
        operation = getattr(self._disk, name)
        if name in _NOT_COUNTED:
            return operation

        def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (passed on as they are)
            fault = self._count(name)
            if fault is None:
                return operation(*args, **kwargs)
            if fault.kind == "after":
                self._undo(name, operation(*args, **kwargs))
            raise OSError(fault.errno, os.strerror(fault.errno))

        return counted

    def write(self, fd: int, data: Buffer) -> int:
        """See Disk. A torn write keeps the first half."""
        fault = self._count("write")
        if fault is None:
            return self._disk.write(fd, data)
        if fault.kind == "after":
            self._disk.write(fd, data)
        elif fault.kind == "torn":
            self._disk.write(fd, memoryview(data)[: len(data) // 2])
        raise OSError(fault.errno, os.strerror(fault.errno))

    def _count(self, name: str) -> Fault | None:
        self.operations.append(name)
        fault = self._fault
        if fault is None or self.fired or len(self.operations) != fault.number:
            return None
        self.fired = True
        return fault

    def _undo(self, name: str, result: object) -> None:
        # What was opened would otherwise be left open, which is the test's leak and not the store's.
        if name in {"open_directory", "open_file"} and isinstance(result, int):
            self._disk.close(result)
