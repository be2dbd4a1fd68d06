"""Start a program with exactly the descriptors, environment and session it is given.

``posix_spawn`` of the C library: no fork of our memory, no Python code between fork
and exec, so any number of threads may start programs at once. Descriptors that we
do not name are closed in the child whatever other code in this process has opened:
an inherited directory descriptor would lead out of any sandbox.

Invariants, each with a test in tests/unit/executors/test_spawn.py:
    - the child has the named descriptors and no others;
    - the child leads its own session, with default signal handlers and an empty mask.

Source: posix_spawn(3), posix_spawn_file_actions_addclosefrom_np(3) (glibc 2.34).
"""

import ctypes
import errno
import fcntl
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from babysitter.model.errors import MissingToolError, SandboxError

FIRST_SPARE_FD = 64
"""Our own ends are moved up here, so that none of them stands where the child's are put."""

_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80
# Room for the opaque structures of any C library that has them; the largest known takes 336 bytes.
_OPAQUE_BYTES = 1024
_LIBC = ctypes.CDLL(None, use_errno=True)
_HAS_CLOSEFROM = sys.platform == "linux" and hasattr(_LIBC, "posix_spawn_file_actions_addclosefrom_np")


def spare(fd: int) -> int:
    """Return the descriptor, moved to a number of at least ``FIRST_SPARE_FD``; the old number is closed."""
    if fd >= FIRST_SPARE_FD:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_SPARE_FD)
    finally:
        os.close(fd)


def spawn(argv: Sequence[str], env: Mapping[str, str], fds: Sequence[int]) -> int:
    """Start ``argv[0]``, a path, and return its pid; our descriptor ``fds[n]`` becomes ``n`` of the child.

    Args:
        argv: its first item is the path of the program.
        env: the whole environment.
        fds: each at least ``FIRST_SPARE_FD``; see ``spare``.

    Raises:
        MissingToolError: there is no such program.
        SandboxError: the system refuses to start it.
    """
    assert all(fd >= FIRST_SPARE_FD for fd in fds), fds
    try:
        return _spawn_exactly(argv, env, fds) if _HAS_CLOSEFROM else _spawn_listing(argv, env, fds)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingToolError(f"{argv[0]} is not there.", hint="Install it, or give its path.") from error
    except OSError as error:
        raise SandboxError(
            f"{argv[0]} could not be started: {os.strerror(error.errno or 0)}.",
            hint="Check its permissions and the limits of this account (ulimit -a).",
        ) from error


def _strings(items: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    encoded = [os.fsencode(item) for item in items]
    for item in encoded:
        # A C string ends at its first NUL: what follows would be lost without a word.
        if b"\0" in item:
            raise OSError(errno.EINVAL, "NUL in an argument")
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def _spawn_exactly(argv: Sequence[str], env: Mapping[str, str], fds: Sequence[int]) -> int:
    c_argv = _strings(argv)
    c_env = _strings([f"{name}={value}" for name, value in env.items()])
    actions = ctypes.create_string_buffer(_OPAQUE_BYTES)
    attributes = ctypes.create_string_buffer(_OPAQUE_BYTES)
    pid = ctypes.c_int()
    _LIBC.posix_spawn_file_actions_init(actions)
    _LIBC.posix_spawnattr_init(attributes)
    try:
        for target, source in enumerate(fds):
            _LIBC.posix_spawn_file_actions_adddup2(actions, source, target)
        _LIBC.posix_spawn_file_actions_addclosefrom_np(actions, len(fds))
        _LIBC.posix_spawnattr_setflags(attributes, ctypes.c_short(_SETSIGDEF | _SETSIGMASK | _SETSID))
        signals = ctypes.create_string_buffer(_OPAQUE_BYTES)
        _LIBC.sigemptyset(signals)
        _LIBC.posix_spawnattr_setsigmask(attributes, signals)
        _LIBC.sigfillset(signals)
        _LIBC.posix_spawnattr_setsigdefault(attributes, signals)
        # ctypes lets other threads run meanwhile: the call returns only once the child has exec'd.
        failed = _LIBC.posix_spawn(ctypes.byref(pid), c_argv[0], actions, attributes, c_argv, c_env)
    finally:
        _LIBC.posix_spawnattr_destroy(attributes)
        _LIBC.posix_spawn_file_actions_destroy(actions)
    if failed:
        raise OSError(failed, os.strerror(failed))
    return pid.value


def _spawn_listing(argv: Sequence[str], env: Mapping[str, str], fds: Sequence[int]) -> int:
    """Do the same where the C library cannot close the rest by itself: close what is open at this moment."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    rest = sorted({int(name) for name in os.listdir(folder)} - set(range(len(fds))))
    actions: list[tuple[int, int] | tuple[int, int, int]] = []
    actions += [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(fds)]
    # The listing's own descriptor is gone by now, and to close what is not open is an error on some systems.
    actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in rest if _is_open(fd)]
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(env),
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}),
    )


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
