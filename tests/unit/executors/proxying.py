"""A proxy without a sandbox: its door is on this machine's loopback, its names are a table."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from babysitter.executors.sandbox.egress.proxy import Proxy
from babysitter.executors.sandbox.egress.reach import Patience
from babysitter.model.effects import Denial
from babysitter.model.network import Address, parse_address, parse_grants

PATIENCE_S = 10.0


@dataclass
class TableOfNames:
    """See NameResolver. ``asked``: every name that was looked up."""

    table: dict[str, list[str]]
    asked: list[str] = field(default_factory=list)
    gate: threading.Event | None = None

    def addresses(self, host: str) -> list[Address]:
        self.asked.append(host)
        if self.gate is not None:
            self.gate.wait(PATIENCE_S)
        if host not in self.table:
            raise OSError("no such name")
        return [address for text in self.table[host] if (address := parse_address(text)) is not None]


class Proxied:
    """A proxy for these grants, until the end of the block."""

    def __init__(
        self, *grants: str, names: TableOfNames | None = None, patience: Patience | None = None
    ) -> None:
        self.names = names or TableOfNames({})
        ours, self._control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        self.proxy = Proxy(ours, parse_grants(grants), self.names, patience)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = self._door.getsockname()

    def __enter__(self) -> Self:
        self.proxy.start()
        socket.send_fds(self._control, [b"door"], [self._door.fileno()])
        self._door.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()
        self.proxy.close()

    def client(self) -> socket.socket:
        """Return a connection to the proxy."""
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def ask(self, text: str | bytes) -> bytes:
        """Send this and return all that comes until the proxy has closed."""
        with self.client() as client:
            # The proxy may refuse, and close, before it has read all of it.
            with contextlib.suppress(ConnectionError):
                client.sendall(text.encode() if isinstance(text, str) else text)
            return read_all(client)

    def connect(self, place: str) -> bytes:
        """Ask for a tunnel that is refused; return the answer."""
        return self.ask(f"CONNECT {place} HTTP/1.1\r\n\r\n")

    def denied(self) -> list[tuple[str, str]]:
        """Return what was denied so far, after the end."""
        return [(denial.rule, denial.where) for denial in self.denials()]

    def denials(self) -> tuple[Denial, ...]:
        return self.proxy.tally.denials()


def tunnel(proxied: Proxied, place: str) -> socket.socket:
    """Return a connection through the proxy, established."""
    client = proxied.client()
    client.sendall(f"CONNECT {place} HTTP/1.1\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        chunk = client.recv(1)
        assert chunk, answer
        answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return client


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the end, however it ends."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while chunk := client.recv(65536):
            said += chunk
    return said


@contextlib.contextmanager
def serving(serve: Callable[[socket.socket], None], times: int = 1) -> Iterator[int]:
    """Serve connections on this machine, each in its turn; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)

        def accept() -> None:
            for _ in range(times):
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    connection.settimeout(PATIENCE_S)
                    with connection:
                        serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        # A test that makes fewer connections leaves nobody waiting.
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)


def open_sockets() -> int:
    """Return how many sockets this process has."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(link.readlink()).startswith("socket:")
    return count
