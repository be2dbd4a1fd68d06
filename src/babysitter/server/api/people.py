"""The API of tokens and people, for admins."""

from msgspec import Struct

from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.access.passkeys import PasskeyDesk, PasskeyView, Removal
from babysitter.service.access.people import Invited, PeopleDesk, PersonView
from babysitter.service.access.tokens import MadeToken, TokenDesk, TokenView, TokenWish
from babysitter.service.views import View


class TokenWanted(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A token to make. ``expires``: as ``30d``. ``workspaces``: ids, or ``all``. ``scopes``: actions."""

    kind: str
    name: str
    person: str = ""
    workspaces: tuple[str, ...] = ("all",)
    scopes: tuple[str, ...] = ()
    expires: str = "90d"


class Guest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Whom to invite. ``may_sign``: their passkey goes into the file of signers as well."""

    person: str
    may_sign: bool = False


class Tokens(View, frozen=True, kw_only=True):
    """The tokens that the caller may manage, newest first."""

    tokens: tuple[TokenView, ...]


class People(View, frozen=True, kw_only=True):
    """Who signs in, or is invited to."""

    people: tuple[PersonView, ...]


class Passkeys(View, frozen=True, kw_only=True):
    """The passkeys of a person, the oldest first."""

    passkeys: tuple[PasskeyView, ...]


def tokens(asked: Asked) -> Reply:
    """List tokens."""
    return as_json(Tokens(tokens=tuple(_tokens(asked).tokens())))


def make_token(asked: Asked) -> Reply:
    """Make a token; its text is told once."""
    wanted = asked.given(TokenWanted)
    wish = TokenWish(
        kind=wanted.kind,
        name=wanted.name,
        person=wanted.person,
        workspaces=wanted.workspaces,
        scopes=wanted.scopes,
        expires=wanted.expires,
    )
    return as_json(_tokens(asked).create(wish), status=201)


def revoke_token(asked: Asked) -> Reply:
    """Have a token count no more."""
    return as_json(_tokens(asked).revoke(asked.params["token"]))


def people(asked: Asked) -> Reply:
    """List people."""
    return as_json(People(people=tuple(_people(asked).people())))


def invite(asked: Asked) -> Reply:
    """Invite somebody; the link is told once."""
    guest = asked.given(Guest)
    return as_json(_people(asked).invite(guest.person, may_sign=guest.may_sign), status=201)


def passkeys(asked: Asked) -> Reply:
    """List the passkeys of a person."""
    return as_json(Passkeys(passkeys=tuple(_passkeys(asked).of(asked.params["person"]))))


def remove_passkey(asked: Asked) -> Reply:
    """Take a passkey of a person away."""
    removed = _passkeys(asked).remove(
        asked.params["person"], asked.params["passkey"], is_last_meant=asked.query.get("last") == "true"
    )
    return as_json(removed)


def _tokens(asked: Asked) -> TokenDesk:
    return TokenDesk(asked.entrance, asked.visit.caller)


def _people(asked: Asked) -> PeopleDesk:
    return PeopleDesk(asked.entrance, asked.hosting.home.workspace, asked.visit.caller)


def _passkeys(asked: Asked) -> PasskeyDesk:
    return PasskeyDesk(asked.entrance, asked.hosting.home.workspace, asked.visit.caller)


ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/tokens",
        name="tokens.list",
        answer=tokens,
        summary="List the tokens that you may manage, newest first.",
        action="token.manage",
        gives=Tokens,
    ),
    Route(
        method="POST",
        path="/api/v1/tokens",
        name="tokens.create",
        answer=make_token,
        summary="Make a token; its text is told once.",
        action="token.manage",
        takes=TokenWanted,
        gives=MadeToken,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/api/v1/tokens/{token}",
        name="tokens.revoke",
        answer=revoke_token,
        summary="Have a token count no more.",
        action="token.manage",
        gives=TokenView,
    ),
    Route(
        method="GET",
        path="/api/v1/people",
        name="people.list",
        answer=people,
        summary="List who signs in, or is invited to.",
        action="person.manage",
        gives=People,
    ),
    Route(
        method="POST",
        path="/api/v1/people",
        name="people.invite",
        answer=invite,
        summary="Invite somebody to add a passkey; the link is told once.",
        action="person.manage",
        takes=Guest,
        gives=Invited,
        status=201,
    ),
    Route(
        method="GET",
        path="/api/v1/people/{person}/passkeys",
        name="people.passkeys",
        answer=passkeys,
        summary="List the passkeys of a person, the oldest first.",
        action="person.manage",
        gives=Passkeys,
    ),
    Route(
        method="DELETE",
        path="/api/v1/people/{person}/passkeys/{passkey}",
        name="people.passkeys.remove",
        answer=remove_passkey,
        summary="Have a passkey let nobody in any more; what it opened ends.",
        action="person.manage",
        gives=Removal,
        query={"last": "`true`: it may be the person's last one."},
    ),
)
