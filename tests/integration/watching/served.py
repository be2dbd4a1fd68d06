"""A real server on a real socket for browsers, over runs that tests write line by line; nothing is driven."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from babysitter.access.roles import ROLES, Caller, Role
from babysitter.journal.writer import JournalWriter, create_journal
from babysitter.model import events as ev
from babysitter.server.app import App
from babysitter.server.headers import ground_of
from babysitter.server.serving import parts_of
from babysitter.service.hosting.hosting import Hosting, host
from babysitter.service.hosting.premises import Premises
from babysitter.service.wiring import open_workspace
from babysitter.stores.interface import Holder
from babysitter.testing.clocks import FakeClock
from babysitter.testing.doors import ListedDoor
from babysitter.testing.sample_run import created

SETTINGS = """
[workspace]
id = "shop"

[server]
drive = false
requests_per_minute = 100000

[secrets]
recognise = false
"""
SHA = "0" * 64
HOLDER = Holder(user="alice", host="build-1", pid=4711, since="2026-01-31T10:15:30.123456Z")
PERSON: frozenset[Role] = frozenset(role for role in ROLES if role != "agent")


@dataclass
class Written:
    """A run that a test writes. ``clock``: stands still but for what the test says."""

    writer: JournalWriter
    clock: FakeClock

    def add(self, *events: ev.Event, after_s: float = 0.0) -> None:
        """Write lines, so many seconds later."""
        self.clock.advance(after_s)
        for event in events:
            self.writer.stage(event)
        self.writer.commit()


@dataclass
class Server:
    """A server that listens. ``url``: as browsers reach it."""

    url: str
    hosting: Hosting
    door: ListedDoor
    written: dict[str, Written] = field(default_factory=dict)

    def write(self, run_id: str, *, ago_s: float = 0.0, **more: Any) -> Written:
        """Make a run that began so long ago."""
        home = self.hosting.home
        clock = FakeClock(home.workspace.clock.now_ns() - int(ago_s * 1e9), step_ns=1000)
        first = ev.RunCreated(
            **{**{name: getattr(created(run_id), name) for name in created(run_id).__struct_fields__}, **more}
        )
        files = {"run.json": {"runId": run_id}, "inputs.json": {"version": "1.2.0"}}
        create_journal(home.workspace.store, run_id, files, [first], home.workspace.secrets(()).masker, clock)
        writer, _ = JournalWriter.open(
            home.workspace.store, run_id, HOLDER, home.workspace.secrets(()).masker, clock
        )
        self.written[run_id] = Written(writer, clock)
        home.poke(run_id)
        return self.written[run_id]

    def tell_written(self, run_id: str) -> None:
        """Say that a task of the run has written, as its driver does."""
        self.hosting.home.feed.tell_written(run_id)

    def tell(self, run_id: str) -> None:
        """Have watchers told that the run has moved."""
        self.hosting.home.poke(run_id)


def caller(name: str, roles: frozenset[Role]) -> Caller:
    """Return somebody who is signed in."""
    return Caller(
        name=name,
        is_person=True,
        roles={"shop": roles},
        method="passkey",
        credential=name,
    )


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    """Serve a new workspace at the folder, until the block ends."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "babysitter.toml").write_text(SETTINGS)
    door = ListedDoor(
        {"ada": caller("ada@example.com", PERSON), "vic": caller("vic@example.com", frozenset({"viewer"}))}
    )
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(64)
        port = sock.getsockname()[1]
        hosting = host(open_workspace(root))
        with Premises(hosting, door).opened() as premises:
            stands = ground_of(
                host="127.0.0.1", port=port, public_url="", networks=(), proxies=(), has_tls=False
            )
            app = App(parts_of(hosting, premises, stands))
            server = uvicorn.Server(
                uvicorn.Config(app, lifespan="off", log_config=None, http="h11", ws="none")
            )
            thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
            thread.start()
            hosting.start()
            served = Server(url=f"http://localhost:{port}", hosting=hosting, door=door)
            try:
                yield served
            finally:
                for each in served.written.values():
                    each.writer.close()
                server.should_exit = server.force_exit = True
                thread.join(20)
                hosting.stop()
