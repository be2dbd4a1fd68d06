"""Senders that kill themselves, each at another disk operation: test_kill.py starts this program.

Forks a sender for each operation, so that Python starts once and not a hundred times.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

from babysitter.service.notify.webhook import Webhook
from babysitter.stores.disk import Disk, RealDisk
from babysitter.stores.files import FileStore
from babysitter.stores.tree import Tree
from babysitter.transport.reach import Permitted, Reach
from tests.integration.notify.receiver import KEY
from tests.unit.notify.telling import Taken, outbox, workspace


class DeadlyDisk:
    """See Disk. Kills the process before its N-th operation, as ``kill -9`` would."""

    def __init__(self, deadly: int) -> None:
        self._disk = RealDisk()
        self._left = deadly

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._disk, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)

        return counted


class Sending(Taken):
    """See Taken. Sends to a receiver for real."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def open(self, table: Any) -> Webhook:
        return Webhook(
            channel=table.name,
            url=self._url,
            is_secret=False,
            keys=(KEY,),
            timeout_s=20.0,
            permitted=Permitted(),
            reach=Reach(),
        )


def send(runs_dir: Path, folder: Path, url: str, disk: Disk) -> None:
    place = workspace()
    place.store = FileStore(runs_dir)
    outbox(place, folder, Sending(url), Tree(disk, str(folder))).pump(2_000_000_000_000_000_000)


def forked(runs_dir: Path, folder: Path, url: str, deadly: int) -> bool:
    """Send in a process of its own; tell whether it was killed."""
    child = os.fork()
    if child == 0:
        disk = cast("Disk", DeadlyDisk(deadly)) if deadly else RealDisk()
        status = 1
        try:
            send(runs_dir, folder, url, disk)
            status = 0
        finally:
            os._exit(status)
    _, how = os.waitpid(child, 0)
    assert os.WIFSIGNALED(how) or os.WEXITSTATUS(how) == 0, "the sender failed"
    return os.WIFSIGNALED(how)


def main() -> None:
    """Print, for each operation, that the sender was killed there and that another one went on."""
    runs_dir, outboxes, url = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    was_killed, deadly = True, 0
    while was_killed:
        deadly += 1
        folder = outboxes / str(deadly)
        folder.mkdir()
        was_killed = forked(runs_dir, folder, f"{url}/{deadly}", deadly)
        forked(runs_dir, folder, f"{url}/{deadly}", 0)
    sys.stdout.write(f"{deadly}\n")


if __name__ == "__main__":
    main()
