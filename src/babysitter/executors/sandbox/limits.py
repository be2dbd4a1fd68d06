"""Limits of memory and processes for a whole task, by cgroup where this account has one to give.

A cage is one cgroup. Cages are made once and used again: a removed memory cgroup lives
on in the kernel for as long as a page of it is cached. Putting a process that runs into
a cgroup waits for a grace period of the kernel's RCU (16 ms, measured), so with version 1
the *thread* that starts a program steps into the cage, starts it, and steps out again
(0.2 ms): what it started is born inside. Version 2 has no such way for memory.

Invariants, each with a test in tests/integration/sandbox/test_limits.py:
    - a cage is given to a task only when it holds no process;
    - a denial is reported only when the kernel counted one;
    - cages stand below the cgroup we run in, so our own limits keep binding.

What binds where there is no cgroup: docs/explanation/sandbox.md.
"""

import contextlib
import os
import resource
import secrets
import signal
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from babysitter.model.effects import Denial, Sandbox
from babysitter.model.errors import SandboxError

OVERHEAD_PROCESSES = 3
"""The sandbox's own: two of bubblewrap, and for a moment the thread that starts them."""

_MIB = 1024 * 1024
_OWN_PREFIX = "babysitter-"
_PATIENCE_S = 10.0


class Cage:
    """One cgroup (version 2), or one in each of two hierarchies (version 1)."""

    def __init__(self, memory: Path, pids: Path, *, version: int) -> None:
        self._memory = memory
        self._pids = pids
        self._version = version
        self._seen = {"oom": 0, "pids": 0}
        for folder in {memory, pids}:
            folder.mkdir(exist_ok=True)

    def prepare(self, sandbox: Sandbox) -> None:
        """Set the limits; counters from here on are those of the next task."""
        size = str(sandbox.memory_mb * _MIB)
        if self._version == 1:
            self._set_v1_memory(size)
        else:
            _write(self._memory / "memory.max", size)
            with contextlib.suppress(OSError):
                _write(self._memory / "memory.swap.max", "0")
        _write(self._pids / "pids.max", str(sandbox.processes + OVERHEAD_PROCESSES))
        self._seen = self._counts()

    def _set_v1_memory(self, size: str) -> None:
        limit, with_swap = (
            self._memory / "memory.limit_in_bytes",
            self._memory / "memory.memsw.limit_in_bytes",
        )
        # Memory alone may never exceed memory and swap together, so that one is lifted first.
        with contextlib.suppress(OSError):
            _write(with_swap, "-1")
        _write(limit, size)
        with contextlib.suppress(OSError):
            _write(with_swap, size)

    @contextlib.contextmanager
    def around_start(self) -> Iterator[None]:
        """Have what this thread starts in the block be born inside, where the version allows it."""
        if self._version != 1:
            yield
            return
        try:
            for folder in (self._memory, self._pids):
                # Zero is the writing thread itself, not its process.
                _write(folder / "tasks", "0")
            yield
        finally:
            for folder in (self._memory, self._pids):
                _write(folder.parent / "tasks", "0")

    def admit(self, pid: int) -> None:
        """Have the process inside, if it was not born there; what it starts from now on is inside too."""
        if self._version != 1:
            _write(self._memory / "cgroup.procs", str(pid))

    def denials(self) -> tuple[Denial, ...]:
        """Return what the kernel refused or killed since ``prepare``."""
        now = self._counts()
        found = []
        if now["oom"] > self._seen["oom"]:
            found.append(Denial(what="memory beyond the limit: killed", rule="memory_mb"))
        if now["pids"] > self._seen["pids"]:
            found.append(Denial(what="a process beyond the limit", rule="processes"))
        return tuple(found)

    def _counts(self) -> dict[str, int]:
        events = self._memory / ("memory.oom_control" if self._version == 1 else "memory.events")
        return {"oom": _counter(events, "oom_kill"), "pids": _counter(self._pids / "pids.events", "max")}

    def members(self) -> list[int]:
        """Return the pids inside, as we see them."""
        return [int(pid) for pid in (self._pids / "cgroup.procs").read_text().split()]

    def kill(self) -> bool:
        """End everything inside; False when something would not die in time."""
        if not self.members():
            return True
        deadline = time.monotonic() + _PATIENCE_S
        pause_s = 0.0005
        while members := self.members():
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return False
            # A process that is being torn down stays a member until its memory is given back.
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.05)
        return True

    def remove(self) -> None:
        """Give the cgroup back to the system, if it is empty."""
        for folder in {self._memory, self._pids}:
            with contextlib.suppress(OSError):
                folder.rmdir()


class CgroupLimits:
    """A pool of cages."""

    def __init__(self, memory: Path, pids: Path, *, version: int) -> None:
        self.name = f"cgroup v{version}"
        self._prefix = f"{_OWN_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self._bases = (memory, pids)
        self._version = version
        self._lock = threading.Lock()
        self._free: deque[Cage] = deque()
        self._all: list[Cage] = []
        self._close = weakref.finalize(self, _remove_all, self._all)
        _sweep(memory)
        _sweep(pids)

    def take(self, sandbox: Sandbox) -> Cage:
        """Return a cage with these limits for one task.

        Raises:
            SandboxError: the limits cannot be set.
        """
        try:
            cage = self._empty_one() or self._new_one()
            cage.prepare(sandbox)
        except OSError as error:
            raise SandboxError(
                f"memory_mb={sandbox.memory_mb}, processes={sandbox.processes} cannot be set: {error}.",
                hint="Lower them, or let this account manage its cgroup.",
            ) from error
        return cage

    def _empty_one(self) -> Cage | None:
        with self._lock:
            cage = self._free.popleft() if self._free else None
        if cage is None or not cage.members():
            return cage
        # What is dying takes a moment to leave; the cage that was used last is the likeliest to hold it.
        with self._lock:
            self._free.append(cage)
        return None

    def _new_one(self) -> Cage:
        with self._lock:
            name = f"{self._prefix}-{len(self._all)}"
            cage = Cage(self._bases[0] / name, self._bases[1] / name, version=self._version)
            self._all.append(cage)
        return cage

    def give_back(self, cage: Cage) -> None:
        """Put a cage back; it is used again only once it is empty."""
        with self._lock:
            self._free.append(cage)

    def close(self) -> None:
        """Afterwards the cgroups are gone from the system."""
        self._close()


class ProcessLimits:
    """No cgroup to give: each process is limited, the task as a whole is not."""

    name = "rlimits"

    def take(self, sandbox: Sandbox) -> None:
        """Return no cage."""

    def give_back(self, cage: Cage) -> None:
        """Nothing was taken."""


Limits = CgroupLimits | ProcessLimits


def process_limits(sandbox: Sandbox, *, caged: bool) -> dict[int, int]:
    """Return the resource limits of each process, by resource number."""
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: sandbox.file_mb * _MIB}
    if not caged:
        # Data, not address space: engines such as V8 reserve far more addresses than they use.
        limits[resource.RLIMIT_DATA] = sandbox.memory_mb * _MIB
        limits[resource.RLIMIT_NPROC] = sandbox.processes
    return limits


def limit_process(pid: int, limits: dict[int, int]) -> None:
    """Set the limits of another process of ours, as far as they are below its present ones."""
    for kind, limit in limits.items():
        _, hard = resource.prlimit(pid, kind)
        bounded = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.prlimit(pid, kind, (bounded, bounded))


def find_limits(
    own: str, mounts: Path = Path("/sys/fs/cgroup"), usable: Callable[[Path, str], bool] | None = None
) -> Limits:
    """Return the strongest limits that this account can set.

    Args:
        own: the text of ``/proc/self/cgroup``.
        mounts: where cgroups are mounted.
        usable: tells whether a cgroup with this file can be made below a folder; by trying, unless given.
    """
    can_make = usable or _can_make
    paths: dict[str, str] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path.lstrip("/")))
    if "memory" in paths and "pids" in paths:
        memory, pids = mounts / "memory" / paths["memory"], mounts / "pids" / paths["pids"]
        if can_make(memory, "memory.limit_in_bytes") and can_make(pids, "pids.max"):
            return CgroupLimits(memory, pids, version=1)
    for base in _unified_bases(mounts, paths.get("")):
        if _delegates(base) and can_make(base, "memory.max"):
            return CgroupLimits(base, base, version=2)
    return ProcessLimits()


def _unified_bases(mounts: Path, own: str | None) -> list[Path]:
    """Return where a version 2 cgroup may stand: beside ours, since one with processes has no children."""
    if own is None:
        return []
    folder = mounts / own
    return [folder, folder.parent] if folder != mounts else [folder]


def _delegates(base: Path) -> bool:
    try:
        given = (base / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return {"memory", "pids"} <= set(given) and os.access(base / "cgroup.procs", os.W_OK)


def _can_make(base: Path, knob: str) -> bool:
    """Tell whether a cgroup made here can be limited; only making one shows it."""
    probe = base / f"{_OWN_PREFIX}{os.getpid()}-probe"
    try:
        probe.mkdir()
    except OSError:
        return False
    usable = os.access(probe / knob, os.W_OK)
    with contextlib.suppress(OSError):
        probe.rmdir()
    return usable


def _remove_all(cages: list[Cage]) -> None:
    for cage in cages:
        cage.kill()
        cage.remove()


def _sweep(base: Path) -> None:
    """Remove the empty cgroups of drivers that were killed."""
    for folder in base.glob(f"{_OWN_PREFIX}*-*"):
        pid = folder.name.removeprefix(_OWN_PREFIX).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _counter(file: Path, name: str) -> int:
    try:
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except OSError:
        pass
    return 0


def _write(file: Path, text: str) -> None:
    fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
