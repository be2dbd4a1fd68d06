"""A real server on a real socket over a real workspace, for browsers: people, passkeys, runs that ask."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from babysitter.access.entrance import Entrance
from babysitter.server.app import App
from babysitter.server.listening import Where
from babysitter.server.serving import ground_at, parts_of
from babysitter.service.access.acting import LocalAccount
from babysitter.service.access.people import PeopleDesk
from babysitter.service.hosting.hosting import Hosting, host
from babysitter.service.hosting.premises import Premises
from babysitter.service.process_trust import Trusting
from babysitter.service.reading import read_state
from babysitter.service.runs import RunService
from babysitter.service.session import NewRun
from babysitter.service.wiring import open_workspace

HERE = Path(__file__).parent
ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
SETTINGS = """
[workspace]
id = "shop"

[server]
port = {port}
public_url = "http://localhost:{port}"
requests_per_minute = 100000

[access]
approvers = ["{ada}", "{bob}", "{eve}"]
admins = ["{ada}"]
viewers = []
auditors = ["una@example.com"]

[roles]
release-managers = ["{ada}", "{bob}"]

[[approvals]]
id = "production"
when = {{ environment = "production" }}
roles = ["release-managers"]
approval_expires = "45m"
break_glass = {{ people = ["{bob}"], reviewers = ["{ada}"] }}
delegates = [{{ from = "{ada}", to = "{eve}", until = "2099-01-01T00:00:00Z" }}]

[signing]
signers = "allowed_signers"
origins = ["http://localhost:{port}"]

[[retention.rules]]
id = "old-runs"
processes = ["*"]
after_days = 30
action = "delete"

[[retention.holds]]
id = "case-4711"
runs = ["report-q3"]
reason = "Supervisory request 4711"
by = "{bob}"

[secrets]
recognise = false
"""
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
}
PATIENCE_S = 30


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that listens. ``url``: as browsers reach it."""

    url: str
    root: Path
    hosting: Hosting
    entrance: Entrance

    def invite(self, person: str, *, may_sign: bool = True) -> str:
        """Return the link of an invitation."""
        workspace = self.hosting.home.workspace
        desk = PeopleDesk(self.entrance, workspace, LocalAccount(workspace.place.user))
        return desk.invite(person, may_sign=may_sign).link

    def ask(self, entry: str, run_id: str, inputs: object = None) -> str:
        """Create a run, and return its question once it waits."""
        home = self.hosting.home
        Trusting(home.workspace).trust(f"flow.py#{entry}", with_bandit=False)
        new = NewRun(entry=f"flow.py#{entry}", inputs=inputs or {}, run_id=run_id, requested_by="carol")
        RunService(home.workspace).begin(new)
        home.poke(run_id)
        self.wait(lambda: bool(read_state(home.workspace.store, run_id).breakpoints))
        home.catalogue.refresh(run_id)
        return next(iter(read_state(home.workspace.store, run_id).breakpoints))

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so; each look waits for the conductor's next."""
        moved = threading.Event()
        leave = self.hosting.home.feed.watch(lambda _: moved.set())
        try:
            for _ in range(PATIENCE_S * 4):
                if is_so():
                    return
                moved.wait(0.25)
                moved.clear()
        finally:
            leave()
        raise AssertionError("it never became so")

    def status(self, run_id: str) -> str:
        """Return where a run stands."""
        return read_state(self.hosting.home.workspace.store, run_id).status

    def wait_ended(self, run_id: str) -> str:
        """Return how a run ended, once it has."""
        self.wait(lambda: read_state(self.hosting.home.workspace.store, run_id).end is not None)
        return self.status(run_id)


def workspace_at(root: Path, port: int) -> None:
    """Make a workspace: settings, processes, and a commit with changes since."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "babysitter.toml").write_text(SETTINGS.format(port=port, ada=ADA, bob=BOB, eve=EVE))
    (root / "allowed_signers").write_text("")
    (root / ".gitignore").write_text(".a5c/\nallowed_signers\n*.pyc\n__pycache__/\n")
    shutil.copy(HERE / "flow.py", root / "flow.py")
    (root / "shop").mkdir()
    before = "".join(f"def price_{n}(net):\n    return net * 1.19\n\n\n" for n in range(1, 6))
    (root / "shop" / "prices.py").write_text(before)
    (root / "shop" / "old name.txt").write_text("one\ntwo\nthree\nfour\nfive\nsix\n")
    (root / "shop" / "gone.cfg").write_text("debug = true\n")
    (root / "shop" / "logo.bin").write_bytes(bytes(range(256)))
    for argv in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *argv], cwd=root, env=os.environ | GIT, check=True, capture_output=True)
    after = before.replace(
        "price_3(net):\n    return net * 1.19", "price_3(net):\n    return round(net * 1.19, 2)"
    )
    (root / "shop" / "prices.py").write_text(after + '\nRATES = {"de": 1.19, "fr": 1.20}\n')
    (root / "shop" / "old name.txt").rename(root / "shop" / "new name.txt")
    (root / "shop" / "gone.cfg").unlink()
    (root / "shop" / "logo.bin").write_bytes(bytes(reversed(range(256))) * 3)
    (root / "shop" / "hidden.py").write_text("def check(user):\n    return user == 'admin\u202e'  # \u2066\n")


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    """Serve a new workspace at the folder, until the block ends."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(64)
        port = sock.getsockname()[1]
        workspace_at(root, port)
        workspace = open_workspace(root)
        hosting = host(workspace)
        url = f"http://localhost:{port}"
        with Premises(hosting).opened() as premises:
            premises.is_reached_at(url)
            stands = ground_at(workspace, Where(host="127.0.0.1", port=port), port)
            app = App(parts_of(hosting, premises, stands))
            server = uvicorn.Server(
                uvicorn.Config(app, lifespan="off", log_config=None, http="h11", ws="none")
            )
            thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
            thread.start()
            hosting.start()
            try:
                yield Server(url=url, root=root, hosting=hosting, entrance=premises.entrance)
            finally:
                server.should_exit = server.force_exit = True
                thread.join(20)
                hosting.stop()
