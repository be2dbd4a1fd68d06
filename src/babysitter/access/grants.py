"""Who holds which role in which workspace, by the settings as they are at this moment.

Each workspace says it itself, in its ``[access]``: people, and roles of its ``[roles]``. A name
that is a role is never a person too. Groups of an identity provider count in a workspace whose own
``[server.oidc]`` names that provider. Where ``[access]`` is empty, the account that runs the server has
every role that a person can have; whom a provider calls so is not that account.

Invariants, each with a test in tests/unit/access/test_grants.py:
    - a change of a settings file counts at the next question;
    - in a workspace whose settings are wrong nobody holds a role.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from babysitter.access.roles import Role
from babysitter.config import Place, Settings, load_place, stamp_of
from babysitter.model.errors import SettingsError
from babysitter.model.server_settings import AccessKey, AccessTable

ROLES_OF_KEYS: Mapping[AccessKey, Role] = {
    "viewers": "viewer",
    "approvers": "approver",
    "operators": "operator",
    "auditors": "auditor",
    "admins": "admin",
}
"""The keys of ``[access]``; nobody is an agent by it, which only tokens are."""
Roles = Mapping[str, frozenset[Role]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What an identity provider says about a person. ``issuer``: which one; empty: none says anything."""

    issuer: str = ""
    groups: tuple[str, ...] = ()


NO_MEMBERSHIP = Membership()


def workspace_id(place: Place) -> str:
    """Return what a workspace is called on a server: ``workspace.id``, or its folder's name."""
    return place.settings.workspace.id or place.root.name


class Grants:
    """The settings of all workspaces that are served, each read again when its file has changed.

    places: the server's own workspace first.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        assert places, "a server serves its own workspace at least"
        self._turn = threading.Lock()
        self._places = {workspace_id(place): place for place in places}
        if len(self._places) != len(places):
            raise SettingsError(
                f"two of the {len(places)} workspaces that are served have one id.",
                hint="Give each its own [workspace] id.",
                file="babysitter.toml",
                line=0,
            )
        self._stamps = {name: stamp_of(place.root) for name, place in self._places.items()}
        self._problems: dict[str, str] = {}

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The ids of all workspaces that are served."""
        return tuple(self._places)

    def own_settings(self) -> Settings:
        """Return the settings of the server's own workspace; while they are wrong, as they were."""
        self._current()
        return next(iter(self._places.values())).settings

    def problems(self) -> Mapping[str, str]:
        """Return why nobody holds a role in a workspace, for those whose settings are wrong now."""
        self._current()
        return dict(self._problems)

    def roles_of(self, person: str, membership: Membership = NO_MEMBERSHIP) -> Roles:
        """Return the roles of a person in each workspace where they hold any."""
        found = {
            name: roles_in(place, person, membership) for name, place in self._current().items() if person
        }
        return {name: roles for name, roles in found.items() if roles}

    def _current(self) -> Mapping[str, Place]:
        with self._turn:
            for name, place in self._places.items():
                stamp = stamp_of(place.root)
                if stamp == self._stamps[name]:
                    continue
                try:
                    self._places[name] = load_place(place.root, runs_dir=str(place.runs_dir))
                    self._problems.pop(name, None)
                except SettingsError as error:
                    self._problems[name] = error.message
                self._stamps[name] = stamp
            return {name: place for name, place in self._places.items() if name not in self._problems}


def roles_in(place: Place, person: str, membership: Membership = NO_MEMBERSHIP) -> frozenset[Role]:
    """Return the roles of a person in one workspace."""
    settings = place.settings
    if settings.access == AccessTable() and person == place.user and not membership.issuer:
        return frozenset(ROLES_OF_KEYS.values())
    named = {key for key in ROLES_OF_KEYS if person in _people(settings, getattr(settings.access, key))}
    return frozenset(ROLES_OF_KEYS[key] for key in named | set(_by_groups(settings, membership)))


def _people(settings: Settings, names: Iterable[str]) -> set[str]:
    return {person for name in names for person in settings.roles.get(name, (name,))}


def _by_groups(settings: Settings, membership: Membership) -> Iterable[AccessKey]:
    oidc = settings.server.oidc
    if oidc is None or not membership.issuer or oidc.issuer != membership.issuer:
        return ()
    return (key for group in membership.groups for key in oidc.groups.get(group, ()))
