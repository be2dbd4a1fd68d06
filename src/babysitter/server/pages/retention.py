"""What the audit page says of retention: what is due, what is held, and where rules are explained."""

from dataclasses import dataclass

from babysitter.model.errors import BabysitterError, SettingsError
from babysitter.server.exchange import Asked
from babysitter.service.hosting.atlases import VisitedAtlas
from babysitter.service.hosting.retention import RetentionPlan, VisitedRetention

SHOWN = 10
"""So many runs of each list stand on the page; the command and the API have them all."""
_PAGE = "page:docs-reference-retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPart:
    """A section of the page. plan: None where the settings are wrong now; ``problem`` says how.

    help: the id of the page of the Atlas that explains rules; empty where the visitor finds none.
    """

    plan: RetentionPlan | None
    problem: str
    help: str


def retention_of(asked: Asked, workspace: str) -> RetentionPart:
    """Return what is due in a workspace; settings that are wrong hide nothing else of the page."""
    plan, problem = None, ""
    try:
        plan = VisitedRetention(asked.visit).plan(workspace, limit=SHOWN)
    except SettingsError as error:
        # The message names a file of the server's disk, which is nobody's business; its line is.
        problem = f"babysitter.toml can't be used now (line {error.facts.get('line', 0)})."
    return RetentionPart(plan=plan, problem=problem, help=_help(asked, workspace))


def _help(asked: Asked, workspace: str) -> str:
    try:
        return VisitedAtlas(asked.visit).page(_PAGE, workspace).page.id
    except BabysitterError:
        # It is not there, or this visitor may not look into the Atlas: the section does without the link.
        return ""
