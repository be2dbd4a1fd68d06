"""Who asked what of a server, for auditors: the access log, filtered, newest first."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from babysitter.access.access_log import Requested, Unproven, read_access, requested
from babysitter.model.errors import UsageError
from babysitter.model.lines import Record
from babysitter.service.hosting.premises import FOLDER
from babysitter.service.hosting.visit import Visit
from babysitter.service.views import View
from babysitter.service.wiring import Workspace, beside_runs, folder_tree

LINES_MAX = 500
PROBLEMS_MAX = 5


class AccessView(View, frozen=True, kw_only=True):
    """One request. ``who``: empty where nobody showed who they are. ``refused``: the code why."""

    at: str
    who: str
    credential: str
    method_of_credential: str
    address: str
    method: str
    route: str
    path: str
    status: int
    ms: int
    bytes: int
    refused: str


class AccessPage(View, frozen=True, kw_only=True):
    """Some requests, newest first. ``total``: how many were wanted in all.

    older: how many to skip for the next page; None: there is none.
    problem: where the log can't show that it is whole. Of a file whose lines do not chain, what follows there
        is not shown.
    """

    requests: tuple[AccessView, ...]
    total: int
    older: int | None
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessWanted:
    """Which requests; what is empty does not filter. ``since``: RFC 3339, or the beginning of one.

    denied: only those that were refused. skip: how many of the newest to leave out.
    """

    who: str = ""
    since: str = ""
    denied: bool = False
    skip: int = 0
    limit: int = 100


def access_seen(workspace: Workspace, wanted: AccessWanted) -> AccessPage:
    """Return the requests that are wanted, of the server whose home is that workspace.

    Raises:
        UsageError: a number is out of range.
    """
    if not 1 <= wanted.limit <= LINES_MAX or wanted.skip < 0:
        raise UsageError(f"limit is {wanted.limit}.", hint=f"Ask for 1 to {LINES_MAX} requests at once.")
    newest: deque[AccessView] = deque(maxlen=wanted.skip + wanted.limit)
    total, problems = 0, list[str]()
    for found in _found(workspace):
        if isinstance(found, Unproven):
            problems.append(found.why)
            continue
        line = requested(found)
        if line is not None and _is_wanted(found, line, wanted):
            newest.append(_view(found, line))
            total += 1
    part = tuple(reversed(newest))[wanted.skip :]
    seen = wanted.skip + len(part)
    return AccessPage(
        requests=part, total=total, older=seen if seen < total else None, problem=_told(problems)
    )


def visited_access(visit: Visit, wanted: AccessWanted) -> AccessPage:
    """Return the requests that are wanted, to somebody who may see them.

    One log tells of all workspaces of a server, so it is the home's auditors who read it.
    """
    home = visit.hosting.home
    return access_seen(visit.at("access.read", home.id).workspace, wanted)


def _found(workspace: Workspace) -> Iterator[Record | Unproven]:
    folder = beside_runs(workspace.place.runs_dir, FOLDER).parent
    return read_access(folder_tree(folder)) if (folder / FOLDER).is_dir() else iter(())


def _told(problems: list[str]) -> str:
    more = len(problems) - PROBLEMS_MAX
    return " ".join([*problems[:PROBLEMS_MAX], *([f"And {more} more like these."] if more > 0 else [])])


def _is_wanted(record: Record, line: Requested, wanted: AccessWanted) -> bool:
    return (
        record.recorded_at >= wanted.since
        and wanted.who in ("", line.who)
        and not (wanted.denied and not line.refused)
    )


def _view(record: Record, line: Requested) -> AccessView:
    return AccessView(
        at=record.recorded_at,
        who=line.who,
        credential=line.credential,
        method_of_credential=line.method_of_credential,
        address=line.address,
        method=line.method,
        route=line.route,
        path=line.path,
        status=line.status,
        ms=line.ms,
        bytes=line.bytes,
        refused=line.refused,
    )
