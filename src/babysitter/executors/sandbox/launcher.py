"""Start one program, confined by Landlock and seccomp or not at all, and leave none of its children.

Run as ``python -I -S launcher.py`` with a JSON job on descriptor 5 and a status pipe on 6;
imports nothing of ours. It stays as the parent: as "child subreaper" it inherits every
process that the program leaves behind, however it was started, and ends it.

Says on the status pipe: one line ``{"failed": text}`` when the program was not started,
``{"status": wait status}`` when it has ended and nothing of it is alive.

SIGTERM once: ask the program's group to end. Twice: end all of it.

Source: landlock(7), seccomp(2), prctl(2), capabilities(7).
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
import time
from typing import Any, NoReturn

JOB_FD, STATUS_FD = 5, 6
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = (
    1,
    22,
    24,
    38,
    36,
)
_SECCOMP_MODE_FILTER = 2
_CAPABILITIES_MAX = 64
_CAPABILITY_VERSION_3 = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Do the job of descriptor 5."""
    with os.fdopen(JOB_FD, "rb") as file:
        job = json.load(file)
    os.set_inheritable(STATUS_FD, False)  # noqa: FBT003 (the one argument there is)
    if sys.platform == "linux":
        # Whoever started us may be killed; then nothing may go on unwatched.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    failed, failing = os.pipe()
    program = os.fork()
    if program == 0:
        _become(job, failing)
    os.close(failing)
    _release_streams()
    _watch(program, failed)


def _become(job: dict[str, Any], failing: int) -> NoReturn:
    try:
        os.setsid()
        if sys.platform == "linux":
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.chdir(job["cwd"])
        for kind, limit in job["limits"]:
            _limit(kind, limit)
        if job["rules"] is not None:
            _confine(job)
        os.execvpe(job["argv"][0], job["argv"], job["env"])  # noqa: S606 (the point of this file)
    except OSError as error:
        text = f"{error.filename or job['argv'][0]}: {error.strerror}"
        os.write(failing, text.encode(errors="replace"))
    finally:
        os._exit(127)


def _limit(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    bounded = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (bounded, bounded))


def _confine(job: dict[str, Any]) -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if os.geteuid() == 0:
        _drop_capabilities()
    attributes = struct.pack("QQQ", *job["handled"])[: job["attributeBytes"]]
    ruleset = _syscall(_CREATE_RULESET, ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), 0)
    for path, rights in job["rules"]:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rule = struct.pack("=Qi", rights, fd)
        _syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.c_char_p(rule), 0)
        os.close(fd)
    _syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    _filter(job["filter"])


def _drop_capabilities() -> None:
    """Root without capabilities is the owner of root's files and nothing more."""
    for capability in range(_CAPABILITIES_MAX):
        # Past the last one that this kernel knows it says so, and we are done.
        if _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    if _LIBC.capset(ctypes.c_char_p(header), ctypes.c_char_p(bytes(24))) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _filter(instructions: list[list[int]]) -> None:
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(buffer))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_char_p(header))


def _prctl(option: int, first: int, second: "int | ctypes.c_char_p" = 0) -> None:
    if _LIBC.prctl(option, first, second, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _syscall(number: int, *arguments: "int | ctypes.c_char_p | ctypes.c_size_t") -> int:
    found: int = _LIBC.syscall(ctypes.c_long(number), *arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), f"landlock {number}: {os.strerror(ctypes.get_errno())}")
    return found


def _release_streams() -> None:
    """Hold no end of the program's pipes: they must close when it and its children have closed them."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(5):
        os.dup2(null, fd)
    os.close(null)


def _watch(program: int, failed: int) -> None:
    asked = 0

    def ask(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            _signal_group(program, signal.SIGTERM)
        else:
            _kill_children()

    signal.signal(signal.SIGTERM, ask)
    text = os.read(failed, 4096)
    status = None
    while True:
        try:
            pid, ended = os.wait()
        except ChildProcessError:
            break
        if pid == program:
            status = ended
        if status is not None:
            _kill_children()
    told = {"failed": text.decode(errors="replace")} if text else {"status": status}
    os.write(STATUS_FD, json.dumps(told).encode() + b"\n")


def _signal_group(program: int, number: int) -> None:
    try:
        os.killpg(program, number)
    except (ProcessLookupError, PermissionError):
        # It has not made its own group yet.
        os.kill(program, number)


def _kill_children() -> None:
    """Kill every child that is alive; theirs become ours and are found the next time."""
    own = f"/proc/self/task/{os.getpid()}/children"
    try:
        with open(own) as file:
            children = [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    time.sleep(0)


if __name__ == "__main__":
    main()
