"""The passkeys of a person, as use cases: which there are, what taking one away does, taking it away.

A passkey lets its person in to this server, and may stand in the file of signers as well. Only the
first is taken away here. What it signed, and what it may sign elsewhere, goes on counting until
its key is revoked (``key revoke``), which whoever looks after that file does: that a server lets
somebody in no more says nothing about signatures, and no server changes whose they are.
"""

from dataclasses import dataclass

from babysitter.access.entrance import Entrance
from babysitter.access.passkeys import Passkey
from babysitter.access.storage import NS_PER_S
from babysitter.model.clock import format_time
from babysitter.model.errors import NotFoundError, RefusedError
from babysitter.service.access.acting import Actor, require_own, require_people
from babysitter.service.access.people import signers_line
from babysitter.service.access.tokens import time_or_none
from babysitter.service.views import View
from babysitter.service.wiring import Workspace
from babysitter.signing.keys import parse_public_line

FRESH_S = 600
"""How long ago a person may have signed in to take a passkey of theirs away."""


class PasskeyView(View, frozen=True, kw_only=True):
    """A passkey of a person. ``signs``: the file of signers has it for them; ``signers_line``: what would.

    name: what the person calls the device, or empty. sessions: those that it opened and that last.
    """

    id: str
    name: str
    fingerprint: str
    added_at: str
    invited_by: str
    last_used_at: str | None
    sessions: int
    signs: bool
    signers_line: str


class Removal(View, frozen=True, kw_only=True):
    """What taking a passkey away does, before or after. ``follows``: in sentences, for people.

    left: how many passkeys the person has then. revoke: what ends its signatures as well, where it signs.
    """

    person: str
    passkey: PasskeyView
    left: int
    follows: tuple[str, ...]
    revoke: str


@dataclass(frozen=True, slots=True)
class PasskeyDesk:
    """Use cases on passkeys, for one who asks."""

    entrance: Entrance
    workspace: Workspace
    actor: Actor

    def of(self, person: str) -> list[PasskeyView]:
        """Return the passkeys of a person, the oldest first; one's own, or anybody's for who manages people.

        Raises:
            ForbiddenError: the actor may not.
        """
        require_own(self.actor, person, self.entrance.grants)
        listed = {key.blob for key in self.workspace.trust_now().signers.keys_of(person)}
        sessions = self.entrance.sessions.all(person)
        found = []
        for passkey in self.entrance.passkeys.of(person):
            key = parse_public_line(passkey.public_key)
            found.append(
                PasskeyView(
                    id=passkey.id,
                    name=passkey.name,
                    fingerprint=key.fingerprint,
                    added_at=format_time(passkey.added_ns),
                    invited_by=passkey.invited_by,
                    last_used_at=time_or_none(passkey.used_ns),
                    sessions=sum(each.public_key == passkey.public_key for each in sessions),
                    signs=key.blob in listed,
                    signers_line=signers_line(person, passkey.public_key),
                )
            )
        return found

    def removal(self, person: str, passkey: str) -> Removal:
        """Return what would follow from taking a passkey away, which this does not do.

        Args:
            person: whose it is.
            passkey: its id or fingerprint.

        Raises:
            ForbiddenError: the actor may not.
            NotFoundError: that person has no such passkey.
        """
        views = self.of(person)
        view = next((each for each in views if passkey in (each.id, each.fingerprint)), None)
        if view is None:
            raise NotFoundError(
                f"{person[:200]} has no passkey {passkey[:80]} here.",
                hint=f"See: babysitter person passkeys {person[:200]}",
            )
        left = len(views) - 1
        return Removal(
            person=person,
            passkey=view,
            left=left,
            follows=_follows(view, person, left, has_provider=self.entrance.oidc() is not None),
            revoke=f"babysitter key revoke {view.fingerprint}" if view.signs else "",
        )

    def remove_own(self, passkey: str, *, session: str, is_last_meant: bool) -> Removal:
        """Take one of the actor's own passkeys away; what it opened ends.

        Args:
            passkey: its id or fingerprint.
            session: the id of the session in which they ask: they signed in a moment ago, so that nobody
                does it in a browser that was left open.
            is_last_meant: where it is the last, they were told what follows.

        Raises:
            NotFoundError: they have no such passkey.
            RefusedError: the session is not fresh, or it is the last passkey and that was not said.
        """
        if not self.is_fresh(session):
            raise RefusedError(
                "it is too long ago that you signed in.",
                hint="Sign in again, in this browser, and remove the passkey then.",
            )
        return self._removed(self.removal(self.actor.name, passkey), is_last_meant=is_last_meant)

    def remove(self, person: str, passkey: str, *, is_last_meant: bool) -> Removal:
        """Take somebody's passkey away, as who manages people. See ``remove_own``.

        Raises:
            ForbiddenError: the actor may not; see ``acting.require_people``.
            NotFoundError: that person has no such passkey.
            RefusedError: it is the last one, and nobody said that this is meant.
        """
        require_people(self.actor, person, self.entrance.grants)
        return self._removed(self.removal(person, passkey), is_last_meant=is_last_meant)

    def is_fresh(self, session: str) -> bool:
        """Tell whether the actor signed in to a session of theirs a moment ago. ``session``: its id."""
        found = next(
            (each for each in self.entrance.sessions.all(self.actor.name) if each.id == session), None
        )
        now_ns = self.entrance.storage.now_ns()
        return found is not None and now_ns - found.created_ns <= FRESH_S * NS_PER_S

    def _removed(self, removal: Removal, *, is_last_meant: bool) -> Removal:
        passkey = self._kept(removal)
        self.entrance.passkeys.remove_one(passkey, by=self.actor.name, is_last_meant=is_last_meant)
        return removal

    def _kept(self, removal: Removal) -> Passkey:
        for passkey in self.entrance.passkeys.of(removal.person):
            if passkey.id == removal.passkey.id:
                return passkey
        raise NotFoundError("that passkey is not here any more.", hint="Look again at what is.")


def _follows(view: PasskeyView, person: str, left: int, *, has_provider: bool) -> tuple[str, ...]:
    said = ["It lets nobody in any more."]
    if view.sessions:
        said.append(f"Sessions that it opened end: {view.sessions}.")
    if not left:
        other = "through the identity provider, or " if has_provider else ""
        said.append(
            f"It is the last passkey of {person}: they come in {other}with an SSH key from a terminal, "
            "and with a passkey only when an admin has invited them anew."
        )
    if view.signs:
        said.append(
            "The file of signers still has it: what it signed stays signed, what it signs elsewhere counts. "
            "Revoking its key ends that, also for approvals that have not started."
        )
    else:
        said.append("The file of signers does not have it, so no approval counts or fails by this.")
    return tuple(said)
