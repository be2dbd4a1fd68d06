"""``login``, ``logout``, ``token`` and ``person`` at a terminal; the server is our use cases behind HTTP."""

import json
import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from babysitter.access.entrance import Entrance
from babysitter.cli.remote import remote
from babysitter.cli.root import run
from babysitter.model.errors import (
    BabysitterError,
    CredentialError,
    ForbiddenError,
    ProviderError,
    UsageError,
)
from babysitter.service.access.entering import begin_ssh, end_login, finish_ssh
from babysitter.service.access.opening import entrance_of
from babysitter.service.access.remote import Remote
from babysitter.service.wiring import open_workspace
from tests.unit.access.building import ALICE, BOB, SETTINGS, URL

pytestmark = [pytest.mark.promise("G19"), pytest.mark.needs("ssh-keygen")]


@dataclass
class Stand:
    """A server that has only what signing in needs. ``challenge``: what it gives instead of a true one."""

    root: Path
    url: str = ""
    entrance: Entrance = field(init=False)
    challenge: str = ""
    bearers: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, bearer: str) -> tuple[int, object]:
        self.bearers.append(bearer)
        try:
            return 200, self._answer(method, path, body, bearer)
        except BabysitterError as error:
            return 401, {"error": {"code": error.code, "message": error.message, "hint": error.hint}}

    def _answer(self, method: str, path: str, body: Any, bearer: str) -> object:
        if (method, path) == ("POST", "/api/v1/login/challenge"):
            made = begin_ssh(self.entrance, body["person"])
            return {"id": made.id, "challenge": self.challenge or made.text}
        if (method, path) == ("POST", "/api/v1/login"):
            view = finish_ssh(
                self.entrance, challenge_id=body["id"], person=body["person"], signature=body["signature"]
            )
            return {"token": view.token, "expiresAt": view.expires_at}
        if (method, path) == ("DELETE", "/api/v1/login"):
            end_login(self.entrance, bearer)
            return {}
        if path == "/odd":
            return ["no", "error"]
        if path == "/forbidden":
            raise ForbiddenError("no role.", hint="ask.")
        return {"name": self.entrance.by_token(bearer).name}


class _Requests(BaseHTTPRequestHandler):
    def _do(self) -> None:
        stand: Stand = self.server.stand  # type: ignore[attr-defined]  # set by the fixture
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, answer = stand.answer(self.command, self.path, body, bearer)
        data = b"<html>" if self.path == "/html" else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = _do  # noqa: N815 (the name that http.server calls)
    do_POST = _do  # noqa: N815 (same)
    do_DELETE = _do  # noqa: N815 (same)

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest shows what tests print."""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    root = tmp_path / "server"
    root.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Requests) as server:
        stand = Stand(root=root, url=f"http://127.0.0.1:{server.server_port}")
        server.stand = stand  # type: ignore[attr-defined]  # read by the requests
        (root / "babysitter.toml").write_text(SETTINGS.replace(URL, stand.url))
        stand.entrance = entrance_of(open_workspace(root))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield stand
        finally:
            server.shutdown()
            thread.join(20)


@pytest.fixture
def key(stand: Stand, tmp_path: Path) -> Path:
    path = tmp_path / "id_bob"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    public = path.with_suffix(".pub").read_text().split()
    line = f'{BOB} namespaces="babysitter-*" {public[0]} {public[1]}\n'
    (stand.root / "allowed_signers").write_text(line)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an account that sits elsewhere, with nothing of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "babysitter" / "logins"


def test_a_person_signs_in_is_known_and_signs_out(
    stand: Stand, key: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(["login", "--server", stand.url, "--key", str(key), "--as", BOB])
    said = capsys.readouterr()
    kept = json.loads(next(home.iterdir()).read_text())

    assert status == 0, said.err
    assert BOB in said.out
    assert kept["token"] not in said.out + said.err
    assert remote(stand.url).call("GET", "/me") == {"name": BOB}

    assert run(["logout", "--server", stand.url]) == 0
    assert list(home.iterdir()) == []
    with pytest.raises(CredentialError):
        stand.entrance.by_token(kept["token"])
    with pytest.raises(CredentialError, match="not signed in"):
        remote(stand.url)


def test_the_kept_token_is_its_account_s_alone(stand: Stand, key: Path, home: Path) -> None:
    before = os.umask(0)
    try:
        run(["login", "--server", stand.url, "--key", str(key), "--as", BOB])
    finally:
        os.umask(before)

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_a_token_is_sent_to_its_own_server_alone(stand: Stand, key: Path, home: Path) -> None:
    run(["login", "--server", stand.url, "--key", str(key), "--as", BOB])

    with pytest.raises(CredentialError):
        remote(stand.url.replace("127.0.0.1", "localhost"))
    assert stand.bearers == ["", ""]


def test_who_a_key_is_is_taken_from_the_files_beside_it(
    stand: Stand, key: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stand.root)

    assert run(["login", "--server", stand.url, "--key", str(key)]) == 0
    assert remote(stand.url).call("GET", "/me") == {"name": BOB}


@pytest.mark.needs("ssh-add", "ssh-agent")
def test_the_only_key_of_an_agent_signs_in(
    stand: Stand, key: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = ["ssh-agent", "-s", "-a", str(tmp_path / "agent")]
    said = subprocess.run(begin, check=True, capture_output=True, text=True).stdout
    found = dict(part.strip().split("=", 1) for part in said.split(";") if "=" in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", found["SSH_AUTH_SOCK"])
    try:
        subprocess.run(["ssh-add", "-q", str(key)], check=True)
        assert run(["login", "--server", stand.url, "--key", "agent", "--as", BOB]) == 0
    finally:
        os.kill(int(found["SSH_AGENT_PID"]), 15)
    assert remote(stand.url).call("GET", "/me") == {"name": BOB}


def test_a_key_of_nobody_is_told_and_nothing_is_kept(
    stand: Stand, key: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["login", "--server", stand.url, "--key", str(key), "--as", ALICE]) == 4
    assert "does not count" in capsys.readouterr().err
    assert not home.exists()


@pytest.mark.parametrize("kind", ["another server", "another person", "a line more", "an approval"])
def test_a_server_that_wants_something_else_signed_gets_no_signature(
    stand: Stand, key: Path, home: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    text = begin_ssh(stand.entrance, BOB).text
    stand.challenge = {
        "another server": text.replace(stand.url, "https://bank.example"),
        "another person": text.replace(BOB, ALICE),
        "a line more": text + "and transfer everything\n",
        "an approval": '{"decision":"approve"}',
    }[kind]

    assert run(["login", "--server", stand.url, "--key", str(key), "--as", BOB]) == 4
    assert "something else to be signed" in capsys.readouterr().err
    assert not home.exists()


@pytest.mark.parametrize("url", ["http://babysitter.example.com", "ftp://x", "https://h/path", "nothing"])
def test_an_address_without_tls_is_not_called(
    url: str, home: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["login", "--server", url, "--key", str(key), "--as", BOB]) == 2
    assert "the address" in capsys.readouterr().err


def test_what_a_server_says_is_our_own_error_of_that_code(stand: Stand) -> None:
    with pytest.raises(ForbiddenError, match="no role"):
        Remote(stand.url, "x").call("GET", "/forbidden")
    with pytest.raises(CredentialError):
        Remote(stand.url, "x").call("GET", "/me")
    with pytest.raises(ProviderError):
        Remote(stand.url).call("GET", "/html")
    with pytest.raises(ProviderError, match="can't be reached"):
        Remote("http://127.0.0.1:9").call("GET", "/")
    with pytest.raises(UsageError):
        Remote("https://h/path")
    with pytest.raises(ForbiddenError, match="no role"):
        Remote(stand.url, "x").read("/forbidden", 10)
    with pytest.raises(ProviderError, match="15 bytes where 14 were asked for"):
        Remote(stand.url).read("/odd", 14)
    assert Remote(stand.url).read("/odd", 15) == b'["no", "error"]'


def test_a_token_is_not_in_the_text_about_a_server() -> None:
    assert "secret" not in repr(Remote("https://h", "secret"))


def test_tokens_from_making_to_revoking(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stand.root)

    assert run(["token", "create", "--kind", "agent", "--name", "ci", "--scope", "run.read"]) == 0
    made = capsys.readouterr()
    token = made.out.strip()
    assert stand.entrance.by_token(token).scopes == frozenset({"run.read"})
    assert token not in made.err

    assert run(["token", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    (view,) = json.loads(listed)["tokens"]
    assert view["lastUsedAt"] is not None
    assert token not in listed

    assert run(["token:revoke", view["id"]]) == 0
    with pytest.raises(CredentialError):
        stand.entrance.by_token(token)
    capsys.readouterr()
    assert run(["token", "list"]) == 0
    assert "revoked" in capsys.readouterr().out


def test_people_from_inviting_to_removing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stand.root)

    assert run(["person", "invite", BOB]) == 0
    link = capsys.readouterr().out.strip()
    assert link.startswith(f"{stand.url}/join#bsi_")
    stand.entrance.ceremonies.begin_joining(link.partition("#")[2])

    assert run(["person", "list"]) == 0
    assert "shop: approver" in capsys.readouterr().out
    assert run(["person", "passkeys", BOB]) == 0
    assert "no passkey here" in capsys.readouterr().out
    assert run(["person", "remove-passkey", BOB, "0" * 16]) == 2
    assert "person passkeys" in capsys.readouterr().err
    assert run(["person", "remove", BOB]) == 0
    with pytest.raises(CredentialError):
        stand.entrance.ceremonies.begin_joining(link.partition("#")[2])
    capsys.readouterr()
    assert run(["person", "remove", BOB]) == 2


def test_a_damaged_database_is_a_sentence_and_a_status(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stand.root)
    folder = stand.root / ".a5c" / "server"
    folder.mkdir(parents=True)
    (folder / "access.db").write_bytes(b"this is no database" * 500)

    assert run(["token", "list"]) == 4
    said = capsys.readouterr().err
    assert "damaged" in said
    assert "Traceback" not in said
