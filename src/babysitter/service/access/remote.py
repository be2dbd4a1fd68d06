"""Being the guest of another server: calling its API, signing in there with an SSH key, staying signed in.

The token of a login is kept for this account, mode 0600, one file a server. What is signed at
login names the very address that the person typed, so a server in the middle can't have
another one's challenge signed.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from babysitter.access.site import Site
from babysitter.access.ssh_login import LOGIN_NAMESPACE
from babysitter.model.clock import Clock, parse_time
from babysitter.model.errors import (
    BabysitterError,
    CredentialError,
    ProviderError,
    SettingsError,
    SignatureError,
    UsageError,
)
from babysitter.model.runner import Programs
from babysitter.model.values import sha256_hex
from babysitter.service.signing_keys import own_half, owner_of
from babysitter.service.views import View
from babysitter.service.wiring import Workspace
from babysitter.signing.sign import public_half, sign
from babysitter.transport.exchange import ANSWER_BYTES_MAX, Answer, Request, exchange
from babysitter.transport.unreachable import UnreachableError

API = "/api/v1"
CHALLENGE_PATH = f"{API}/login/challenge"
LOGIN_PATH = f"{API}/login"
_ERROR_BYTES_MAX = 64 * 1024


class Login(View, frozen=True, kw_only=True):
    """Being signed in at a server, as it is kept. ``token`` is never shown."""

    url: str
    person: str
    token: str
    expires_at: str


class _Challenge(Struct, frozen=True):
    id: str
    challenge: str


class _Token(Struct, frozen=True, rename="camel"):
    token: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A server elsewhere. ``url``: as ``https://host``; ``token``: a bearer token of it, or nothing.

    ``person``: whose token it is. Making one raises UsageError for an address that is not used: plain HTTP
    beyond this machine, a path.
    """

    url: str
    token: str = field(default="", repr=False)
    person: str = ""

    def __post_init__(self) -> None:
        _site(self.url)

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (the JSON of any answer)
        """Return the JSON that the server answers with.

        Args:
            method: of HTTP.
            path: below the address, as ``/api/v1/runs``.
            body: what is sent as JSON; None: nothing.

        Raises:
            BabysitterError: what the server says, as the error that its code names.
            ProviderError: it can't be reached, or is no server of ours.
        """
        answer = self._exchange(method, path, body, ANSWER_BYTES_MAX)
        found = _json_of(answer)
        if 200 <= answer.status < 300 and (found is not None or not answer.body):
            return found
        raise _error_of(found, answer.status, self.url)

    def read(self, path: str, bytes_max: int) -> bytes:
        """Return the bytes that stand at a path, at most so many. Errors as ``call``."""
        answer = self._exchange("GET", path, None, max(bytes_max, _ERROR_BYTES_MAX))
        if answer.status != 200:
            raise _error_of(_json_of(answer), answer.status, self.url)
        if len(answer.body) > bytes_max:
            raise ProviderError(
                f"the server {self.url} gives {len(answer.body)} bytes where {bytes_max} were asked for.",
                hint="Is it Babysitter's?",
            )
        return answer.body

    def _exchange(self, method: str, path: str, body: object, bytes_max: int) -> Answer:
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else msgspec.json.encode(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        url = _site(self.url).origin + path
        wanted = Request(url=url, method=method, headers=headers, body=data, bytes_max=bytes_max)
        try:
            return exchange(wanted)
        except UnreachableError as away:
            raise ProviderError(
                f"the server {self.url} {away}.", hint="Look at the address, and whether it is up."
            ) from None


def log_in(remote: Remote, *, programs: Programs, folder: Path, key: str, person: str) -> Login:
    """Sign in at a server with a person's SSH key, and keep the token.

    Args:
        remote: the server.
        programs: starts ``ssh-keygen``.
        folder: where logins are kept; see ``logins_folder``.
        key: a path, or ``agent``.
        person: who signs in, as the server's file of signers has them.

    Raises:
        CredentialError: the server does not let this person in with this key.
        SignatureError: what the server wants to be signed is no login at it.
    """
    site = _site(remote.url)
    asked = _read(remote.call("POST", CHALLENGE_PATH, {"person": person}), _Challenge, remote)
    expected = f"babysitter-login/v1\n{site.origin}\n{person}\n"
    if not asked.challenge.startswith(expected) or asked.challenge.count("\n") != expected.count("\n") + 2:
        raise SignatureError(
            f"{remote.url} wants something else to be signed than a login of {person} there.",
            hint="Use the address that the server calls itself by (server.public_url); or trust it no more.",
            reason="origin",
        )
    public = own_half(programs, key)
    signature = sign(
        programs, message=asked.challenge.encode(), namespace=LOGIN_NAMESPACE, key_path=public.path
    )
    body = {"id": asked.id, "person": person, "signature": signature}
    given = _read(remote.call("POST", LOGIN_PATH, body), _Token, remote)
    login = Login(url=site.origin, person=person, token=given.token, expires_at=given.expires_at)
    _keep(folder, login)
    return login


def log_out(url: str, folder: Path) -> bool:
    """Forget the login at a server, and have the server revoke its token; return whether it did.

    Raises:
        CredentialError: there is no login.
    """
    login = _kept(folder, url)
    if login is None:
        raise _no_login(url)
    _path(folder, login.url).unlink(missing_ok=True)
    try:
        Remote(login.url, login.token).call("DELETE", LOGIN_PATH)
    except (ProviderError, CredentialError, UsageError):
        # The server is away, or did not know the token any more; it runs out by itself.
        return False
    return True


def remote_at(url: str, folder: Path, clock: Clock) -> Remote:
    """Return a server with the token of the login there.

    Raises:
        CredentialError: there is no login, or it has run out.
    """
    login = _kept(folder, url)
    if login is None or parse_time(login.expires_at) <= clock.now_ns():
        raise _no_login(url)
    return Remote(login.url, login.token, login.person)


def logins_folder(state: Path) -> Path:
    """Return where logins are kept. ``state``: of this account, ``config.user_state``."""
    return state / "logins"


def _no_login(url: str) -> CredentialError:
    return CredentialError(
        f"you are not signed in at {url}.", hint=f"Sign in with: babysitter login --server {url} --key KEY"
    )


def _site(url: str) -> Site:
    try:
        return Site(url)
    except SettingsError as wrong:
        raise UsageError(wrong.message.replace("server.public_url", "the address"), hint=wrong.hint) from None


def _read(answer: object, kind: Any, remote: Remote) -> Any:  # noqa: ANN401 (one of the Structs above)
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError:
        raise ProviderError(
            f"the server {remote.url} answers something else than was asked.", hint="Is it Babysitter's?"
        ) from None


def _json_of(answer: Answer) -> Any:  # noqa: ANN401 (the JSON of any answer)
    """Return what an answer says; None where it is no JSON."""
    try:
        return json.loads(answer.body) if answer.body else None
    except (ValueError, RecursionError):
        return None


def _error_of(found: object, status: int, url: str) -> BabysitterError:
    """Return the error that a server tells, as our own of the same code."""
    said = found.get("error") if isinstance(found, dict) else None
    if not isinstance(said, dict):
        return ProviderError(f"the server {url} answers with status {status}.", hint="Is it Babysitter's?")
    message, hint = str(said.get("message", ""))[:2000], str(said.get("hint", ""))[:2000]
    kind = next((each for each in _classes(BabysitterError) if each.code == said.get("code")), None)
    if kind is None or kind.__init__ is not BabysitterError.__init__:
        return ProviderError(f"the server {url} says: {message}", hint=hint)
    return kind(message, hint=hint)


def _classes(kind: type[BabysitterError]) -> list[type[BabysitterError]]:
    return [kind, *(below for each in kind.__subclasses__() for below in _classes(each))]


def _path(folder: Path, origin: str) -> Path:
    return folder / f"{sha256_hex(origin.encode())[:32]}.json"


def _kept(folder: Path, url: str) -> Login | None:
    path = _path(folder, _site(url).origin)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            return msgspec.json.decode(file.read(64 * 1024), type=Login)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _keep(folder: Path, login: Login) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(folder, login.url)
    aside = path.with_suffix(".part")
    with suppress(FileNotFoundError):
        aside.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(aside, flags, 0o600), "wb") as file:
        file.write(msgspec.json.encode(login))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def owner_here(workspace: Workspace, key: str) -> str:
    """Return whose key this is by the file of signers of a workspace.

    Raises:
        SignersError: it is nobody's there, or several people's.
    """
    trust = workspace.trust_now()
    allowed = tuple(line.key for line in trust.signers.lines)
    return owner_of(trust, public_half(workspace.programs, key, allowed).signer)
