"""A server from its parts: workspaces, who gets in, the access log, the application, the socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from babysitter.access.rates import Rates
from babysitter.model.errors import StoreError
from babysitter.server.app import FAILURES_PER_MINUTE, App, Parts
from babysitter.server.headers import Ground, ground_of
from babysitter.server.listening import (
    BACKLOG,
    Certificate,
    Where,
    bound,
    check_people,
    check_where,
    listen,
    url_of,
)
from babysitter.server.mcp_mount import McpMount
from babysitter.server.memory import give_memory_back
from babysitter.server.streams import Streams
from babysitter.server.table import TABLE
from babysitter.service.hosting.hosting import Hosting, host
from babysitter.service.hosting.premises import Premises

if TYPE_CHECKING:
    import socket

    from babysitter.service.wiring import Workspace

SYNC_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that is ready to listen. ``url``: how this machine reaches it."""

    url: str
    hosting: Hosting
    premises: Premises
    app: App
    sock: "socket.socket"
    certificate: Certificate | None

    def hints(self) -> list[str]:
        """Return what whoever starts the server should know: what of it does not work yet, and the cure."""
        origin = self.premises.entrance.site().origin
        signing = self.hosting.home.workspace.place.settings.signing
        found = [f"{name}: {why}" for name, why in self.premises.entrance.grants.problems().items()]
        if origin not in signing.origins:
            found.append(
                f'Passkeys sign answers here once babysitter.toml says: [signing] origins = ["{origin}"]'
            )
        return found

    def run(self) -> int:
        """Serve until a signal says stop; return its number. Afterwards nothing is driven, nothing lost."""
        # Before there are threads: an arena that one has is its own for good.
        give_memory_back()
        with _synced(self.premises):
            self.hosting.start()
            try:
                return listen(self.app, self.sock, self.certificate)
            finally:
                self.hosting.stop()


@contextmanager
def serving(workspace: "Workspace", where: Where) -> Iterator[Serving]:
    """Give a server of that workspace, and of those that its settings name.

    Raises:
        RefusedError: it may not listen there, or another server is at work here.
        SettingsError: the settings can't be used.
    """
    hosting = host(workspace)
    with Premises(hosting).opened() as premises:
        public_url = workspace.place.settings.server.public_url
        check_where(where, public_url)
        sock = bound(where)
        try:
            url = public_url or url_of(where, sock)
            premises.is_reached_at(url)
            check_people(where, premises.people())
            certificate = None
            if where.cert is not None and where.key is not None:
                certificate = Certificate(where.cert, where.key)
            # From here on connections wait instead of being refused.
            sock.listen(BACKLOG)
            stands = ground_at(workspace, where, sock.getsockname()[1])
            yield Serving(
                url=url,
                hosting=hosting,
                premises=premises,
                app=App(parts_of(hosting, premises, stands)),
                sock=sock,
                certificate=certificate,
            )
        finally:
            sock.close()


def parts_of(hosting: Hosting, premises: Premises, ground: Ground) -> Parts:
    """Return what the application of a server that stands on that ground is made of."""
    clock = hosting.home.workspace.clock
    settings = hosting.home.workspace.place.settings.server
    return Parts(
        hosting=hosting,
        ground=ground,
        door=premises.door,
        entrance=premises.entrance,
        log=premises.log,
        rates=Rates(clock, per_minute=settings.requests_per_minute),
        failures=Rates(clock, per_minute=FAILURES_PER_MINUTE),
        table=TABLE,
        streams=Streams(),
        mcp=McpMount(),
        mask=premises.mask,
    )


def where_of(workspace: "Workspace", *, host_name: str, port: int, cert: str, key: str) -> Where:
    """Return where to listen: as the command says, else as the settings do."""
    settings, root = workspace.place.settings.server, workspace.root
    cert, key = cert or settings.tls_cert, key or settings.tls_key
    return Where(
        host=host_name or settings.host,
        port=port if port >= 0 else settings.port,
        cert=Path(root, cert) if cert else None,
        key=Path(root, key) if key else None,
        has_proxy=bool(settings.trusted_proxies),
    )


def ground_at(workspace: "Workspace", where: Where, port: int) -> Ground:
    """Return where a server of that workspace stands that listens at that port."""
    settings = workspace.place.settings.server
    return ground_of(
        host=where.host,
        port=port,
        public_url=settings.public_url,
        networks=settings.networks,
        proxies=settings.trusted_proxies,
        has_tls=where.has_tls,
    )


@contextmanager
def _synced(premises: Premises) -> Iterator[None]:
    """Have the access log synced every second, meanwhile."""
    over = threading.Event()

    def sync() -> None:
        while not over.wait(SYNC_EVERY_S):
            # A log that can't be synced is dead, and says so at the next request.
            with suppress(StoreError):
                premises.log.sync()

    thread = threading.Thread(target=sync, name="access-log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
