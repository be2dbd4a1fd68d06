"""The API of auditing: what is proven of each run, who answered and asked what, and all of it to take."""

from dataclasses import replace

from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.approvals_list import Wanted
from babysitter.service.auditing import AuditReport
from babysitter.service.hosting.access_seen import AccessPage, AccessWanted, visited_access
from babysitter.service.hosting.audited import ApprovalsPage, Audited, VisitedAudit

_TAR, _HTML = "application/x-tar", "text/html; charset=utf-8"
_WHERE = {"workspace": "The id of a workspace; without it, the first that you may audit."}
_SKIP = {"skip": "How many to leave out."}
APPROVALS_QUERY = {
    "since": "From this date or time on.",
    "by": "Of this person, or in their place.",
    "rule": "Under this rule.",
    "environment": "About this environment.",
    "process": "In runs of this process.",
    "decision": "approve, reject or defer.",
}
ACCESS_QUERY = {
    "who": "Of this person or agent.",
    "since": "From this date or time on.",
    "denied": "yes: only what was refused.",
}


def runs(asked: Asked) -> Reply:
    """Give what is proven of each run."""
    return as_json(VisitedAudit(asked.visit).overview(asked.workspace, skip=asked.number("skip", 0)))


def approvals(asked: Asked) -> Reply:
    """Give who answered what."""
    wanted, skip = approvals_wanted(asked), asked.number("skip", 0)
    return as_json(VisitedAudit(asked.visit).approvals(wanted, asked.workspace, skip=skip))


def access(asked: Asked) -> Reply:
    """Give who asked what of the server."""
    wanted = replace(access_wanted(asked), limit=asked.number("limit", 100))
    return as_json(visited_access(asked.visit, wanted))


def verification(asked: Asked) -> Reply:
    """Verify every run of a workspace."""
    return as_json(VisitedAudit(asked.visit).verify(asked.workspace))


def export(asked: Asked) -> Reply:
    """Give runs and the log as one tar file."""
    return Reply(
        file=VisitedAudit(asked.visit).export(_names(asked), asked.workspace),
        type=_TAR,
        headers={"Content-Disposition": 'attachment; filename="audit.tar"'},
    )


def report(asked: Asked) -> Reply:
    """Give a page for whoever answers for it, as a file."""
    page = VisitedAudit(asked.visit).report(_names(asked), asked.query.get("since", ""), asked.workspace)
    return Reply(
        body=page.encode(),
        type=_HTML,
        headers={"Content-Disposition": 'attachment; filename="report.html"'},
    )


def approvals_wanted(asked: Asked) -> Wanted:
    """Return which answers are asked for."""
    return Wanted(**{name: asked.query.get(name, "") for name in APPROVALS_QUERY})


def access_wanted(asked: Asked) -> AccessWanted:
    """Return which requests are asked for."""
    return AccessWanted(
        who=asked.query.get("who", ""),
        since=asked.query.get("since", ""),
        denied=asked.query.get("denied", "") == "yes",
        skip=asked.number("skip", 0),
    )


def _names(asked: Asked) -> tuple[str, ...]:
    return tuple(name for name in asked.query.get("runs", "").split(",") if name)


ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/audit/runs",
        name="audit.runs",
        answer=runs,
        summary="What is proven of each run, and emergencies that wait for a review.",
        action="audit.read",
        gives=Audited,
        query={**_SKIP, **_WHERE},
    ),
    Route(
        method="GET",
        path="/api/v1/audit/approvals",
        name="audit.approvals",
        answer=approvals,
        summary="Who answered what, newest first.",
        action="audit.read",
        gives=ApprovalsPage,
        query={**APPROVALS_QUERY, **_SKIP, **_WHERE},
    ),
    Route(
        method="GET",
        path="/api/v1/audit/access",
        name="audit.access",
        answer=access,
        summary="Who asked what of the server, newest first.",
        action="access.read",
        gives=AccessPage,
        query={**ACCESS_QUERY, "limit": "How many at most.", **_SKIP},
    ),
    Route(
        method="POST",
        path="/api/v1/audit/verification",
        name="audit.verify",
        answer=verification,
        summary="Verify every run, the log, signatures and rules, and say what is unproven.",
        action="audit.read",
        gives=AuditReport,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path="/api/v1/audit/export",
        name="audit.export",
        answer=export,
        summary="Runs and the log as one tar file, to verify elsewhere.",
        action="audit.read",
        gives_type=_TAR,
        query={"runs": "Ids of runs, with commas between; without it, all.", **_WHERE},
    ),
    Route(
        method="GET",
        path="/api/v1/audit/report",
        name="audit.report",
        answer=report,
        summary="What happened in runs and what can't be proven, as a page that needs nothing else.",
        action="audit.read",
        gives_type=_HTML,
        query={
            "runs": "Ids of runs, with commas between.",
            "since": "Instead: every run that began then or later.",
            **_WHERE,
        },
    ),
)
