"""The API of logging in with an SSH key, and of being logged in."""

from collections.abc import Mapping

from msgspec import Struct

from babysitter.access.ssh_login import Challenge
from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.access.entering import LoginView, begin_ssh, end_login, finish_ssh
from babysitter.service.views import View


class WhoAsks(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who wants to log in, as the file of signers has them."""

    person: str


class SignedChallenge(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A challenge that was signed; ``signature`` is an armoured SSH signature over it."""

    id: str
    person: str
    signature: str


class ChallengeView(View, frozen=True, kw_only=True):
    """What to sign, byte for byte, with the namespace ``babysitter-login``."""

    id: str
    challenge: str


class Whoami(View, frozen=True, kw_only=True):
    """Who a credential stands for, and what they may do. ``roles``: by workspace."""

    name: str
    is_person: bool
    method: str
    roles: Mapping[str, tuple[str, ...]]
    scopes: tuple[str, ...] | None


class LoggedOut(View, frozen=True, kw_only=True):
    """The token counts no more."""

    revoked: bool


def challenge(asked: Asked) -> Reply:
    """Give what a person signs."""
    found: Challenge = begin_ssh(asked.entrance, asked.given(WhoAsks).person)
    return as_json(ChallengeView(id=found.id, challenge=found.text))


def login(asked: Asked) -> Reply:
    """Give a token to who signed."""
    given = asked.given(SignedChallenge)
    found = finish_ssh(asked.entrance, challenge_id=given.id, person=given.person, signature=given.signature)
    return as_json(found)


def logout(asked: Asked) -> Reply:
    """Have the token that asks count no more."""
    scheme, _, token = asked.headers.get("authorization", "").partition(" ")
    end_login(asked.entrance, token.strip() if scheme.lower() == "bearer" else "")
    return as_json(LoggedOut(revoked=True))


def whoami(asked: Asked) -> Reply:
    """Say who asks."""
    caller = asked.visit.caller
    roles = {name: tuple(sorted(roles)) for name, roles in caller.roles.items() if roles}
    scopes = None if caller.scopes is None else tuple(sorted(caller.scopes))
    view = Whoami(
        name=caller.name, is_person=caller.is_person, method=caller.method, roles=roles, scopes=scopes
    )
    return as_json(view)


ROUTES: Table = (
    Route(
        method="POST",
        path="/api/v1/login/challenge",
        name="login.challenge",
        answer=challenge,
        summary="Give what a person signs with an SSH key to log in.",
        open=True,
        takes=WhoAsks,
        gives=ChallengeView,
    ),
    Route(
        method="POST",
        path="/api/v1/login",
        name="login.finish",
        answer=login,
        summary="Give a token of half a day to the person who signed.",
        open=True,
        takes=SignedChallenge,
        gives=LoginView,
    ),
    Route(
        method="DELETE",
        path="/api/v1/login",
        name="login.end",
        answer=logout,
        summary="Have the token that asks count no more.",
        gives=LoggedOut,
    ),
    Route(
        method="GET",
        path="/api/v1/me",
        name="login.whoami",
        answer=whoami,
        summary="Say whom the credential stands for, and what they may do.",
        gives=Whoami,
    ),
)
