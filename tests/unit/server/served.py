"""What the server's tests share: a server over fake workspaces, callers of every role, and a client."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from starlette.testclient import TestClient

from babysitter.access.rates import Rates
from babysitter.access.roles import ROLES, Caller, Role
from babysitter.config import Place
from babysitter.server.app import App
from babysitter.server.headers import Ground, ground_of
from babysitter.server.serving import parts_of
from babysitter.service.hosting.catalogue import Catalogue
from babysitter.service.hosting.feed import Feed
from babysitter.service.hosting.hosting import Hosted, Hosting
from babysitter.service.hosting.premises import Premises
from babysitter.service.ports import SystemClock
from babysitter.testing.doors import ListedDoor
from babysitter.testing.workspace import FakeWorkspace

PROCESSES = Path(__file__).parent.parent / "service"
HERE, ELSEWHERE = "here", "elsewhere"
ORIGIN = "http://localhost:3185"
PEOPLE_ROLES = tuple(role for role in ROLES if role != "agent")


def ground(**more: Any) -> Ground:
    """Return where a server on this machine stands."""
    settings = {"public_url": "", "networks": (), "proxies": (), "has_tls": False, **more}
    return ground_of(host="127.0.0.1", port=3185, **settings)


def caller(role: Role, *, workspace: str = HERE, name: str = "", is_person: bool | None = None) -> Caller:
    """Return somebody who holds one role in one workspace."""
    person = role != "agent" if is_person is None else is_person
    return Caller(
        name=name or f"{role}@example.com",
        is_person=person,
        roles={workspace: frozenset({role})},
        method="token",
        credential=f"{workspace}-{role}",
    )


def hosted_fake(workspace_id: str, place: FakeWorkspace) -> Hosted:
    """Return a workspace that is shown and not driven."""
    return Hosted(
        id=workspace_id, workspace=place, catalogue=Catalogue(place.store), feed=Feed(), conductor=None
    )


def _called(workspace_id: str, place: Place) -> Place:
    """Return the place of a workspace whose settings call it so."""
    settings = replace(place.settings, workspace=replace(place.settings.workspace, id=workspace_id))
    return replace(place, settings=settings)


@dataclass
class Server:
    """A server without a socket. ``place``: the workspace ``here``; tokens are named after roles."""

    folder: Path
    place: FakeWorkspace = field(default_factory=lambda: FakeWorkspace(PROCESSES, clock=SystemClock()))
    ground: Ground = field(default_factory=ground)
    per_minute: int = 100_000
    failures: int = 100_000

    def __post_init__(self) -> None:
        self.other = FakeWorkspace(PROCESSES, clock=SystemClock())
        home = hosted_fake(HERE, self.place)
        self.hosting = Hosting(home=home, all={HERE: home, ELSEWHERE: hosted_fake(ELSEWHERE, self.other)})
        self.door = ListedDoor(
            {role: caller(role) for role in ROLES}
            | {f"{role}-elsewhere": caller(role, workspace=ELSEWHERE) for role in ROLES}
        )
        runs_dir = self.folder / ".a5c" / "runs"
        self.place.place = _called(HERE, replace(self.place.place, runs_dir=runs_dir))
        self.other.place = _called(ELSEWHERE, self.other.place)
        self.premises = Premises(self.hosting, self.door)
        self.premises.log.open()
        parts = parts_of(self.hosting, self.premises, self.ground)
        clock = self.place.clock
        rates, failures = (Rates(clock, per_minute=most) for most in (self.per_minute, self.failures))
        self.app = App(dataclasses.replace(parts, rates=rates, failures=failures))

    def client(self, token: str = "", *, cookie: str = "", address: str = "127.0.0.1") -> TestClient:
        """Return a client that shows this token, or this session's cookie."""
        headers = {"host": "localhost:3185"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if cookie:
            headers["cookie"] = f"__Host-babysitter={cookie}"
        return TestClient(
            self.app, base_url=ORIGIN, headers=headers, client=(address, 50_000), follow_redirects=False
        )

    def access_lines(self) -> bytes:
        """Return the access log's bytes."""
        return (self.folder / ".a5c" / "server" / "access.jsonl").read_bytes()
