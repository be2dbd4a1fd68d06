"""Run a command where no network is reachable but this machine's own loopback.

``python tools/offline.py COMMAND...`` makes a network namespace, brings its loopback up and becomes the
command. It takes root on Linux. Elsewhere the command runs as it is and one line on stderr says so: the tests
are the same, only this guard is away. In CI that is refused, because CI is where the guard counts.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

INSIDE = "--inside"
# From linux/sockios.h and linux/if.h.
GET_FLAGS, SET_FLAGS = 0x8913, 0x8914
UP = 0x1


def bring_loopback_up() -> None:
    """Switch ``lo`` of the current network namespace on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, GET_FLAGS, struct.pack("16sH14x", b"lo", 0))
        flags: int = struct.unpack("16sH14x", answer)[1]
        fcntl.ioctl(control, SET_FLAGS, struct.pack("16sH14x", b"lo", flags | UP))


def can_unshare() -> bool:
    """Tell whether this user may make a network namespace here."""
    program = shutil.which("unshare")
    if program is None or not sys.platform.startswith("linux") or os.getuid() != 0:
        return False
    return subprocess.run([program, "--net", "true"], check=False, capture_output=True).returncode == 0


def main(arguments: list[str]) -> None:
    """Become the command."""
    if not arguments:
        sys.exit(__doc__)
    if arguments[0] == INSIDE:
        arguments = arguments[1:]
        bring_loopback_up()
    elif can_unshare():
        arguments = ["unshare", "--net", sys.executable, __file__, INSIDE, *arguments]
    else:
        print("offline: no network namespace can be made here; running with the network.", file=sys.stderr)
        if os.environ.get("CI") == "true":
            sys.exit("offline: CI must be able to (root on Linux, with unshare).")
    os.execvp(arguments[0], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
