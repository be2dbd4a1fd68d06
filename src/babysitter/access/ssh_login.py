"""Signing in from a terminal with an SSH key: a text to sign, and a token for half a day.

Whoever asks for a name gets a text, whether or not anybody is called so. What is signed names this
server and the person, so a signature for one server is worth nothing at another.

Invariants, each with a test in tests/unit/access/test_ssh_login.py:
    - a signature lets in once, within five minutes, at this server, as the person whose key signed;
    - a token of a key that is revoked counts no more.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection

from msgspec import Struct

from babysitter.access.credentials import not_let_in
from babysitter.access.site import Site
from babysitter.access.storage import Storage, Ticket, base64url
from babysitter.access.tokens import Token, Tokens, Wish
from babysitter.model.clock import format_time
from babysitter.model.errors import SignatureError, SignersError
from babysitter.signing.certificates import parse_signer, plain_key
from babysitter.signing.keys import PublicKey
from babysitter.signing.sshsig import parse
from babysitter.signing.verify import Trust, verify_signature

LOGIN_NAMESPACE = "babysitter-login"
LOGIN_S = 12 * 3600
LOGINS_MAX = 20
"""Of one person."""
_PURPOSE = "ssh login"
_PERSON_CHARS_MAX = 256


class Challenge(Struct, frozen=True, kw_only=True):
    """``text``: to be signed in LOGIN_NAMESPACE. ``id``: to be handed in with the signature."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SshLogin:
    """See the module. ``trust``: who may sign with which key, at this moment."""

    storage: Storage
    tokens: Tokens
    site: Callable[[], Site]
    trust: Callable[[], Trust]

    def begin(self, person: str) -> Challenge:
        """Return what a person has to sign.

        Raises:
            CredentialError: nobody can be called so.
        """
        if not person or len(person) > _PERSON_CHARS_MAX or not person.isprintable():
            raise not_let_in()
        ticket, text = self.storage.begin(_PURPOSE, person)
        return Challenge(id=text, text=self._text(ticket))

    def checked(self, challenge_id: str, person: str, signature: str) -> tuple[Ticket, str]:
        """Return the ticket that letting the person in has to use up, and the key that signed.

        Raises:
            CredentialError: something of it does not count; what is not said.
        """
        ticket = self.storage.opened(challenge_id, _PURPOSE)
        if ticket.subject != person:
            raise not_let_in()
        try:
            verify_signature(
                self.trust(),
                message=self._text(ticket).encode(),
                armored=signature,
                principal=person,
                namespace=LOGIN_NAMESPACE,
                at_ns=self.storage.now_ns(),
            )
            return ticket, _line(plain_key(parse_signer(parse(signature).public_key_blob)))
        except (SignatureError, SignersError, ValueError) as refused:
            raise not_let_in() from refused

    def finish(self, ticket: Ticket, public_key: str) -> tuple[Token, str]:
        """Return a token of the person, and its text; the challenge is used up.

        Raises:
            CredentialError: the challenge was used before.
        """
        wish = Wish(
            kind="human",
            name="login",
            made_by=ticket.subject,
            lasts_s=LOGIN_S,
            person=ticket.subject,
            method="ssh",
            public_key=public_key,
        )

        def also(connection: Connection) -> None:
            self.storage.spend(connection, ticket)
            # Whoever signs in again and again keeps the newest few.
            connection.execute(
                "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE person = ? AND method = 'ssh'"
                " ORDER BY created_ns DESC, id LIMIT -1 OFFSET ?)",
                (ticket.subject, LOGINS_MAX - 1),
            )

        return self.tokens.make(wish, also)

    def _text(self, ticket: Ticket) -> str:
        lines = (
            "babysitter-login/v1",
            self.site().origin,
            ticket.subject,
            base64url(self.storage.derived(ticket, "challenge")),
            format_time(ticket.expires_ns),
        )
        return "".join(f"{line}\n" for line in lines)


def _line(key: PublicKey) -> str:
    return f"{key.algorithm} {base64.b64encode(key.blob).decode()}"
