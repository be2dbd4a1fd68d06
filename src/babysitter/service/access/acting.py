"""Who does something to tokens and people: somebody who is signed in, or the account that holds the files."""

from dataclasses import dataclass
from typing import Protocol

from babysitter.access.grants import Grants
from babysitter.model.errors import ForbiddenError


class Actor(Protocol):
    """Who asks for a change. ``access.roles.Caller`` is one."""

    @property
    def name(self) -> str:
        """What is kept as who did it."""
        ...

    @property
    def is_person(self) -> bool:
        """Whether it is a person, and not a program that is called like one."""
        ...

    @property
    def scopes(self) -> frozenset[str] | None:
        """What the token that they show is limited to; None: to nothing."""
        ...

    def may(self, action: str, workspace: str) -> bool:
        """Tell whether they may, in a workspace."""
        ...


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """The account at the terminal. It can write the files themselves, so nothing is refused to it."""

    name: str
    is_person: bool = True
    scopes: frozenset[str] | None = None

    def may(self, action: str, workspace: str) -> bool:
        """See Actor."""
        del action, workspace
        return True


def require(actor: Actor, action: str, workspaces: tuple[str, ...]) -> None:
    """Return when the actor may do it in each of these workspaces.

    Raises:
        ForbiddenError: there is one where they may not, or none at all.
    """
    if not workspaces or not all(actor.may(action, name) for name in workspaces):
        raise ForbiddenError(
            "you hold no role here that may do this.", hint="Ask an admin of [access]; see: roles."
        )


def require_somewhere(actor: Actor, action: str, grants: Grants) -> None:
    """Return when the actor may do it in some workspace.

    Raises:
        ForbiddenError: they may nowhere.
    """
    if not any(actor.may(action, name) for name in grants.workspaces):
        require(actor, action, ())


def require_within(actor: Actor, scopes: tuple[str, ...] | None) -> None:
    """Return when what is handed out is limited as narrowly as the token that asks for it.

    scopes: of what is handed out; None: it is not limited.

    Raises:
        ForbiddenError: it is less limited.
    """
    if actor.scopes is not None and (scopes is None or not actor.scopes.issuperset(scopes)):
        raise ForbiddenError(
            "the token that asks is limited, and hands out nothing that is less so.",
            hint=f"It has the scopes {', '.join(sorted(actor.scopes))}. Sign in, and do it yourself.",
        )


def require_people(actor: Actor, person: str, grants: Grants) -> None:
    """Return for who manages people in the server's own workspace and wherever that person holds a role.

    Whoever has the link of an invitation signs in as that person, everywhere.

    Raises:
        ForbiddenError: the actor does not.
    """
    names = (*grants.workspaces[:1], *grants.roles_of(person))
    require(actor, "person.manage", tuple(dict.fromkeys(names)))


def require_own(actor: Actor, person: str, grants: Grants) -> None:
    """Return for the person, and for who manages people there.

    Raises:
        ForbiddenError: the actor is neither.
    """
    is_own = actor.is_person and person == actor.name
    # A limited token does only what it is limited to, also to its own person.
    if not is_own or actor.scopes is not None:
        require_people(actor, person, grants)
