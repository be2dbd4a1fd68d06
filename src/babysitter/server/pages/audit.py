"""The audit: what is proven of each run, who answered what, who asked what of the server, exports."""

from typing import Any
from urllib.parse import urlencode

from babysitter.server.api.audits import ACCESS_QUERY, APPROVALS_QUERY, access_wanted, approvals_wanted
from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.rendering import page
from babysitter.server.pages.retention import retention_of
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.access_seen import visited_access
from babysitter.service.hosting.audited import PAGE, VisitedAudit


def overview(asked: Asked) -> Reply:
    """Show what is proven of each run."""
    found = VisitedAudit(asked.visit).overview(asked.workspace, skip=asked.number("skip", 0))
    return _page(asked, "audit.html", "Runs", found=found, retention=retention_of(asked, found.workspace))


def approvals(asked: Asked) -> Reply:
    """Show who answered what."""
    wanted = approvals_wanted(asked)
    found = VisitedAudit(asked.visit).approvals(wanted, asked.workspace, skip=asked.number("skip", 0))
    return _page(asked, "audit_approvals.html", "Approvals", found=found, wanted=wanted)


def access(asked: Asked) -> Reply:
    """Show who asked what of the server."""
    wanted = access_wanted(asked)
    return _page(
        asked, "audit_access.html", "Access", found=visited_access(asked.visit, wanted), wanted=wanted
    )


def export(asked: Asked) -> Reply:
    """Give a run's files as one tar file."""
    run_id = asked.params["run"]
    data = VisitedAudit(asked.visit).archive(run_id, asked.workspace)
    name = f'attachment; filename="{run_id}.tar"'
    return Reply(body=data, type="application/x-tar", headers={"Content-Disposition": name})


def _page(asked: Asked, template: str, part: str, **facts: Any) -> Reply:  # noqa: ANN401 (views)
    def link(**change: object) -> str:
        """Return this page's address with some of its query changed."""
        query = {name: value for name, value in {**asked.query, **change}.items() if value}
        return f"{asked.path}?{urlencode(query)}" if query else asked.path

    may_access = asked.visit.caller.may("access.read", asked.hosting.home.id)
    return page(
        asked,
        template,
        section="Audit",
        title=f"Audit: {part}",
        part=part,
        link=link,
        page_size=PAGE,
        workspaces=asked.visit.known(),
        may_access=may_access,
        **facts,
    )


_WHERE = {"workspace": "The id of a workspace; without it, the first that you may audit."}
_SKIP = {"skip": "How many to leave out."}
ROUTES: Table = (
    Route(
        method="GET",
        path="/audit",
        name="page.audit",
        answer=overview,
        summary="What is proven of each run, and emergencies that wait for a review.",
        action="audit.read",
        query={**_SKIP, **_WHERE},
    ),
    Route(
        method="GET",
        path="/audit/approvals",
        name="page.audit.approvals",
        answer=approvals,
        summary="Who answered what.",
        action="audit.read",
        query={**APPROVALS_QUERY, **_SKIP, **_WHERE},
    ),
    Route(
        method="GET",
        path="/audit/access",
        name="page.audit.access",
        answer=access,
        summary="Who asked what of the server.",
        action="access.read",
        query={**ACCESS_QUERY, **_SKIP},
    ),
    Route(
        method="GET",
        path="/runs/{run}/export",
        name="page.run.export",
        answer=export,
        summary="A run's files, as one tar file.",
        action="audit.read",
        query={"workspace": "The id of a workspace; without it, whichever has the run."},
        gives_type="application/x-tar",
    ),
)
