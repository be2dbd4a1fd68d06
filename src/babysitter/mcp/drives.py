"""Runs that this server drives, each in a thread of its own, whoever waits for them or no longer does.

A drive goes on after the call that began it has answered, until its run ends or waits, or the
server leaves. A second call for the same run waits for the same drive.
"""

import threading
from collections.abc import Callable

from babysitter.model.errors import RefusedError
from babysitter.service.patience import Patience, Silence
from babysitter.service.runs import RunService
from babysitter.service.wiring import Workspace

DRIVES_MAX = 8
LEAVING_GRACE_S = 1.0
"""How long effects in flight have when the server leaves: clients end a server soon after they hang up."""
_LEAVING_WAIT_S = 10.0


class Drive(Silence):
    """One run being driven. Also the driver's face: it tells those who wait that there is news."""

    def __init__(self, open_: Callable[[], Workspace], run_id: str) -> None:
        self.run_id = run_id
        self.patience = Patience()
        self.failure: BaseException | None = None
        self._open = open_
        self._news = threading.Condition()
        self._count = 0
        self._has_left = False
        self._thread = threading.Thread(target=self._drive, name=f"drive-{run_id}", daemon=True)

    @property
    def has_left(self) -> bool:
        """True once the run has ended, waits, or could not be driven (``failure``)."""
        return self._has_left

    def start(self) -> None:
        """Begin to drive."""
        self._thread.start()

    def stop(self, *, grace_s: float | None = None) -> None:
        """Have the driver leave; what is in flight gets that long to end."""
        if grace_s is not None:
            self.patience.grace_s = grace_s
        self.patience.stop()

    def close(self) -> None:
        """See interface.Driven. The drive goes on, whoever waits for it."""

    def join(self, timeout_s: float) -> None:
        """Return when the driver has left, or after that time."""
        self._thread.join(timeout_s)

    def wait_for_news(self, seen: int, timeout_s: float) -> int:
        """Return how much news there was so far: at once when more than was seen, or when it has left."""
        with self._news:
            self._news.wait_for(lambda: self._count > seen or self._has_left, timeout_s)
            return self._count

    def journaled(self) -> None:
        """See Face."""
        with self._news:
            self._count += 1
            self._news.notify_all()

    def _drive(self) -> None:
        try:
            workspace = self._open()
            self.patience.far_timer_s = workspace.place.settings.worker.far_timer_s
            RunService(workspace).drive(self.run_id, patience=self.patience, face=self)
        except BaseException as failure:  # noqa: BLE001 (a thread's boundary: whoever waits raises it)
            self.failure = failure
        finally:
            with self._news:
                self._has_left = True
                self._news.notify_all()


class Drives:
    """The runs that one server drives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str], Drive] = {}
        self._closed = False

    def drive(self, workspace: str, run_id: str, open_: Callable[[], Workspace]) -> Drive:
        """Return the drive of a run: the one under way, else a new one that has been started.

        Raises:
            RefusedError: too many are under way, or the server is leaving.
        """
        with self._lock:
            self._under_way = {key: drive for key, drive in self._under_way.items() if not drive.has_left}
            found = self._under_way.get((workspace, run_id))
            if found is not None:
                return found
            if self._closed:
                raise RefusedError("this server is leaving.", hint=f"Go on with: babysitter resume {run_id}")
            if len(self._under_way) >= DRIVES_MAX:
                raise RefusedError(
                    f"this server drives {DRIVES_MAX} runs already.",
                    hint="Try again when one of them ends or waits.",
                )
            drive = self._under_way[workspace, run_id] = Drive(open_, run_id)
            drive.start()
            return drive

    def close(self) -> None:
        """Have every driver leave, and wait for it. Runs can be resumed from where they stand."""
        with self._lock:
            self._closed = True
            left = [drive for drive in self._under_way.values() if not drive.has_left]
        for drive in left:
            drive.stop(grace_s=LEAVING_GRACE_S)
        for drive in left:
            drive.join(_LEAVING_WAIT_S)
