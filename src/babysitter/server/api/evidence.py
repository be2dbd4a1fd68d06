"""The API of what an approver's own program checks before it signs: the very bytes, in pieces."""

from babysitter.server.exchange import Asked, Reply
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.evidence import Piece, VisitedEvidence

_BYTES = "application/octet-stream"
_PIECE = {
    "offset": "Where to begin, in bytes; 0 without it.",
    "until": "Before which byte to end; at most 4 MiB after the offset, which is so without it, too.",
    "workspace": "The id of a workspace; without it, whichever has the run.",
}


def journal(asked: Asked) -> Reply:
    """Give a piece of a run's journal."""
    run = asked.params["run"]
    return _attached(
        VisitedEvidence(asked.visit).journal(run, _piece(asked), asked.workspace), "journal.jsonl"
    )


def shown_file(asked: Asked) -> Reply:
    """Give a piece of a file that a question shows."""
    named = asked.params["run"], asked.params["breakpoint"]
    found = VisitedEvidence(asked.visit).file(named, asked.params["path"], _piece(asked), asked.workspace)
    return _attached(found, "shown")


def _piece(asked: Asked) -> Piece:
    return Piece(offset=asked.number("offset", 0), until=asked.number("until", 0))


def _attached(body: bytes, name: str) -> Reply:
    # Never a type that a browser would show: the bytes are a run's, and may be anything.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(body=body, type=_BYTES, headers=headers)


ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/runs/{run}/journal",
        name="runs.journal",
        answer=journal,
        summary="Give a piece of a run's journal, byte for byte.",
        action="run.read",
        gives_type=_BYTES,
        query=_PIECE,
    ),
    Route(
        method="GET",
        path="/api/v1/runs/{run}/breakpoints/{breakpoint}/files/{path:path}",
        name="breakpoints.file",
        answer=shown_file,
        summary="Give a piece of a file that a question shows, by the path that its line names.",
        action="breakpoint.read",
        gives_type=_BYTES,
        query=_PIECE,
    ),
)
