"""Say how a program ended, the same way whichever runner watched it."""

import contextlib
import os
import shutil
import signal
from collections.abc import Mapping
from types import MappingProxyType

from babysitter.executors.sandbox.access import Access
from babysitter.model.effects import Denial
from babysitter.model.runner import Ended

SIGNALED = 128
"""Added to a signal's number by shells and bubblewrap; a program that exits so by itself means the same."""
KILLED = SIGNALED + signal.SIGKILL

_ENDING_SIGNALS = frozenset(
    signal.Signals[f"SIG{name}"].value
    for name in "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM XCPU XFSZ SYS".split()
)


def ended(
    why: str,
    status: int,
    result: bytes,
    denials: tuple[Denial, ...],
    usage: Mapping[str, float] = MappingProxyType({}),
) -> Ended:
    """Return the end; an exit status above 128 that names a signal is told as that signal."""
    if why == "exit" and status - SIGNALED in _ENDING_SIGNALS:
        why, status = "signal", status - SIGNALED
    return Ended(why=why, status=status, result=result, denials=denials, usage=dict(usage))


def remove_absent(access: Access) -> tuple[Denial, ...]:
    """Remove what the task made though git would obey it, and say so."""
    denials = []
    for path in access.absent:
        if os.path.lexists(path):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
            denials.append(Denial(what="a file that redirects git: removed", rule="git", where=path))
    return tuple(denials)
