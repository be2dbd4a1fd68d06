"""What a person has here: roles, passkeys, sessions; taking a passkey away, signing out everywhere."""

from babysitter.access.roles import Caller
from babysitter.model.errors import NotFoundError
from babysitter.server.exchange import Asked, Reply
from babysitter.server.pages.doors import signed_out
from babysitter.server.pages.rendering import page
from babysitter.server.routes import Route, Table
from babysitter.service.access.passkeys import FRESH_S, PasskeyDesk
from babysitter.service.access.people import PeopleDesk


def me(asked: Asked) -> Reply:
    """Show a person what they have here."""
    person = _person(asked)
    return page(
        asked,
        "me.html",
        title="You",
        person=person.name,
        sessions=_people(asked).sessions(person.name),
        passkeys=_passkeys(asked).of(person.name),
        current=person.credential,
        signers=_signers(asked),
    )


def passkey(asked: Asked) -> Reply:
    """Show what would follow if a person took one of their passkeys away."""
    person, desk = _person(asked), _passkeys(asked)
    return page(
        asked,
        "me_passkey.html",
        title="Remove a passkey",
        removal=desk.removal(person.name, asked.params["passkey"]),
        is_fresh=desk.is_fresh(person.credential),
        fresh_minutes=FRESH_S // 60,
        signers=_signers(asked),
    )


def remove_passkey(asked: Asked) -> Reply:
    """Take one of a person's passkeys away; a session that it opened ends, this one too."""
    person = _person(asked)
    _passkeys(asked).remove_own(
        asked.params["passkey"], session=person.credential, is_last_meant=asked.query.get("last") == "true"
    )
    return Reply(status=303, headers={"Location": "/me"})


def sign_out_everywhere(asked: Asked) -> Reply:
    """End every session of the person, and every login from a terminal."""
    _people(asked).sign_out_everywhere(_person(asked).name)
    return signed_out()


def _person(asked: Asked) -> Caller:
    """Return who asks, who has sessions and passkeys of their own; a program has none."""
    if asked.caller is None or not asked.caller.is_person:
        raise NotFoundError("a program has no page of its own.", hint="A person sees theirs at /me.")
    return asked.caller


def _people(asked: Asked) -> PeopleDesk:
    return PeopleDesk(asked.entrance, asked.hosting.home.workspace, _person(asked))


def _passkeys(asked: Asked) -> PasskeyDesk:
    return PasskeyDesk(asked.entrance, asked.hosting.home.workspace, _person(asked))


def _signers(asked: Asked) -> str:
    return asked.hosting.home.workspace.place.settings.signing.signers


ROUTES: Table = (
    Route(
        method="POST",
        path="/me/sign-out-everywhere",
        name="sign_out.everywhere",
        answer=sign_out_everywhere,
        summary="End all sessions of the person who asks.",
        status=303,
    ),
    Route(
        method="GET",
        path="/me",
        name="page.me",
        answer=me,
        summary="The sessions and passkeys of the person who looks.",
    ),
    Route(
        method="GET",
        path="/me/passkeys/{passkey}",
        name="page.me.passkey",
        answer=passkey,
        summary="What follows if the person who looks removes one of their passkeys.",
    ),
    Route(
        method="POST",
        path="/me/passkeys/{passkey}/remove",
        name="me.passkey.remove",
        answer=remove_passkey,
        summary="Have a passkey of the person who asks let nobody in any more.",
        status=303,
        query={"last": "`true`: it may be the last one."},
    ),
)
