"""What all of access stands on: the database with its key, time and dice; and challenges, which are not kept.

A *ticket* is something begun that must be finished soon, by whoever began it: signing in,
joining. It is sealed with the server's key and handed to who asks, in a cookie or an id, so
that a flood of beginnings costs no memory and no disk. Of one that was used up a digest is
kept until it would have run out.

Invariants, each with a test in tests/unit/access/test_tickets.py:
    - a ticket counts for one purpose, until it runs out, once, also across a restart;
    - without the key nobody makes one, changes one or knows what is derived from it.

Why so: ADR 0042.
"""

import base64
import binascii
from dataclasses import dataclass
from sqlite3 import Connection

import msgspec
from msgspec import Struct

from babysitter.access.credentials import not_let_in
from babysitter.access.database import Database
from babysitter.model.clock import Clock, Dice

NS_PER_S = 1_000_000_000
TICKET_S = 300
"""How long a person may take to find the device and unlock it."""
_TICKET_CHARS_MAX = 2048
_NONCE_BITS = 256


class Ticket(Struct, frozen=True, kw_only=True, array_like=True):
    """Something begun. ``subject``: what it is about, such as a person's name; not secret."""

    purpose: str
    subject: str
    nonce: bytes
    expires_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """See the module."""

    database: Database
    clock: Clock
    dice: Dice

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.clock.now_ns()

    def begin(self, purpose: str, subject: str = "", *, lasts_s: int = TICKET_S) -> tuple[Ticket, str]:
        """Return a new ticket, and its sealed text for whoever has to finish."""
        nonce = self.dice.bits(_NONCE_BITS).to_bytes(_NONCE_BITS // 8, "big")
        ticket = Ticket(
            purpose=purpose, subject=subject, nonce=nonce, expires_ns=self.now_ns() + lasts_s * NS_PER_S
        )
        body = msgspec.json.encode(ticket)
        return ticket, f"{base64url(body)}.{base64url(self.database.key.digest('ticket', body))}"

    def opened(self, text: str, purpose: str) -> Ticket:
        """Return the ticket of a sealed text.

        Raises:
            CredentialError: it is none of ours, for something else, or has run out.
        """
        body, _, seal = text.partition(".")
        try:
            if len(text) > _TICKET_CHARS_MAX:
                raise not_let_in()
            data = from_base64url(body)
            if not self.database.key.matches(from_base64url(seal), "ticket", data):
                raise not_let_in()
            ticket = msgspec.json.decode(data, type=Ticket)
        except (ValueError, msgspec.MsgspecError):
            raise not_let_in() from None
        if ticket.purpose != purpose or ticket.expires_ns <= self.now_ns():
            raise not_let_in()
        return ticket

    def derived(self, ticket: Ticket, label: str) -> bytes:
        """Return 32 bytes that belong to the ticket and that nobody else can tell."""
        return self.database.key.digest(f"derived {label}", ticket.purpose.encode(), ticket.nonce)

    def spend(self, connection: Connection, ticket: Ticket) -> None:
        """Use a ticket up, inside of the transaction that does what it was for.

        Raises:
            CredentialError: it was used before.
        """
        connection.execute("DELETE FROM spent WHERE expires_ns <= ?", (self.now_ns(),))
        digest = self.database.key.digest("spent", ticket.nonce)
        kept = connection.execute("INSERT OR IGNORE INTO spent VALUES (?, ?)", (digest, ticket.expires_ns))
        if kept.rowcount != 1:
            raise not_let_in()


def base64url(data: bytes) -> str:
    """Return the bytes as browsers write them, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of a text that ``base64url`` could have made.

    Raises:
        ValueError: it could not.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if base64url(data) != text:
        raise ValueError("not in its one form")
    return data
