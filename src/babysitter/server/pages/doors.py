"""Signing in, joining by an invitation, signing out: the browser's way in.

What a ceremony of a passkey is bound to, and the session that comes of it, are cookies that no script sees.
Where a person goes after signing in is a path of ours, whatever an address says.
"""

from typing import Any

from msgspec import Struct, structs

from babysitter.access.entrance import SignedIn
from babysitter.access.oidc import local_path
from babysitter.access.passkey_ceremonies import Begun
from babysitter.server.credentials import COOKIE, STRICT
from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.pages.rendering import fragment, page
from babysitter.server.routes import Route, Table
from babysitter.service.access.entering import (
    begin_oidc,
    begin_sign_in,
    finish_oidc,
    finish_sign_in,
    sign_out,
)
from babysitter.service.access.people import AddedPasskey, begin_joining, finish_joining
from babysitter.service.views import View

TICKET = "__Host-babysitter-ticket"
_LAX = "Path=/; Secure; HttpOnly; SameSite=Lax"
"""For the way back from an identity provider alone: browsers send no Strict cookie with it."""


class Options(View, frozen=True, kw_only=True):
    """What a browser is to ask the device for."""

    options: dict[str, Any]


class Answered(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the device gave, as ``PublicKeyCredential.toJSON()``; ``to``: where the person was going."""

    answer: dict[str, Any]
    to: str = "/"


class Then(View, frozen=True, kw_only=True):
    """Where to go now; a path of ours."""

    then: str


class Code(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invitation's code, which stands behind the ``#`` of its link and in no address that is sent."""

    code: str


class Joining(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code again, with the new passkey. ``name``: what the person calls the device."""

    code: str
    answer: dict[str, Any]
    name: str = ""


def sign_in_page(asked: Asked) -> Reply:
    """Let somebody sign in."""
    to = local_path(asked.query.get("to", "/"))
    return page(asked, "sign_in.html", title="Sign in", to=to, has_oidc=asked.entrance.oidc() is not None)


def sign_in_begin(asked: Asked) -> Reply:
    """Say what the device is asked for."""
    return _begun(begin_sign_in(asked.entrance))


def sign_in_finish(asked: Asked) -> Reply:
    """Open a session for who answered."""
    given = asked.given(Answered)
    found = finish_sign_in(
        asked.entrance,
        answer=given.answer,
        cookie=asked.cookies.get(TICKET, ""),
        replacing=asked.cookies.get(COOKIE, ""),
    )
    reply = as_json(Then(then=local_path(given.to)))
    return Reply(body=reply.body, headers={"Set-Cookie": f"{COOKIE}={found.cookie}; {STRICT}"})


def oidc_begin(asked: Asked) -> Reply:
    """Send somebody to the identity provider."""
    sent = begin_oidc(asked.entrance, local_path(asked.query.get("to", "/")))
    cookie = f"{TICKET}={sent.cookie}; {_LAX}; Max-Age={sent.lasts_s}"
    return Reply(status=303, headers={"Location": sent.url, "Set-Cookie": cookie})


def oidc_finish(asked: Asked) -> Reply:
    """Open a session for who comes back.

    The page that this gives leads on by itself: a redirect would still be the provider's doing, and come
    without the session.
    """
    found: SignedIn = finish_oidc(
        asked.entrance,
        parameters=asked.query,
        cookie=asked.cookies.get(TICKET, ""),
        replacing=asked.cookies.get(COOKIE, ""),
    )
    reply = fragment("signed_in.html", then=local_path(found.then))
    return Reply(
        body=reply.body, type=reply.type, headers={"Set-Cookie": f"{COOKIE}={found.cookie}; {STRICT}"}
    )


def join_page(asked: Asked) -> Reply:
    """Let an invited person make a passkey."""
    return page(asked, "join.html", title="Join")


def join_begin(asked: Asked) -> Reply:
    """Say what the device is asked for, to whoever has an invitation."""
    return _begun(begin_joining(asked.entrance, asked.given(Code).code))


def join_finish(asked: Asked) -> Reply:
    """Add the new passkey."""
    given = asked.given(Joining)
    added = finish_joining(
        asked.entrance,
        asked.hosting.home.workspace,
        code=given.code,
        answer=given.answer,
        cookie=asked.cookies.get(TICKET, ""),
        name=given.name,
    )
    # Where the file lies on the server's disk is nobody's business.
    signers = asked.hosting.home.workspace.place.settings.signing.signers
    return as_json(structs.replace(added, added_to=added.added_to and signers))


def sign_out_now(asked: Asked) -> Reply:
    """End the session of this browser."""
    sign_out(asked.entrance, asked.cookies.get(COOKIE, ""))
    return signed_out()


def _begun(begun: Begun) -> Reply:
    reply = as_json(Options(options=begun.options))
    cookie = f"{TICKET}={begun.cookie}; {STRICT}; Max-Age={begun.lasts_s}"
    return Reply(body=reply.body, headers={"Set-Cookie": cookie})


def signed_out() -> Reply:
    """Take the session's cookie away, and lead to the door."""
    cookie = f"{COOKIE}=; {STRICT}; Max-Age=0"
    return Reply(status=303, headers={"Location": "/sign-in", "Set-Cookie": cookie})


_TO = {"to": "Where to go afterwards; a path of this server."}
ROUTES: Table = (
    Route(
        method="GET",
        path="/sign-in",
        name="page.sign_in",
        answer=sign_in_page,
        summary="Where people sign in.",
        open=True,
        query=_TO,
    ),
    Route(
        method="POST",
        path="/sign-in/begin",
        name="sign_in.begin",
        answer=sign_in_begin,
        summary="Say what a device is asked for to sign in.",
        open=True,
        gives=Options,
    ),
    Route(
        method="POST",
        path="/sign-in/finish",
        name="sign_in.finish",
        answer=sign_in_finish,
        summary="Open a session for the person whose passkey answered.",
        open=True,
        takes=Answered,
        gives=Then,
    ),
    Route(
        method="GET",
        path="/login/oidc/begin",
        name="sign_in.oidc.begin",
        answer=oidc_begin,
        summary="Lead to the identity provider.",
        open=True,
        status=303,
        query=_TO,
    ),
    Route(
        method="GET",
        path="/login/oidc",
        name="sign_in.oidc",
        answer=oidc_finish,
        summary="Open a session for the person whom the identity provider sends back.",
        open=True,
    ),
    Route(
        method="GET",
        path="/join",
        name="page.join",
        answer=join_page,
        summary="Where an invited person makes a passkey.",
        open=True,
    ),
    Route(
        method="POST",
        path="/join/begin",
        name="join.begin",
        answer=join_begin,
        summary="Say what a device is asked for to make a passkey.",
        open=True,
        takes=Code,
        gives=Options,
    ),
    Route(
        method="POST",
        path="/join/finish",
        name="join.finish",
        answer=join_finish,
        summary="Add the passkey of an invited person.",
        open=True,
        takes=Joining,
        gives=AddedPasskey,
    ),
    Route(
        method="POST",
        path="/sign-out",
        name="sign_out",
        answer=sign_out_now,
        summary="End this browser's session.",
        open=True,
        status=303,
    ),
)
