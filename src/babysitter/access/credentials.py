"""What is shown once and then only compared: tokens, session cookies, invitation codes.

    bst_<id>_<secret><checksum>      a token; bss_ a session, bsi_ an invitation

The id names a row, the secret is 256 bits of dice. The checksum says that a text is one of
ours before anybody asks the database, and lets the search for credentials know it for sure
(``secrets/detection/pack.toml``). Kept is a keyed digest of the whole text.
"""

import re
from typing import Literal, NamedTuple

from babysitter.access.server_key import ServerKey
from babysitter.model.clock import Dice
from babysitter.model.errors import CredentialError
from babysitter.secrets.detection.judging import checksum_holds, crc62

Prefix = Literal["bst", "bss", "bsi"]
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_BITS, _ID_CHARS = 64, 11
_SECRET_BITS, _SECRET_CHARS = 256, 43
_FORM = re.compile(rf"(bs[tsi])_([0-9A-Za-z]{{{_ID_CHARS}}})_[0-9A-Za-z]{{{_SECRET_CHARS + 6}}}")
_NO_DIGEST = bytes(32)


class Made(NamedTuple):
    """A new credential. ``text`` is shown once, ``digest`` is kept."""

    id: str
    text: str
    digest: bytes


def make_credential(prefix: Prefix, key: ServerKey, dice: Dice) -> Made:
    """Return a credential that nobody has seen."""
    name = _base62(dice.bits(_ID_BITS), _ID_CHARS)
    secret = _base62(dice.bits(_SECRET_BITS), _SECRET_CHARS)
    text = f"{prefix}_{name}_{secret}{crc62(secret.encode()).decode()}"
    return Made(id=name, text=text, digest=key.digest(prefix, text.encode()))


def id_of(prefix: Prefix, text: str) -> str:
    """Return the id that a credential names.

    Raises:
        CredentialError: it has not the form of one.
    """
    match = _FORM.fullmatch(text)
    if match is None or match[1] != prefix or not checksum_holds(text.encode()):
        raise not_let_in()
    return match[2]


def check_credential(prefix: Prefix, text: str, digest: bytes | None, key: ServerKey) -> None:
    """Return when the credential is the one whose digest was kept.

    ``digest``: None where its id names nothing; the answer takes as long.

    Raises:
        CredentialError: it is another one.
    """
    matches = key.matches(_NO_DIGEST if digest is None else digest, prefix, text.encode())
    if digest is None or not matches:
        raise not_let_in()


def not_let_in() -> CredentialError:
    """Return the one answer to every credential that does not count, whatever is wrong with it."""
    return CredentialError(
        "this credential does not count here.",
        hint="It may be mistyped, used up, expired or revoked. Sign in again, or ask an admin for a new one.",
    )


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
