"""Somebody's visit to a server: every use case begins here, with the question whether they may.

A workspace in which the caller holds no role, and a run in it, do not exist for them.

Invariants, each with a test in tests/unit/service/hosting/test_visit.py:
    - nothing is read or done before ``at`` or ``run`` has said yes;
    - what is not there and what may not be known of answer with the same words.
"""

from dataclasses import dataclass

from babysitter.access.roles import Caller
from babysitter.model.errors import ForbiddenError, NotFoundError
from babysitter.model.ids import RUN_ID
from babysitter.service.hosting.hosting import Hosted, Hosting


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who visits, and where."""

    hosting: Hosting
    caller: Caller

    def known(self) -> list[str]:
        """Return the workspaces that the caller may know of, the server's own first."""
        return [name for name in self.hosting.all if self.caller.knows(name)]

    def at(self, action: str, workspace: str = "") -> Hosted:
        """Return the workspace, if the caller may do that there. Empty: the first that they know of.

        Raises:
            NotFoundError: there is none that the caller knows of by that name.
            ForbiddenError: they hold no role there that may.
        """
        known = self.known()
        name = workspace or next((each for each in known if self.caller.may(action, each)), "")
        name = name or (known[0] if known else "")
        if name not in known:
            raise NotFoundError(
                f"there is no workspace {workspace}." if workspace else "there is no workspace for you here.",
                hint="An admin names people in [access] of a workspace.",
            )
        self._check(action, name)
        return self.hosting.all[name]

    def everywhere(self, action: str, workspace: str = "") -> list[Hosted]:
        """Return every workspace where the caller may do that, or the one that is named.

        Raises:
            NotFoundError, ForbiddenError: as ``at``, and when there is none.
        """
        if workspace:
            return [self.at(action, workspace)]
        found = [self.hosting.all[name] for name in self.known() if self.caller.may(action, name)]
        return found or [self.at(action)]

    def run(self, action: str, run_id: str, workspace: str = "") -> Hosted:
        """Return the workspace that has the run, if the caller may do that there.

        Raises:
            NotFoundError: there is no such run that the caller may know of.
            ForbiddenError: they hold no role there that may.
        """
        if RUN_ID.fullmatch(run_id) is None:
            raise NotFoundError(f"there is no run {run_id[:80]}.", hint="See which there are at /runs.")
        known = self.known()
        if workspace and workspace not in known:
            known = []
        found = self.hosting.find(run_id, [workspace] if workspace and known else known)
        self._check(action, found.id)
        return found

    def _check(self, action: str, workspace: str) -> None:
        if not self.caller.may(action, workspace):
            raise ForbiddenError(
                f"{self.caller.name} may not do {action} in {workspace}.",
                hint="docs/reference/roles.md says which roles may.",
            )
