"""The API of scanning: credentials in a workspace's files. It changes nothing; a POST, as it takes lists."""

from typing import Annotated

from msgspec import Meta, Struct

from babysitter.model.findings import Scan
from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.scanned import visited_scan

_Path = Annotated[str, Meta(min_length=1, max_length=4096)]


class ScanWanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files. ``paths``: relative to the workspace; ``exclude``: names, may have * and ?."""

    paths: Annotated[tuple[_Path, ...], Meta(min_length=1, max_length=100)] = (".",)
    exclude: Annotated[tuple[_Path, ...], Meta(max_length=100)] = ()


def scan(asked: Asked) -> Reply:
    """Look for credentials."""
    wanted = asked.given(ScanWanted)
    return as_json(visited_scan(asked.visit, wanted.paths, wanted.exclude, asked.workspace))


ROUTES: Table = (
    Route(
        method="POST",
        path="/api/v1/scan",
        name="scan.start",
        answer=scan,
        summary="Look for credentials in files of the workspace. Changes nothing.",
        action="workspace.scan",
        takes=ScanWanted,
        gives=Scan,
        query={"workspace": "The id of a workspace; without it, the first that you may scan."},
    ),
)
