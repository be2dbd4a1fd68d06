"""A real server, a person elsewhere with their key, and a middle man who lies when a test says so."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from babysitter.testing.trusting import trust_as_it_is

ALICE, BOB = "alice@example.com", "bob@example.com"
RUN, ASKED = "r", "1-ship"
SETTINGS = """\
[workspace]
id = "shop"
[roles]
managers = ["alice@example.com"]
reviewers = ["alice@example.com", "bob@example.com"]
[access]
approvers = ["managers"]
viewers = ["bob@example.com"]
[[approvals]]
id = "production"
when = { environment = "production" }
roles = ["managers"]
break_glass = { roles = ["managers"], reviewers = ["reviewers"] }
[server]
public_url = "%s"
"""
PROCESS = '''\
"""Asks about a change, then deploys it."""

from babysitter import Context, process, task


@task(environment="production")
def deploy(where: str) -> str:
    return f"deployed {where}"


@process
async def release(where: str, ctx: Context) -> str:
    """Ask with all that a question can show."""
    review = await ctx.breakpoint(
        "Ship it?",
        title="Ship",
        context={"environment": "production"},
        files=["plan.md"],
        diff="HEAD..",
        approves=[deploy.call(where)],
    )
    return await ctx.task(deploy, where) if review.approved else review.feedback
'''
Lie = Callable[[str, bytes], bytes]
"""Gets the path of a request and a body, of what the server answers or of what it is sent."""


def honest(path: str, body: bytes) -> bytes:
    """Change nothing."""
    del path
    return body


@dataclass
class MiddleMan:
    """Stands before the server, as whoever runs it could. ``asked``: the paths that it was asked for."""

    target: int
    url: str
    answers: Lie = honest
    takes: Lie = honest
    asked: list[str] = field(default_factory=list)

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        body = self.takes(path, body)
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        try:
            connection.request(method, path, body, {**headers, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            return answer.status, self.answers(path, answer.read())
        finally:
            connection.close()


class _Requests(BaseHTTPRequestHandler):
    def _do(self) -> None:
        man: MiddleMan = self.server.man  # type: ignore[attr-defined]  # set by ``between``
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        status, answer = man.pass_on(self.command, self.path, headers, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = _do  # noqa: N815 (the name that http.server calls)
    do_POST = _do  # noqa: N815 (same)
    do_DELETE = _do  # noqa: N815 (same)

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest shows what tests print."""


@contextmanager
def between() -> Iterator[MiddleMan]:
    """Give a middle man before a port that is free now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        target = held.getsockname()[1]
    with ThreadingHTTPServer(("127.0.0.1", 0), _Requests) as server:
        man = MiddleMan(target=target, url=f"http://127.0.0.1:{server.server_port}")
        server.man = man  # type: ignore[attr-defined]  # read by the requests
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield man
        finally:
            server.shutdown()
            thread.join(20)


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A served workspace, and the folder of a person who has nothing of it but a key."""

    root: Path
    home: Path
    man: MiddleMan

    def key(self, person: str) -> str:
        """Return a person's key file."""
        return str(self.home / person.partition("@")[0])

    def new_key(self, person: str) -> str:
        """Make a person's key; return its public line."""
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", self.key(person)]
        subprocess.run(make, check=True)
        return Path(self.key(person) + ".pub").read_text()

    def call(self, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command as the person elsewhere; ``status`` None: whatever it leaves with."""
        return _run(arguments, self.home, {"XDG_STATE_HOME": str(self.home / "state")}, status)

    def there(self, *arguments: str, status: int = 0) -> str:
        """Run a command in the workspace."""
        return _run(arguments, self.root, {}, status).stdout

    def sign_in(self, person: str) -> None:
        """Sign in at the server."""
        self.call("login", "--server", self.man.url, "--key", self.key(person), "--as", person)

    def answer(self, decision: str, *more: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Have Alice answer."""
        key = self.key(ALICE)
        return self.call(
            decision, f"{RUN}/{ASKED}", "--server", self.man.url, "--key", key, *more, status=status
        )

    def lines(self, type_: str) -> list[dict[str, Any]]:
        """Return the lines of the run of one type."""
        journal = self.root / ".a5c" / "runs" / RUN / "journal" / "journal.jsonl"
        lines = [json.loads(line) for line in journal.read_bytes().splitlines()]
        return [line for line in lines if line["type"] == type_]


def _run(
    arguments: tuple[str, ...], folder: Path, environment: dict[str, str], status: int | None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "babysitter", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert status in (None, done.returncode), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def build(folder: Path, man: MiddleMan) -> Elsewhere:
    """Make a workspace whose run waits, and people with keys."""
    place = Elsewhere(root=folder / "workspace", home=folder / "home", man=man)
    for path in (place.root, place.home):
        path.mkdir()
    signers = "".join(f'{who} namespaces="babysitter-*" {place.new_key(who)}' for who in (ALICE, BOB))
    (place.root / "allowed_signers").write_text(signers)
    (place.root / "babysitter.toml").write_text(SETTINGS % man.url)
    (place.root / "release.py").write_text(PROCESS)
    (place.root / "plan.md").write_text("First the database.\n")
    (place.root / "code.txt").write_text("one\n")
    (place.root / ".gitignore").write_text(".a5c/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(place.root)]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    (place.root / "code.txt").write_text("one\ntwo\n")
    trust_as_it_is(place.root, "release.py")
    (place.root.parent / "in.json").write_text('"here"')
    place.there("start", "release.py", "--inputs", str(folder / "in.json"), "--run-id", RUN, status=3)
    return place


@contextmanager
def serving(place: Elsewhere) -> Iterator[None]:
    """Serve the workspace as long as the block lasts."""
    argv = [sys.executable, "-m", "babysitter", "serve", "--port", str(place.man.target), "--json"]
    with subprocess.Popen(argv, cwd=place.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None, "it is a pipe"
        try:
            said = server.stdout.readline()
            assert said.startswith(b"{"), said
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)
