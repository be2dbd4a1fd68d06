"""Start a program through ``launcher.py``: what the runners without a pid namespace share."""

import contextlib
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import orjson

from babysitter.executors.sandbox.access import Access
from babysitter.executors.sandbox.descriptors import Descriptors, memory_file
from babysitter.executors.sandbox.ending import KILLED, SIGNALED, ended, remove_absent
from babysitter.executors.sandbox.limits import Cage, Limits, process_limits
from babysitter.executors.sandbox.seccomp import Instruction
from babysitter.executors.sandbox.spawn import spawn
from babysitter.executors.sandbox.supervise import GRACE_S, Started, end_descriptor, supervise
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError
from babysitter.model.runner import Ended, OutputSink, Program, StopToken

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_STATUS_BYTES_MAX = 65536
_WORD_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to start and how.

    folder: where the task's private directory is made.
    handled: what Landlock governs: files, network, scopes, as many as this kernel knows.
    rules: the Landlock rules, given the task's private directory; None: nothing is confined.
    """

    program: Program
    env: Mapping[str, str]
    access: Access
    folder: Path
    handled: tuple[int, ...] = ()
    filter: list[Instruction] | None = None
    rules: Callable[[str], list[tuple[str, int]]] | None = None


class _Status(msgspec.Struct):
    """What the launcher says at the end."""

    failed: str = ""
    status: int | None = None


def launch(
    job: Job, sandbox: Sandbox, limits: Limits, stdout: OutputSink, stderr: OutputSink, stop: StopToken
) -> Ended:
    """Run the job to its end; see ``model.runner.Runner.run``."""
    cage = limits.take(sandbox)
    private = tempfile.mkdtemp(prefix="task-", dir=job.folder)
    try:
        with Descriptors(job.program) as fds:
            status_end, status = fds.pipe()
            fds.add(memory_file("job", _encoded(job, sandbox, private, fds, caged=cage is not None)))
            fds.add(status)
            with cage.around_start() if cage is not None else contextlib.nullcontext():
                pid = spawn((sys.executable, "-I", "-S", _LAUNCHER), {}, fds.child)
            fds.handed_over()
            if cage is not None:
                cage.admit(pid)
            launched = _Launched(pid, cage)
            try:
                started = Started(
                    pid=pid,
                    stdout=fds.stdout,
                    stderr=fds.stderr,
                    terminate=launched.terminate,
                    kill=launched.kill,
                )
                why = supervise(started, stdout, stderr, stop, job.program.timeout_s)[0]
            finally:
                launched.close()
            denials = cage.denials() if cage is not None else ()
            # The launcher is in the cage too: when memory runs out, it may be what the kernel kills.
            status_code = KILLED if denials else None
            status_code = _exit_status(
                status_end, job.program.argv[0], away=status_code if why == "exit" else KILLED
            )
            return ended(why, status_code, fds.result(), denials + remove_absent(job.access))
    finally:
        shutil.rmtree(private, ignore_errors=True)
        if cage is not None:
            limits.give_back(cage)


def _encoded(job: Job, sandbox: Sandbox, private: str, fds: Descriptors, *, caged: bool) -> bytes:
    home = os.path.join(private, "home")
    os.mkdir(home)
    program = job.program
    return orjson.dumps(
        {
            "argv": program.argv,
            "env": {"HOME": home, "TMPDIR": private, **job.env, **fds.environment},
            "cwd": os.path.normpath(os.path.join(job.access.workspace, program.cwd)),
            "limits": list(process_limits(sandbox, caged=caged).items()),
            "rules": None if job.rules is None else job.rules(private),
            "handled": (*job.handled, 0, 0, 0)[:3],
            "attributeBytes": len(job.handled) * _WORD_BYTES,
            "filter": job.filter,
        }
    )


class _Launched:
    """A launcher under way."""

    def __init__(self, pid: int, cage: Cage | None) -> None:
        self._pid = pid
        self._cage = cage
        self._ending = end_descriptor(pid)
        self._waiting = select.poll()
        self._waiting.register(self._ending, select.POLLIN | select.POLLHUP)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._ending)

    def terminate(self) -> None:
        """Have the launcher ask the program's group to end."""
        os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Have the launcher end everything; afterwards nothing of the program is alive."""
        if not self._waiting.poll(0):
            os.kill(self._pid, signal.SIGTERM)
            os.kill(self._pid, signal.SIGTERM)
            if not self._waiting.poll(int(GRACE_S * 1000)):
                os.kill(self._pid, signal.SIGKILL)
                self._waiting.poll()
        if self._cage is not None:
            self._cage.kill()


def _exit_status(status_end: int, program: str, away: int | None) -> int:
    """Return the program's exit status, or ``away`` when the launcher could not tell it.

    Raises:
        SandboxError: the program was not started, or the launcher's silence has no explanation.
    """
    said = os.read(status_end, _STATUS_BYTES_MAX)
    told = msgspec.json.decode(said, type=_Status) if said else _Status()
    if told.failed:
        raise SandboxError(
            f"{program} was not started in the sandbox: {told.failed}.",
            hint="Check that the program, its interpreter and the working directory are visible to the task.",
        )
    if told.status is not None:
        code = os.waitstatus_to_exitcode(told.status)
        return code if code >= 0 else SIGNALED - code
    if away is None:
        raise SandboxError("the sandbox's launcher was ended from outside.", hint="Look for who killed it.")
    return away
