"""Listening: where the server may, with TLS where it must, until it is told to stop.

Beyond loopback it listens only with TLS, or behind a proxy that the settings name, and only when
somebody can sign in; otherwise it refuses, and says which of these is missing.
"""

import asyncio
import contextlib
import errno
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from babysitter.model.errors import RefusedError, SettingsError
from babysitter.server.connection_bounds import ConnectionBounds, connections_max, taken_at_once
from babysitter.server.headers import is_loopback, parsed_address
from babysitter.server.refused import HEAD_BYTES_MAX

if TYPE_CHECKING:
    import uvicorn

    from babysitter.server.app import App

KEEP_ALIVE_S = 15
BACKLOG = 128
"""How many wait before the server serves."""
HANDSHAKE_S_MAX = 10.0
_NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_CERTIFICATE_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where to listen. ``cert``, ``key``: PEM files; both or neither."""

    host: str
    port: int
    cert: Path | None = None
    key: Path | None = None
    has_proxy: bool = False

    @property
    def has_tls(self) -> bool:
        """Whether the server ends TLS itself."""
        return self.cert is not None


def check_where(where: Where, public_url: str) -> None:
    """Return when the server may listen there, by what protects it.

    Raises:
        SettingsError: a certificate without its key, or an address that people can't type.
        RefusedError: beyond loopback without TLS.
    """
    if (where.cert is None) != (where.key is None):
        raise SettingsError("a certificate and its key come together.", hint="Give --tls-cert and --tls-key.")
    if is_loopback(where.host):
        return
    if not where.has_tls and not where.has_proxy:
        raise RefusedError(
            f"{where.host} is reached by others, and there is no TLS.",
            hint="Give --tls-cert and --tls-key, or name the proxy that ends TLS in server.trusted_proxies; "
            "or keep to --host 127.0.0.1.",
        )
    address = parsed_address(where.host)
    if address is not None and address.is_unspecified and not public_url:
        raise SettingsError(
            f"{where.host} is every address and none that people can type.",
            hint="Say how they reach the server: server.public_url.",
        )


def check_people(where: Where, people: int) -> None:
    """Return when somebody could sign in, where others reach the server.

    Raises:
        RefusedError: nobody could.
    """
    if not people and not is_loopback(where.host):
        raise RefusedError(
            f"{where.host} is reached by others, and nobody can sign in.",
            hint="Invite somebody first: babysitter person invite NAME.",
        )


def bound(where: Where) -> socket.socket:
    """Return a socket that is bound there and does not listen yet.

    Raises:
        RefusedError: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    # The protocol by name: asyncio switches Nagle's waiting off (40 ms a reply) only where it stands.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((where.host.strip("[]"), where.port))
    except OSError as error:
        sock.close()
        raise RefusedError(
            f"{where.host}:{where.port} can't be listened on: {error.strerror}.",
            hint="Another server may be there; choose another with --port.",
        ) from None
    return sock


class Certificate:
    """A certificate that is read again when its file changes, so that renewing it needs no restart."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert, self._key = cert, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load()
        self._stamp = self._stamps()
        self._over = threading.Event()

    def _load(self) -> None:
        mode = self._key.stat().st_mode if self._key.is_file() else 0
        if mode & 0o077:
            raise RefusedError(f"{self._key} may be read by others.", hint=f"chmod 600 {self._key}")
        try:
            # On trial: of a pair that does not fit OpenSSL keeps the certificate and drops the key before it.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._cert, self._key)
            self.context.load_cert_chain(self._cert, self._key)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"{self._cert} and {self._key} are no certificate and its key: {error}.",
                hint="Both are PEM; a certificate's file begins with its own and goes on with those above.",
            ) from None

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        return tuple((facts.st_mtime_ns, facts.st_ino) for facts in (self._cert.stat(), self._key.stat()))

    def look(self) -> bool:
        """Read the files again if they have changed; tell whether they were. What can't be read is left."""
        with contextlib.suppress(OSError, RefusedError, SettingsError):
            stamp = self._stamps()
            if stamp != self._stamp:
                self._load()
                self._stamp = stamp
                return True
        return False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look every few seconds, meanwhile."""

        def watch() -> None:
            while not self._over.wait(_CERTIFICATE_LOOK_S):
                self.look()

        thread = threading.Thread(target=watch, name="certificate", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def listen(app: "App", sock: socket.socket, certificate: Certificate | None) -> int:
    """Serve until a signal says stop; return its number."""
    import logging  # noqa: PLC0415 (only to serve)

    import uvicorn  # noqa: PLC0415

    from babysitter.server.connection import BoundedProtocol  # noqa: PLC0415

    bounds = ConnectionBounds(most=connections_max(), peer_of=app.ground.counted_peer)

    # What a request was is in the access log; what uvicorn says of it could hold anything that was sent.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    logging.getLogger("uvicorn").propagate = False
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        backlog=taken_at_once(),
        http=cast("type[asyncio.Protocol]", partial(BoundedProtocol, bounds=bounds)),
        ws="none",
    )
    config.load()
    if certificate is not None:
        config.ssl = certificate.context
    with certificate.watched() if certificate is not None else contextlib.nullcontext():
        return _until_a_signal(uvicorn.Server(config), sock)


def _until_a_signal(server: "uvicorn.Server", sock: socket.socket) -> int:
    """Serve; uvicorn would hand the signal on and end us before the runs are let go of."""
    got: list[int] = []

    def stop(number: int, _frame: object) -> None:
        server.force_exit = bool(got)
        server.should_exit = True
        got.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        asyncio.run(_serve(server, sock))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return got[0] if got else 0


async def _serve(server: "uvicorn.Server", sock: socket.socket) -> None:
    loop: Any = asyncio.get_running_loop()
    loop.set_exception_handler(_note)
    if server.config.ssl is not None:
        # uvicorn has no setting for it, and a minute is long for who has shown nothing.
        loop.create_server = partial(loop.create_server, ssl_handshake_timeout=HANDSHAKE_S_MAX)
    await server._serve(sockets=[sock])  # noqa: SLF001 (serve, without signals of its own)


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say what asyncio says, but not each of a flood of connections for which there is no room."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno in _NO_ROOM):
        loop.default_exception_handler(context)


def url_of(where: Where, sock: socket.socket) -> str:
    """Return how this machine reaches the server. Passkeys need a name, so loopback is ``localhost``."""
    port: Any = sock.getsockname()[1]
    host = "localhost" if is_loopback(where.host) else where.host
    return f"{'https' if where.has_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
