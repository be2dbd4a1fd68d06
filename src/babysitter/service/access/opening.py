"""The entrance of a server, made from the settings of the workspace that it runs in."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from babysitter.access.database import Database
from babysitter.access.entrance import Entrance
from babysitter.access.grants import Grants
from babysitter.access.oidc import OidcSignIn
from babysitter.access.oidc_provider import Provider
from babysitter.access.passkey_ceremonies import PasskeyCeremonies
from babysitter.access.passkeys import Passkeys
from babysitter.access.revoked import RevokedKeys
from babysitter.access.sessions import Sessions
from babysitter.access.site import LOCAL_HOST, Site
from babysitter.access.ssh_login import SshLogin
from babysitter.access.storage import Storage
from babysitter.access.tokens import Tokens
from babysitter.config import Place, Settings, load_place
from babysitter.model.errors import SecretError, SettingsError
from babysitter.model.server_settings import OidcTable
from babysitter.service.access.acting import LocalAccount
from babysitter.service.access.passkeys import PasskeyDesk
from babysitter.service.access.people import PeopleDesk
from babysitter.service.access.tokens import TokenDesk
from babysitter.service.wiring import Workspace, beside_runs


def entrance_of(workspace: Workspace, *, served: Sequence[Place] | None = None, url: str = "") -> Entrance:
    """Return what tells who is asking, and lets people in.

    Args:
        workspace: the one that the server runs in; its settings say how people get in.
        served: the places of all that are served, its own first; None: what the settings name.
        url: how people reach the server, where it is not what the settings say (another port, TLS).

    Raises:
        SettingsError: two workspaces have one id, a folder is none, or the address is none.
    """
    grants = Grants(served if served is not None else served_places(workspace))
    storage = Storage(
        database=Database(access_folder(workspace.place), workspace.dice),
        clock=workspace.clock,
        dice=workspace.dice,
    )
    own = grants.own_settings

    def site() -> Site:
        return Site(url or address_of(own()))

    def limits() -> tuple[int, int]:
        return own().server.session_idle_s, own().server.session_s

    site()
    tokens, passkeys = Tokens(storage), Passkeys(storage)
    revoked = RevokedKeys(workspace.revoked_path)
    return Entrance(
        storage=storage,
        grants=grants,
        tokens=tokens,
        sessions=Sessions(storage, limits),
        passkeys=passkeys,
        revoked=revoked,
        ceremonies=PasskeyCeremonies(storage=storage, passkeys=passkeys, revoked=revoked, site=site),
        ssh=SshLogin(storage=storage, tokens=tokens, site=site, trust=workspace.trust_now),
        site=site,
        oidc=_Oidc(workspace, storage, grants, site).now,
    )


def access_folder(place: Place) -> Path:
    """Return where the database and its key are: ``.a5c/server``."""
    return beside_runs(place.runs_dir, "server")


def address_of(settings: Settings) -> str:
    """Return how people reach the server, by the settings."""
    server = settings.server
    scheme = "https" if server.tls_cert else "http"
    return server.public_url or f"{scheme}://{LOCAL_HOST}:{server.port}"


def served_places(workspace: Workspace) -> list[Place]:
    """Return the places of all workspaces that a server here serves, its own first.

    Raises:
        SettingsError: one that the settings name is no folder, or its own settings are wrong.
    """
    own = workspace.place
    found = [own]
    for path in own.settings.server.workspaces:
        root = (own.root / path).resolve()
        if not root.is_dir():
            raise SettingsError(
                f"server.workspaces names {path}, which is no folder.",
                hint="Paths are relative to babysitter.toml.",
                file=str(own.root / "babysitter.toml"),
                line=0,
            )
        place = load_place(root)
        # RUNS_DIR of the environment is about the server's own workspace.
        runs_dir = (root / place.settings.workspace.runs_dir).resolve()
        found.append(replace(place, runs_dir=runs_dir))
    return found


class _Oidc:
    """Signing in through the provider that the settings name now; what it says about itself is kept."""

    def __init__(
        self, workspace: Workspace, storage: Storage, grants: Grants, site: Callable[[], Site]
    ) -> None:
        self._workspace = workspace
        self._storage = storage
        self._grants = grants
        self._site = site
        self._turn = threading.Lock()
        self._provider: Provider | None = None

    def now(self) -> OidcSignIn | None:
        settings = self._grants.own_settings().server.oidc
        if settings is None:
            return None
        with self._turn:
            if self._provider is None or self._provider.issuer != settings.issuer:
                self._provider = Provider(settings.issuer, self._storage.clock)
            provider = self._provider
        return OidcSignIn(
            storage=self._storage,
            settings=settings,
            provider=provider,
            site=self._site,
            client_secret=lambda: self._secret(settings),
        )

    def _secret(self, settings: OidcTable) -> str:
        if not settings.client_secret:
            return ""
        scheme, _, name = settings.client_secret.partition(":")
        source = self._workspace.secret_sources.get(scheme)
        value = source.get(name) if source is not None else None
        if not value:
            raise SecretError(
                f"server.oidc.client_secret {settings.client_secret} has no value here.",
                hint="Set it for the account that runs the server.",
            )
        return value


def local_tokens(workspace: Workspace) -> TokenDesk:
    """Return the tokens of a workspace's server, for the account at the terminal."""
    return TokenDesk(entrance_of(workspace), LocalAccount(workspace.place.user))


def local_people(workspace: Workspace) -> PeopleDesk:
    """Return the people of a workspace's server, for the account at the terminal."""
    return PeopleDesk(entrance_of(workspace), workspace, LocalAccount(workspace.place.user))


def local_passkeys(workspace: Workspace) -> PasskeyDesk:
    """Return the passkeys of people of a workspace's server, for the account at the terminal."""
    return PasskeyDesk(entrance_of(workspace), workspace, LocalAccount(workspace.place.user))
