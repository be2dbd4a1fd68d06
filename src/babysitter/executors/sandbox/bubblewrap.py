"""Run programs under bubblewrap: own namespaces, and a root made of what is granted.

How one program starts:
    1. bubblewrap gets its arguments through a descriptor, so that no value of the
       environment stands in any process list, and an empty environment of its own, so
       that nothing a task declares (``LD_PRELOAD``) acts on bubblewrap itself;
    2. it is born in its cage, makes the namespaces, tells us the pid inside, and waits;
    3. we limit that process; then we let it go on;
    4. when that process ends, the kernel ends all others in its pid namespace.

Invariants, each with a test in tests/integration/sandbox/:
    - only granted paths are there; run data is not, git's hooks and config are read-only;
    - the program has the descriptors 0 to 4 and no others;
    - bubblewrap's own failure is never taken for the program's exit status.

Source: bwrap(1), versions 0.8 and 0.11. Why this way: docs/explanation/sandbox.md.
"""

import contextlib
import os
import re
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from babysitter.executors.sandbox.access import Access, check_grants, plan_access
from babysitter.executors.sandbox.descriptors import Descriptors, memory_file
from babysitter.executors.sandbox.egress.attempt import Egress
from babysitter.executors.sandbox.egress.names import NameResolver, SystemNames
from babysitter.executors.sandbox.ending import KILLED, ended, remove_absent
from babysitter.executors.sandbox.limits import Cage, Limits, ProcessLimits, limit_process, process_limits
from babysitter.executors.sandbox.locate import locate
from babysitter.executors.sandbox.profile import effective_profile, profile_sha256
from babysitter.executors.sandbox.spawn import spawn
from babysitter.executors.sandbox.supervise import Started, supervise
from babysitter.executors.sandbox.system import PATH, SYSTEM, SystemCopy, interpreter_paths, outermost
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError
from babysitter.model.runner import Ended, OutputSink, Program, StopToken
from babysitter.model.values import Json

TMP = "/tmp"  # noqa: S108 (the sandbox's own)
HOME = f"{TMP}/home"
"""Where an empty home stands in the sandbox."""

_ARGS_FD, _STATUS_FD, _GATE_FD = 5, 6, 7
_CHILD_PID = re.compile(rb'"child-pid":\s*(\d+)\D')
_EXIT_CODE = re.compile(rb'"exit-code":\s*(\d+)\D')
_STATUS_BYTES_MAX = 65536
_MIB = 1024 * 1024
_BEHAVIOUR = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
    *("--json-status-fd", str(_STATUS_FD), "--block-fd", str(_GATE_FD)),
)


class BubblewrapRunner:
    """Implements ``model.runner.Confinement``."""

    name = "bubblewrap"

    def __init__(
        self,
        binary: Path,
        workspace: Path,
        hidden: tuple[Path, ...],
        limits: Limits,
        names: NameResolver | None = None,
    ) -> None:
        self._binary = str(binary)
        self._names = names or SystemNames()
        self._workspace = workspace
        self._hidden = hidden
        self._limits = limits
        self._system = SystemCopy()
        self._interpreter = interpreter_paths(workspace)
        # ``python`` in a task is the Python that runs us, with what is installed beside it.
        self._path = f"{os.path.dirname(sys.executable)}:{PATH}"
        self._first_arguments = (*_BEHAVIOUR, *_system_arguments(self._system))

    def profile_sha256(self, sandbox: Sandbox) -> str:
        """Return the digest of the effective profile."""
        return profile_sha256(self.name, self._limits.name, sandbox)

    def profile(self, sandbox: Sandbox) -> Json:
        """Return the effective profile."""
        return effective_profile(self.name, self._limits.name, sandbox)

    def check(self, sandbox: Sandbox) -> None:
        """Return when these grants can be carried out."""
        check_grants(self._workspace, self._hidden, sandbox)

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        """Run the program; see ``model.runner.Runner.run``."""
        access = plan_access(self._workspace, self._hidden, sandbox)
        egress = Egress(access.network, self._names)
        env = {"PATH": self._path, "HOME": HOME, "TMPDIR": TMP, "LANG": "C.UTF-8"} | program.env
        # Last: with no other way out, another proxy's address could only lead nowhere.
        env |= egress.env
        found = locate(program, env["PATH"], access, self._visible(program, access))
        cage = self._limits.take(sandbox)
        try:
            with Descriptors(program) as fds, egress:
                arguments = self._arguments(program, sandbox, access, env, fds)
                started = egress.argv((found, *program.argv[1:]))
                command = (self._binary, "--args", str(_ARGS_FD), "--", *started)
                with _Inside(command, arguments, fds, cage, egress) as inside:
                    inside.begin(process_limits(sandbox, caged=cage is not None))
                    why, waited = supervise(inside.started(fds), stdout, stderr, stop, program.timeout_s)
                    status = inside.exit_status()
                egress.end(flush=why == "exit")
                if (reason := egress.not_started()) is not None:
                    raise _not_started(program.argv[0], reason)
                denials = (cage.denials() if cage is not None else ()) + remove_absent(access)
                if status is None and why == "exit" and not denials and not os.WIFSIGNALED(waited):
                    raise _not_started(program.argv[0], stderr.tail(400))
                # Bubblewrap is in the cage too: when memory runs out, it may be what the kernel kills.
                return ended(
                    why,
                    KILLED if status is None else status,
                    fds.result(),
                    denials + egress.denials(),
                    egress.usage(),
                )
        finally:
            if cage is not None:
                self._limits.give_back(cage)

    def _visible(self, program: Program, access: Access) -> tuple[str, ...]:
        return (*SYSTEM, *self._interpreter, *program.read_only, *access.read_only, *access.writable)

    def _arguments(
        self, program: Program, sandbox: Sandbox, access: Access, env: Mapping[str, str], fds: Descriptors
    ) -> bytes:
        arguments = [*self._first_arguments, *self._temporary(sandbox)]
        if not access.network.shared:
            arguments.append("--unshare-net")
        covered = ("/usr", access.workspace)
        shown = {
            access.workspace,
            *outermost({*self._interpreter, *program.read_only}, covered),
            *access.read_only,
        }
        for option, paths in (
            ("--ro-bind", sorted(shown)),
            ("--bind", access.writable),
            ("--dev-bind", access.devices),
            ("--ro-bind", access.locked),
        ):
            for path in paths:
                arguments += (option, path, path)
        for path in access.hidden:
            arguments += ("--ro-bind", str(self._system.empty), path)
        # Only now: mounting needs a root that can take mount points, and what is
        # written to it afterwards would fill memory without a limit.
        arguments += ("--remount-ro", "/")
        arguments += ("--chdir", os.path.normpath(os.path.join(access.workspace, program.cwd)))
        for name, value in {**env, **fds.environment}.items():
            arguments += ("--setenv", name, value)
        if any("\0" in argument for argument in arguments):
            raise SandboxError("a NUL stands in a variable or a path.", hint="Pass it as input instead.")
        return b"\0".join(map(os.fsencode, arguments)) + b"\0"

    def _temporary(self, sandbox: Sandbox) -> list[str]:
        """Return the arguments for what the task may fill; before the binds, which may lead into /tmp."""
        sized = ["--size", str(sandbox.tmp_mb * _MIB), "--tmpfs"]
        arguments = [*sized, TMP, "--dir", HOME]
        if self._limits.name == ProcessLimits.name:
            # Where memory is limited as a whole this costs two mounts and adds nothing.
            arguments += [*sized, "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 (the sandbox's own)
        return arguments


class _Inside:
    """One bubblewrap and the first process in its namespaces, which waits until ``begin``."""

    def __init__(
        self, command: tuple[str, ...], arguments: bytes, fds: Descriptors, cage: Cage | None, egress: Egress
    ) -> None:
        self._status, status = fds.pipe()
        gate, self._gate = fds.pipe()
        for fd in (memory_file("arguments", arguments), status, gate):
            fds.add(fd)
        egress.attach(fds)
        with cage.around_start() if cage is not None else contextlib.nullcontext():
            self.outer = spawn(command, {}, fds.child)
        fds.handed_over()
        self._said = b""
        while (found := _CHILD_PID.search(self._said)) is None:
            chunk = os.read(self._status, _STATUS_BYTES_MAX)
            if not chunk:
                os.waitpid(self.outer, 0)
                raise _not_made(os.read(fds.stderr, _STATUS_BYTES_MAX).decode(errors="replace"))
            self._said += chunk
        os.set_blocking(self._status, False)
        self.pid = int(found[1])
        self._ending = os.pidfd_open(self.pid)
        self._waiting = select.poll()
        self._waiting.register(self._ending, select.POLLIN)
        if cage is not None:
            cage.admit(self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        os.close(self._ending)

    def begin(self, limits: dict[int, int]) -> None:
        """Limit the process and let it go on."""
        limit_process(self.pid, limits)
        os.write(self._gate, b"!")

    def started(self, fds: Descriptors) -> Started:
        """Return the program as ``supervise`` takes it."""
        return Started(
            pid=self.outer, stdout=fds.stdout, stderr=fds.stderr, terminate=self.terminate, kill=self.kill
        )

    def terminate(self) -> None:
        """Ask the program's process group to end; the first process inside, which only reaps, ignores it."""
        try:
            os.killpg(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            # Not yet the leader of its group: the program has not begun.
            self.kill()

    def kill(self) -> None:
        """End the namespace; afterwards no program in it is alive.

        Its first process counts as ended only when all others in it are, and when the mounts are
        gone, which takes longer than most programs do. So once the program itself has ended, it is
        enough that the first process has no children: it only reaps, and starts no more.
        """
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._ending, signal.SIGKILL)
        if self.exit_status() is None or not self._is_childless():
            self._waiting.poll()

    def _is_childless(self) -> bool:
        try:
            return not Path(f"/proc/{self.pid}/task/{self.pid}/children").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            # Gone, or a kernel without this file: then wait for the end.
            return False

    def exit_status(self) -> int | None:
        """Return the program's exit status, signals as 128 + number; None when it was never started."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._status, _STATUS_BYTES_MAX):
                self._said += chunk
        found = _EXIT_CODE.search(self._said)
        return None if found is None else int(found[1])


def _system_arguments(system: SystemCopy) -> list[str]:
    arguments = []
    for folder in SYSTEM:
        if os.path.islink(folder):
            arguments += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            arguments += ["--ro-bind", folder, folder]
    arguments += ["--ro-bind", str(system.etc), "/etc", "--proc", "/proc", "--dev", "/dev"]
    return arguments


def _not_made(text: str) -> SandboxError:
    return SandboxError(
        f"bubblewrap could not make a sandbox: {text.strip() or 'it gave no reason'}.",
        hint="Run `babysitter doctor`; docs/reference/sandbox.md names the fix for AppArmor and containers.",
    )


def _not_started(program: str, text: str) -> SandboxError:
    return SandboxError(
        f"{program} was not started in the sandbox: {text.strip() or 'no reason given'}.",
        hint="Check that the program, its interpreter and the working directory are visible to the task.",
    )
