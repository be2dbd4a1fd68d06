"""Credentials that nobody declared, as the search tells of them: by rule and place, never by value."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from babysitter.model.rules import Severity

_ROUNDS = 10_000
"""Slows down whoever would guess a short value from its print: a few milliseconds each."""


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """A credential in a text.

    begin, end: its bytes in the text that was searched.
    value: what it is; the bytes may say it otherwise (escaped, in base64). Not for showing: repr leaves it
    out.
    """

    rule: str
    description: str
    severity: Severity
    begin: int
    end: int
    value: bytes

    def __repr__(self) -> str:
        return f"Hit({self.rule}, {self.begin}:{self.end})"


class CredentialSearch(Protocol):
    """Looks for credentials in a text."""

    def may_hold(self, text: bytes) -> bool:
        """Return False only when ``find`` finds nothing in the text. Quick.

        Raises:
            DetectionError: the search failed, so nothing is known.
        """
        ...

    def find(self, text: bytes, path: str = "") -> Sequence[Hit]:
        """Return what was found, by place, without overlaps; ``path``: where the text is from.

        Raises:
            DetectionError: the search failed, so nothing is known.
        """
        ...


def print_of(rule: str, value: bytes) -> str:
    """Return the 32 hex characters by which a value that a rule found may be allowed, on every machine.

    It has no key, so it is for texts that hold the value anyway, and for values that are no secret; a
    journal, which does not hold it, tells the HMAC under the workspace's key instead.
    """
    salt = b"babysitter credential " + rule.encode()
    return hashlib.pbkdf2_hmac("sha256", value, salt, _ROUNDS, 16).hex()


@dataclass(frozen=True, slots=True)
class Detected:
    """A credential that was masked: which rule found it, where in the value, and what to allow it by.

    where: the way to it in a JSON value, as ``.headers.auth``; "" in a text.
    fingerprint: 32 hex characters of an HMAC under the workspace's key.
    """

    rule: str
    where: str
    fingerprint: str
