"""A witness that kills itself at the N-th disk operation: started by test_kill.py as a process of its own."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, cast

from babysitter.log.witness.keys import load_or_make_key
from babysitter.log.witness.state import WitnessState
from babysitter.stores.disk import Disk, RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock
from tests.unit.log.witness.sample_log import ORIGIN, SampleLog


class DeadlyDisk:
    """See Disk. Kills the process after so many operations, as ``kill -9`` would."""

    def __init__(self, deadly: int) -> None:
        self._disk = RealDisk()
        self._left = deadly

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._disk, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            done = operation(*args, **kwargs)
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return counted


def cosigned(tree: Tree, log: SampleLog) -> Iterator[tuple[str, str]]:
    """Show a witness that just started 4 and 6 lines of the log; give each size and root that it cosigned."""
    key = load_or_make_key(tree, "witness.example.com/w")
    state = WitnessState(tree, key, {ORIGIN: log.verifier}, FakeClock())
    for size in (4, 6):
        reply = state.post(log.request(0, size))
        if reply.status == 409:
            reply = state.post(log.request(int(reply.body), size))
        if reply.status == 200:
            yield str(size), log.root(size).hex()


def main() -> None:
    """Print at once what was given out."""
    disk = cast("Disk", DeadlyDisk(int(sys.argv[2])))
    for size, root in cosigned(Tree(disk, sys.argv[1]), SampleLog()):
        sys.stdout.write(f"{size} {root}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
