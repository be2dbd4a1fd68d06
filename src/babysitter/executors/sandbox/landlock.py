"""Run programs under Landlock and a system-call filter, where bubblewrap cannot work.

Landlock only ever takes rights away from a process: there is no other root and no
namespace. What that means for a task, honestly, stands in docs/explanation/sandbox.md;
in short: other processes and the names of files in run data are visible, their content
is not; ``/tmp`` is the task's own folder by TMPDIR, without a cap; a write grant of a
directory with something locked inside grants the entries that are there, not new ones
beside them.

Source: landlock(7), ABI 3 (Linux 6.2) to 7.
"""

import ctypes
import os
import sys
from pathlib import Path

from babysitter.executors.sandbox.access import Access, check_grants, plan_access, refused
from babysitter.executors.sandbox.launched import Job, launch
from babysitter.executors.sandbox.limits import Limits
from babysitter.executors.sandbox.locate import locate
from babysitter.executors.sandbox.profile import effective_profile, profile_sha256
from babysitter.executors.sandbox.seccomp import build_filter
from babysitter.executors.sandbox.system import ETC, PATH, SYSTEM, OwnFolder, interpreter_paths
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError
from babysitter.model.network import NetworkGrant
from babysitter.model.runner import Ended, OutputSink, Program, StopToken
from babysitter.model.values import Json

ABI_MIN = 3
"""Before this, truncating a file is not governed."""

_CREATE_RULESET, _VERSION_FLAG = 444, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_ALL_UP_TO_TRUNCATE = (1 << 15) - 1
_MAKE_DEVICES = 1 << 6 | 1 << 11
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = _ALL_UP_TO_TRUNCATE & ~_MAKE_DEVICES
_NETWORK_ABI, _DEVICE_ABI, _SCOPE_ABI = 4, 5, 6
_TCP = 0b11
_SCOPES = 0b11
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def landlock_abi() -> int:
    """Return the version of Landlock that this kernel offers; 0 when it offers none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), _VERSION_FLAG)))


class LandlockRunner:
    """Implements ``model.runner.Confinement``."""

    name = "landlock"

    def __init__(self, workspace: Path, hidden: tuple[Path, ...], limits: Limits, abi: int) -> None:
        if abi < ABI_MIN:
            raise SandboxError(
                f"Landlock is at ABI {abi} here and {ABI_MIN} is needed.",
                hint="Use Linux 6.2 or later with landlock among its lsm= modules, or install bubblewrap.",
            )
        self._workspace = workspace
        self._hidden = hidden
        self._limits = limits
        self._folder = OwnFolder()
        self._abi = abi
        self._interpreter = interpreter_paths(workspace)

    def profile_sha256(self, sandbox: Sandbox) -> str:
        """Return the digest of the effective profile."""
        return profile_sha256(f"{self.name} ABI {self._abi}", self._limits.name, sandbox)

    def profile(self, sandbox: Sandbox) -> Json:
        """Return the effective profile."""
        return effective_profile(f"{self.name} ABI {self._abi}", self._limits.name, sandbox)

    def check(self, sandbox: Sandbox) -> None:
        """Return when these grants can be carried out."""
        _refuse_hosts(check_grants(self._workspace, self._hidden, sandbox))

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        """Run the program; see ``model.runner.Runner.run``."""
        access = plan_access(self._workspace, self._hidden, sandbox)
        _refuse_hosts(access.network)
        env = {"PATH": f"{os.path.dirname(sys.executable)}:{PATH}", "LANG": "C.UTF-8"} | program.env
        visible = (*SYSTEM, *self._interpreter, *program.read_only, *access.read_only, *access.writable)
        locate(program, env["PATH"], access, visible)
        job = Job(
            program=program,
            env=env,
            access=access,
            folder=self._folder.root,
            handled=self._handled(sandbox),
            filter=build_filter(sandbox.network, root=os.geteuid() == 0),
            rules=lambda private: self._rules(program, access, private),
        )
        return launch(job, sandbox, self._limits, stdout, stderr, stop)

    def _handled(self, sandbox: Sandbox) -> tuple[int, ...]:
        files = _ALL_UP_TO_TRUNCATE | (_IOCTL_DEVICE if self._abi >= _DEVICE_ABI else 0)
        network = _TCP if self._abi >= _NETWORK_ABI and not sandbox.network else 0
        scopes = _SCOPES if self._abi >= _SCOPE_ABI else 0
        known = 1 + (self._abi >= _NETWORK_ABI) + (self._abi >= _SCOPE_ABI)
        return (files, network, scopes)[:known]

    def _rules(self, program: Program, access: Access, private: str) -> list[tuple[str, int]]:
        rules = [(path, _READ) for path in (*SYSTEM, *self._interpreter, *program.read_only)]
        rules += [(f"/etc/{name}", _READ) for name in ETC]
        rules += [("/proc", _READ_FILE | _READ_DIR), (private, _WRITE)]
        rules += [(path, _READ_FILE | _WRITE_FILE) for path in _DEVICES]
        rules += [(path, _READ_FILE | _WRITE_FILE | _IOCTL_DEVICE) for path in access.devices]
        for path in (access.workspace, *access.read_only):
            rules += _around(path, access.hidden, _READ)
        for path in access.writable:
            rules += _around(path, (*access.hidden, *access.locked, *access.absent), _WRITE)
        return [(path, _fitting(path, rights)) for path, rights in rules if os.path.exists(path)]


def _refuse_hosts(network: NetworkGrant) -> None:
    if network.hosts:
        raise refused(
            f"single hosts ({', '.join(entry.text for entry in network.hosts)}) under Landlock",
            "network",
            "Landlock knows ports and not hosts. Install bubblewrap, or allow its namespaces here.",
        )


def _around(path: str, kept: tuple[str, ...], rights: int) -> list[tuple[str, int]]:
    """Return rules for all that stands under the path now, save what must be kept."""
    if path in kept:
        return []
    inside = [found for found in kept if found.startswith(f"{path}/")]
    if not inside:
        return [(path, rights)]
    # A right on a directory reaches all below it: listing is the one that must be given here.
    rules = [(path, _READ_DIR)]
    for name in sorted(os.listdir(path)):
        child = os.path.join(path, name)
        if not os.path.islink(child):
            rules += _around(child, tuple(inside), rights)
    return rules


def _fitting(path: str, rights: int) -> int:
    """Return the rights that the kernel takes for this kind of file."""
    return rights if os.path.isdir(path) else rights & (_OF_FILES | _IOCTL_DEVICE)
