"""Roles, what each may do, and who is asking. Pure: no clock, no disk.

A role is held in a workspace, never everywhere: whoever approves in one is nobody in the
next. What no row of ``ACTIONS`` allows is refused, and a new action is allowed to nobody
until it has a row.

Reference: docs/reference/roles.md, which a test compares with the table.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Role = Literal["agent", "viewer", "approver", "operator", "auditor", "admin"]
ROLES: tuple[Role, ...] = ("agent", "viewer", "approver", "operator", "auditor", "admin")


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_EVERY = frozenset(ROLES)
_WORKS = _roles("agent", "operator", "admin")
_LOOKS = _roles("viewer", "approver", "operator", "auditor", "admin")
_PROVES = _roles("auditor", "admin")

ACTIONS: Mapping[str, frozenset[Role]] = {
    "run.read": _EVERY,
    "run.create": _WORKS,
    "run.signal": _WORKS,
    "run.cancel": _roles("operator", "admin"),
    "task.read": _EVERY,
    "task.post": _WORKS,
    "breakpoint.read": _EVERY,
    "breakpoint.ask": _roles("agent"),
    "breakpoint.answer": _roles("approver"),
    "policy.explain": _LOOKS,
    "run.verify": _LOOKS,
    "workspace.scan": _roles("operator", "auditor", "admin"),
    "atlas.read": _LOOKS,
    "audit.read": _PROVES,
    "access.read": _PROVES,
    "metrics.read": _roles("operator", "auditor", "admin"),
    "token.manage": _roles("admin"),
    "person.manage": _roles("admin"),
}
"""Who may do what. Looking at a question is for all; answering it is for approvers alone."""

PEOPLE_ONLY = frozenset({"breakpoint.answer", "token.manage", "person.manage"})
"""What no program does, whatever its token says."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who is asking.

    name: a person's name as the files of signers have it, or an agent's.
    is_person: by a session, or by a token that is a person's.
    roles: by workspace id. A workspace that is missing is one that the caller knows nothing of.
    method: how they showed who they are.
    credential: the id of the token or session, for the access log and for revoking; never the secret.
    scopes: what a token was limited to when it was made; None: to nothing.
    """

    name: str
    is_person: bool
    roles: Mapping[str, frozenset[Role]]
    method: Literal["token", "passkey", "ssh", "oidc"]
    credential: str
    scopes: frozenset[str] | None = None

    def may(self, action: str, workspace: str) -> bool:
        """Tell whether the action is allowed there. An action without a row is allowed to nobody."""
        if action in PEOPLE_ONLY and not self.is_person:
            return False
        if self.scopes is not None and action not in self.scopes:
            return False
        return bool(ACTIONS.get(action, frozenset()) & self.roles.get(workspace, frozenset()))

    def knows(self, workspace: str) -> bool:
        """Tell whether the caller may know that the workspace is there."""
        return bool(self.roles.get(workspace))
