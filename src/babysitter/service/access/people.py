"""People who sign in, as use cases: invite, add a passkey, list, remove, end sessions."""

from dataclasses import dataclass

from babysitter.access.entrance import Entrance
from babysitter.access.passkey_ceremonies import Begun
from babysitter.access.sessions import Session
from babysitter.model.clock import format_time
from babysitter.service.access.acting import Actor, require, require_own, require_people, require_within
from babysitter.service.access.tokens import time_or_none
from babysitter.service.people import People
from babysitter.service.views import View
from babysitter.service.wiring import Workspace
from babysitter.signing.allowed_signers import check_principal
from babysitter.signing.keys import parse_public_line


class Invited(View, frozen=True, kw_only=True):
    """An invitation. ``link`` holds the code: shown now, and never again."""

    person: str
    link: str
    expires_at: str
    may_sign: bool


class PersonView(View, frozen=True, kw_only=True):
    """Somebody who signs in, or is invited to.

    roles: by workspace, as the settings are now, where whoever asks manages people.

    passkeys: fingerprints. invited_until: None: nobody invited them, or it has run out.
    """

    person: str
    roles: dict[str, tuple[str, ...]]
    passkeys: tuple[str, ...]
    sessions: int
    invited_until: str | None
    last_sign_in_at: str | None


class SessionView(View, frozen=True, kw_only=True):
    """A session without its cookie."""

    id: str
    person: str
    method: str
    signed_in_at: str
    last_used_at: str
    ends_at: str


class AddedPasskey(View, frozen=True, kw_only=True):
    """A passkey that now lets its person in.

    signers_line: what lets it sign approvals as well, for the file of signers.
    added_to: the file where it was put already; None: somebody has to add it, if it is wanted.
    needs_signatures: how many have to sign that file before the line counts.
    """

    person: str
    fingerprint: str
    signers_line: str
    added_to: str | None
    needs_signatures: int = 0


@dataclass(frozen=True, slots=True)
class PeopleDesk:
    """Use cases on the people of one server, for one who asks."""

    entrance: Entrance
    workspace: Workspace
    actor: Actor

    def invite(self, person: str, *, may_sign: bool = False) -> Invited:
        """Invite somebody to add a passkey, within a day; an invitation before this one counts no more.

        Args:
            person: their name, as the file of signers has it.
            may_sign: the passkey goes into the file of signers as well, so that it signs approvals.

        Raises:
            UsageError: that is no name.
            ForbiddenError: the actor may not; see ``acting.require_people``.
        """
        check_principal(person)
        require_people(self.actor, person, self.entrance.grants)
        # Whoever joins signs in, and a session is limited to nothing.
        require_within(self.actor, None)
        invitation, code = self.entrance.passkeys.invite(person, by=self.actor.name, may_sign=may_sign)
        return Invited(
            person=person,
            link=self.entrance.site().join_link(code),
            expires_at=format_time(invitation.expires_ns),
            may_sign=may_sign,
        )

    def people(self) -> list[PersonView]:
        """Return everybody who can sign in with a passkey, has a session or is invited, by name.

        Raises:
            ForbiddenError: the actor manages no people in the server's own workspace.
        """
        require(self.actor, "person.manage", self.entrance.grants.workspaces[:1])
        entrance = self.entrance
        passkeys, sessions = entrance.passkeys.all(), entrance.sessions.all()
        invited = {each.person: format_time(each.expires_ns) for each in entrance.passkeys.invitations()}
        used: dict[str, int] = {}
        for key in passkeys:
            used[key.person] = max(used.get(key.person, 0), key.used_ns or 0)
        for session in sessions:
            used[session.person] = max(used.get(session.person, 0), session.created_ns)
        return [
            PersonView(
                person=name,
                roles=self._roles(name),
                passkeys=tuple(
                    parse_public_line(key.public_key).fingerprint for key in passkeys if key.person == name
                ),
                sessions=sum(session.person == name for session in sessions),
                invited_until=invited.get(name),
                last_sign_in_at=time_or_none(used.get(name) or None),
            )
            for name in sorted({*used, *invited})
        ]

    def remove(self, person: str) -> None:
        """Have somebody sign in no more: passkeys, sessions and invitation go, tokens are revoked.

        What the settings say about the person stays: take the name out of ``[access]`` as well.

        Raises:
            NotFoundError: nothing of that name is kept.
            ForbiddenError: the actor may not; see ``acting.require_people``.
        """
        require_people(self.actor, person, self.entrance.grants)
        self.entrance.passkeys.remove(person, by=self.actor.name)

    def sessions(self, person: str) -> list[SessionView]:
        """Return the sessions of a person, newest first; one's own, or anybody's for who manages people.

        Raises:
            ForbiddenError: the actor may not.
        """
        require_own(self.actor, person, self.entrance.grants)
        return [_session_view(session) for session in self.entrance.sessions.all(person)]

    def sign_out_everywhere(self, person: str) -> int:
        """End every session of a person and every login from a terminal; return how many.

        Raises:
            ForbiddenError: the actor may not.
        """
        require_own(self.actor, person, self.entrance.grants)
        return self.entrance.sign_out_everywhere(person)

    def _roles(self, person: str) -> dict[str, tuple[str, ...]]:
        """Return what somebody holds, in the workspaces that are the actor's to know of."""
        held = self.entrance.grants.roles_of(person)
        return {
            place: tuple(sorted(roles))
            for place, roles in held.items()
            if self.actor.may("person.manage", place)
        }


def begin_joining(entrance: Entrance, code: str) -> Begun:
    """Return what the browser of an invited person is asked. See access.passkey_ceremonies."""
    return entrance.ceremonies.begin_joining(code)


def finish_joining(
    entrance: Entrance, workspace: Workspace, *, code: str, answer: object, cookie: str, name: str = ""
) -> AddedPasskey:
    """Add the passkey of an invited person; where the invitation says so, to the file of signers too.

    ``name``: what the person calls the device, or empty.

    Raises:
        UsageError: the name is too long, or can't be printed.
        CredentialError: code, answer or cookie does not count.
        RefusedError: the passkey is here already, or the file of signers can't be written.
    """
    passkey, invitation = entrance.ceremonies.finish_joining(code, answer, cookie, name=name)
    fingerprint = parse_public_line(passkey.public_key).fingerprint
    line = signers_line(passkey.person, passkey.public_key)
    if not invitation.may_sign:
        return AddedPasskey(person=passkey.person, fingerprint=fingerprint, signers_line=line, added_to=None)
    changed = People(workspace).add_line(passkey.person, passkey.public_key)
    return AddedPasskey(
        person=passkey.person,
        fingerprint=fingerprint,
        signers_line=line,
        added_to=changed.path,
        needs_signatures=changed.needs_signatures,
    )


def signers_line(person: str, public_key: str) -> str:
    """Return the line of the file of signers that lets a passkey sign for its person."""
    return f'{person} namespaces="babysitter-*" {public_key}'


def _session_view(session: Session) -> SessionView:
    return SessionView(
        id=session.id,
        person=session.person,
        method=session.method,
        signed_in_at=format_time(session.created_ns),
        last_used_at=format_time(session.used_ns),
        ends_at=format_time(session.expires_ns),
    )
