"""Joining with a passkey and signing in with one: what a browser is asked, and whether its answer counts.

One verifier serves approvals and signing in: the challenge of a sign-in is the very text that an SSH
key would sign for a short message of ours, in a namespace of its own, so an assertion for one can
never pass for the other.

Each ceremony is bound to the browser that began it by a cookie (a ticket), which whoever
answers hands in again: nobody signs another's browser in. Whatever is wrong, the answer is one.

Invariants, each with a test in tests/unit/access/test_passkey_ceremonies.py:
    - an answer counts once, for the browser that asked, on a page of ours, for five minutes;
    - a passkey that was removed, or whose key is revoked, lets nobody in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from babysitter.access.credentials import not_let_in
from babysitter.access.passkeys import Invitation, Passkey, Passkeys, check_name
from babysitter.access.revoked import RevokedKeys
from babysitter.access.site import Site
from babysitter.access.storage import TICKET_S, Storage, Ticket, base64url, from_base64url
from babysitter.model.errors import SignatureError
from babysitter.signing.passkeys import (
    Assertion,
    assertion_options,
    authenticator_data_of,
    challenge_of,
    check_registration,
    public_key_line,
    registration_options,
    signature_from_assertion,
)

SIGN_IN_NAMESPACE = "babysitter-sign-in"
_SIGN_IN, _JOIN = "passkey sign-in", "passkey joining"


class Begun(Struct, frozen=True, kw_only=True):
    """What a browser is asked. ``cookie``: the ticket, handed in with the answer. ``lasts_s``: of both."""

    options: dict[str, Any]
    cookie: str
    lasts_s: int = TICKET_S


class _AssertionParts(Struct, frozen=True, rename="camel"):
    authenticator_data: str
    client_data_JSON: str = msgspec.field(name="clientDataJSON")  # noqa: N815 (as browsers write it)
    signature: str
    user_handle: str | None = None


class _AttestationParts(Struct, frozen=True, rename="camel"):
    attestation_object: str
    client_data_JSON: str = msgspec.field(name="clientDataJSON")  # noqa: N815 (as browsers write it)


class _AssertionAnswer(Struct, frozen=True, rename="camel"):
    raw_id: str
    response: _AssertionParts


class _AttestationAnswer(Struct, frozen=True, rename="camel"):
    response: _AttestationParts


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyCeremonies:
    """See the module. ``site``: what passkeys are for, asked anew each time."""

    storage: Storage
    passkeys: Passkeys
    revoked: RevokedKeys
    site: Callable[[], Site]

    def begin_joining(self, code: str) -> Begun:
        """Return what a browser is asked, so that the invited person gets a passkey.

        Raises:
            CredentialError: the code is none, or was used, replaced or has run out.
        """
        invitation = self.passkeys.invitation_of(code)
        ticket, cookie = self.storage.begin(_JOIN, invitation.id)
        person = invitation.person
        options = registration_options(
            challenge=self.storage.derived(ticket, "challenge"),
            rp_id=self.site().rp_id,
            user_id=self._handle(person),
            person=person,
            known=[each.credential for each in self.passkeys.of(person)],
        )
        # Signing in asks for no name, so the device has to keep the passkey itself.
        options["authenticatorSelection"]["residentKey"] = "required"
        return Begun(options=options, cookie=cookie)

    def finish_joining(
        self, code: str, answer: object, cookie: str, *, name: str = ""
    ) -> tuple[Passkey, Invitation]:
        """Return the passkey that was added, and the invitation that it used up.

        Args:
            code: the invitation's, as for ``begin_joining``.
            answer: what ``PublicKeyCredential.toJSON()`` gave, decoded.
            cookie: the ticket.
            name: what the person calls the device.

        Raises:
            UsageError: the name is too long, or can't be printed.
            CredentialError: something of it does not count; what is not said.
            RefusedError: the passkey is here already, or the person has too many.
        """
        invitation = self.passkeys.invitation_of(code)
        ticket = self.storage.opened(cookie, _JOIN)
        if ticket.subject != invitation.id:
            raise not_let_in()
        site = self.site()
        try:
            parts = msgspec.convert(answer, _AttestationAnswer).response
            check_registration(
                from_base64url(parts.client_data_JSON),
                challenge=self.storage.derived(ticket, "challenge"),
                origins=(site.origin,),
            )
            data = authenticator_data_of(from_base64url(parts.attestation_object))
            line, credential = public_key_line(data, site.rp_id)
        except (SignatureError, ValueError, msgspec.ValidationError) as refused:
            raise not_let_in() from refused
        if self.revoked.has(line):
            raise not_let_in()
        added = self.passkeys.add(
            invitation,
            credential,
            line,
            lambda connection: self.storage.spend(connection, ticket),
            name=check_name(name),
        )
        return added, invitation

    def begin_sign_in(self) -> Begun:
        """Return what a browser is asked; it offers the passkeys that it has for this site."""
        ticket, cookie = self.storage.begin(_SIGN_IN)
        challenge = challenge_of(self._message(ticket), SIGN_IN_NAMESPACE)
        return Begun(options=assertion_options(challenge=challenge, rp_id=self.site().rp_id), cookie=cookie)

    def checked_sign_in(self, answer: object, cookie: str) -> tuple[Passkey, Ticket]:
        """Return the passkey that answered, and the ticket that letting the person in has to use up.

        Raises:
            CredentialError: something of it does not count; what is not said.
        """
        ticket = self.storage.opened(cookie, _SIGN_IN)
        try:
            said = msgspec.convert(answer, _AssertionAnswer)
            passkey = self.passkeys.find(from_base64url(said.raw_id))
            parts = said.response
            if parts.user_handle is not None and parts.user_handle != base64url(self._handle(passkey.person)):
                raise not_let_in()
            signature_from_assertion(
                Assertion(
                    authenticator_data=from_base64url(parts.authenticator_data),
                    client_data_json=from_base64url(parts.client_data_JSON),
                    signature_der=from_base64url(parts.signature),
                ),
                public_key_line=passkey.public_key,
                message=self._message(ticket),
                namespace=SIGN_IN_NAMESPACE,
                origins=(self.site().origin,),
            )
        except (SignatureError, ValueError, msgspec.ValidationError) as refused:
            raise not_let_in() from refused
        if self.revoked.has(passkey.public_key):
            raise not_let_in()
        return passkey, ticket

    def _message(self, ticket: Ticket) -> bytes:
        told = base64url(self.storage.derived(ticket, "challenge"))
        return f"babysitter-sign-in/v1\n{self.site().origin}\n{told}\n".encode()

    def _handle(self, person: str) -> bytes:
        """Return what the device keeps the passkey under; it says nothing about the person."""
        return self.storage.database.key.digest("user handle", person.encode())
