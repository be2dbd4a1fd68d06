"""A visitor's scan of a workspace's files: who may, and for how long."""

from babysitter.model.errors import RefusedError
from babysitter.model.findings import Scan
from babysitter.service.confined_scanning import scan_confined
from babysitter.service.hosting.visit import Visit

SCAN_S_MAX = 60


def visited_scan(visit: Visit, paths: tuple[str, ...], exclude: tuple[str, ...], workspace: str = "") -> Scan:
    """Return the credentials in files of the workspace.

    Raises:
        InvalidIdError: a path leads out of it.
        RefusedError: it takes longer than ``SCAN_S_MAX``; between two files it is asked.
    """
    hosted = visit.at("workspace.scan", workspace)
    clock = hosted.workspace.clock
    end_ns = clock.now_ns() + SCAN_S_MAX * 1_000_000_000

    def in_time() -> None:
        if clock.now_ns() > end_ns:
            raise RefusedError(f"the scan took more than {SCAN_S_MAX} s.", hint="Name fewer paths.")

    return scan_confined(hosted.workspace, paths, exclude, in_time)
