"""The proxy's entrance in the sandbox: a socket that listens in the task's own network, handed to us.

Nothing of ours runs beside the task. ``ENTRANCE`` starts in its place: it makes the
listening socket where only this task can reach it, gives us the descriptor over the
inherited socket ``CONTROL_FD``, and becomes the task's program. We accept connections
on our side; the kernel lets a socket be used wherever its descriptor is.

So there is no socket file to leave behind, no process to kill or to be killed by the
task, and no second copy of what goes through.

The task controls its own start (``LD_PRELOAD`` among others), so what comes over the
socket is checked like anything from a task.
"""

import os
import socket
import stat
import sys

from babysitter.executors.sandbox.descriptors import Descriptors
from babysitter.model.network import NetworkGrant

CONTROL_FD = 8
HOST, PORT = "127.0.0.1", 3128
_TEXT_BYTES_MAX = 500

# ``_socket``: the module around it costs as long again to import as Python itself to start.
ENTRANCE = f"""
import _socket, os, sys
control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, {CONTROL_FD})
os.set_inheritable({CONTROL_FD}, False)
door = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
door.bind(({HOST!r}, {PORT}))
door.listen(128)
rights = door.fileno().to_bytes(4, sys.byteorder)
control.sendmsg([b"door"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
door.close()
try:
    os.execv(sys.argv[1], sys.argv[1:])
except OSError as error:
    control.send(os.fsencode(f"{{sys.argv[1]}}: {{error.strerror}}"))
    os._exit(127)
"""

_LOCAL = ("localhost", "127.0.0.1", "::1")


def proxy_variables(network: NetworkGrant) -> dict[str, str]:
    """Return the variables that lead programs to the proxy, in both spellings that are about."""
    variables = {"http_proxy": f"http://{HOST}:{PORT}"}
    variables |= dict.fromkeys(("https_proxy", "all_proxy"), variables["http_proxy"])
    # The task's own loopback is beside it, not behind the proxy, unless this machine's is granted.
    variables["no_proxy"] = ",".join(name for name in _LOCAL if not network.names(name))
    variables |= {name.upper(): value for name, value in variables.items()}
    return variables | {"NODE_USE_ENV_PROXY": "1"}


def entrance_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to start in the place of a program, which must be a path."""
    return (sys.executable, "-I", "-S", "-c", ENTRANCE, *argv)


def control_pair(fds: Descriptors) -> socket.socket:
    """Return our end of a new control socket; the program's becomes its next descriptor."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    fds.add(theirs.detach())
    ours.settimeout(0)
    return ours


def take_door(control: socket.socket) -> socket.socket | None:
    """Return the listening socket that has arrived; None when the program ended first, or sent another thing.

    Raises:
        BlockingIOError: nothing has arrived yet.
    """
    _, received, _, _ = socket.recv_fds(control, 16, 1)
    if not received:
        return None
    if not _is_door(received[0]):
        os.close(received[0])
        return None
    door = socket.socket(fileno=received[0])
    door.settimeout(0)
    return door


def _is_door(fd: int) -> bool:
    """Tell whether a descriptor, which may be anything, is a TCP socket that listens."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return False
    borrowed = socket.socket(fileno=fd)
    try:
        return (borrowed.family, borrowed.type) == (
            socket.AF_INET,
            socket.SOCK_STREAM,
        ) and borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    finally:
        borrowed.detach()


def not_started(control: socket.socket) -> str | None:
    """Return why the program was not started after all; None when it was, or nobody said."""
    try:
        return control.recv(_TEXT_BYTES_MAX).decode(errors="replace") or None
    except OSError:
        return None
