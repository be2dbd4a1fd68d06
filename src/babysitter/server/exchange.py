"""One request and its reply, as the functions behind routes see them: no framework, no socket.

A function gets ``Asked`` and gives a ``Reply``; it runs in a thread of its own and may read files.
Everything that a caller sent is parsed here, bounded, and refused with what is wrong.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from babysitter.access.entrance import Entrance
from babysitter.access.roles import Caller
from babysitter.model.errors import BabysitterError, UsageError
from babysitter.service.hosting.hosting import Hosting
from babysitter.service.hosting.visit import Visit

T = TypeVar("T")
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back. ``body``: all of it; or ``file``, which is sent in pieces and closed."""

    status: int = 200
    body: bytes = b""
    file: IO[bytes] | None = None
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked. ``caller`` None: of a route that is open to all.

    address: the caller's, behind trusted proxies too. cookies: by name.
    """

    hosting: Hosting
    entrance: Entrance
    caller: Caller | None
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes
    address: str

    @property
    def visit(self) -> Visit:
        """The caller's visit."""
        assert self.caller is not None, "only a route that is open to all has nobody"
        return Visit(hosting=self.hosting, caller=self.caller)

    @property
    def workspace(self) -> str:
        """Which workspace is meant; empty: whichever fits."""
        return self.query.get("workspace", "")

    def number(self, name: str, default: int) -> int:
        """Return a whole number of the query.

        Raises:
            UsageError: it is none.
        """
        text = self.query.get(name)
        if text is None:
            return default
        if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 18:
            raise UsageError(f"{name} is {text[:40]!r}.", hint="Give a whole number.")
        return int(text)

    def given(self, kind: type[T]) -> T:
        """Return the body as a value of that type.

        Raises:
            UsageError: it is not JSON, or not of that type.
        """
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise UsageError("the body is not JSON.", hint=f"Send Content-Type: {JSON}.")
        try:
            found = msgspec.json.decode(self.body or b"{}", type=kind)
            _check_names(self.body or b"{}")
            return found
        except (msgspec.DecodeError, RecursionError, _NamedTwiceError) as error:
            raise UsageError(
                f"the body is not what is expected: {error}.", hint="See /api/v1/openapi.json."
            ) from None
        except UnicodeDecodeError:
            raise UsageError("the body is not UTF-8.", hint="JSON is UTF-8.") from None

    def wish(self, kind: type[T]) -> T:
        """Return the query as a value of that type.

        Raises:
            UsageError: it is not of that type, or holds something else.
        """
        try:
            return msgspec.convert(dict(self.query), kind, strict=False)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"the query is not what is expected: {error}.", hint="See /api/v1/openapi.json."
            ) from None


class _NamedTwiceError(Exception):
    """An object has two members of one name, so readers differ in what it says."""


def _check_names(body: bytes) -> None:
    """Refuse an object with two members of one name. Source: RFC 7493, section 2.3."""

    def members(pairs: list[tuple[str, object]]) -> None:
        if len({name for name, _ in pairs}) != len(pairs):
            raise _NamedTwiceError("two members of an object have one name")

    # Numbers are not made: the text was read as JSON before, and only names are looked at.
    json.loads(body, object_pairs_hook=members, parse_int=len, parse_float=len)


Answerer = Callable[[Asked], Reply]


class ErrorShown(Struct, frozen=True, kw_only=True):
    """What went wrong; ``code`` is stable."""

    code: str
    message: str
    hint: str = ""


class ErrorReply(Struct, frozen=True, kw_only=True):
    """The body of every reply that is no success."""

    error: ErrorShown


def as_json(value: Any, *, status: int = 200) -> Reply:  # noqa: ANN401 (any view)
    """Return a view as a reply."""
    return Reply(status=status, body=msgspec.json.encode(value))


def refusal(error: BabysitterError) -> Reply:
    """Return the reply that tells of an error. What it knows besides its text stays here."""
    shown = ErrorShown(code=error.code, message=error.message, hint=error.hint)
    headers = {"WWW-Authenticate": "Bearer"} if error.code == "refused.credential" else {}
    reply = as_json(ErrorReply(error=shown), status=status_of(error))
    return Reply(status=reply.status, body=reply.body, headers=headers)


_STATUS: Mapping[str, int] = {
    "usage.not_found": 404,
    "refused.credential": 401,
    "refused.role": 403,
    "refused.policy": 403,
    "refused.signature": 403,
    "refused.untrusted": 403,
    "refused.rate": 429,
}
_STATUS_OF_KIND: Mapping[str, int] = {
    "usage": 400,
    "refused": 409,
    "store": 503,
    "journal": 500,
    "process": 409,
}

Kind = Literal["api", "page"]


def status_of(error: BabysitterError) -> int:
    """Return the HTTP status of an error: by its code, else by its kind."""
    return _STATUS.get(error.code) or _STATUS_OF_KIND.get(error.code.partition(".")[0], 500)
