"""Whether what a rule's expression found is a credential after all: chance, words and checksums.

Nothing here looks at comments or at markers inside the data: who writes the data must not be able to
switch the search off. What is let pass is what no credential looks like: names of variables, places to
fill in, digests that are called digests, values that repeat themselves.

Invariants, each with a test in tests/unit/secrets/detection/test_judging.py:
    - a token made by chance in a published form is never taken for a place to fill in;
    - a checksum that holds outweighs every other doubt.
"""

import math
import re
import zlib
from collections import Counter
from typing import Final

from babysitter.secrets.detection.rules import Rule
from babysitter.secrets.detection.vocabulary import (
    ABOUT_A_SECRET,
    COMMON_PAIRS,
    DEFAULTS,
    NO_PARAMETER,
    NO_SERVICE,
    PLACEHOLDER,
    PUBLIC_KEY,
    REFERENCE,
    SAYS_PASSWORD,
    SAYS_SECRET,
    SERVICE_KEY,
    SURE_PLACEHOLDER,
    TIME,
    WORDS_WITH_DIGITS,
)

_BASE62: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX: Final = re.compile(rb"(?:0x)?[0-9a-fA-F]+")
_NAME: Final = re.compile(rb"[A-Za-z_$][A-Za-z_$]*[0-9]{0,3}(?:[.:/_-][A-Za-z_$]*[0-9]{0,3})*")
_CHANGE: Final = re.compile(rb"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_TRANSITION: Final = re.compile(rb"[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])")
_RUN: Final = re.compile(rb"(?<![0-9A-Za-z+/])([0-9A-Za-z+/]{8,}={0,2})(?![\"']?\s{0,3}:)")
_ALONE: Final = re.compile(rb"[A-Za-z] [\"'`]?$")
LONG_BYTES: Final = 512
"""A longer value that is rejected has nothing in it that would be accepted."""
_QUOTES: Final = (b'"', b"'", b"`")
_CALLS: Final = (b"(", b"[")
_TRAILING: Final = b".,:;?)]}>'\"`"


def entropy_of(value: bytes) -> float:
    """Return Shannon's entropy of the value's bytes, in bits a byte."""
    total = len(value)
    return (
        -sum(count / total * math.log2(count / total) for count in Counter(value).values()) if total else 0.0
    )


def crc62(data: bytes) -> bytes:
    """Return the CRC-32 of the data as six digits to the base 62, as GitHub and npm append it."""
    number = zlib.crc32(data)
    digits = bytearray()
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return bytes(reversed(digits))


def checksum_holds(value: bytes) -> bool:
    """Tell whether a token's last six characters are the checksum of what follows its prefix."""
    body = value.rpartition(b"_")[2]
    return len(body) > 6 and crc62(body[:-6]) == body[-6:]


def is_credential(rule: Rule, value: bytes, lead: bytes, after: bytes, name: bytes = b"") -> bool:
    """Tell whether the value that a rule of ours found is taken for a credential.

    lead: what the expression matched before the value: a name, perhaps, and what stands between.
    after: the byte behind the value, if there is one.
    name: how the name begins whose end ``lead`` begins with: ``mailer`` of ``mailer_key =``.
    """
    if rule.checksum and checksum_holds(value):
        return True
    if rule.entropy and entropy_of(value) < rule.entropy:
        return False
    if rule.judge not in WORD_JUDGES:
        return _JUDGES[rule.judge](value, lead)
    if value.endswith((b"...", "…".encode())) or (after in _CALLS and lead[-1:] not in _QUOTES):
        # Cut off, so no whole value; or a function that is called, a member that is looked up.
        return False
    bare = value.rstrip(_TRAILING)
    if rule.judge == "named" and name and _is_digest(bare) and not SAYS_SECRET.search(lead):
        return _is_key_of_a_service(name + lead) and not _is_no_value(bare)
    return _JUDGES[rule.judge](bare, lead)


def _plain(value: bytes, _: bytes) -> bool:
    return bool(value)


def _form(value: bytes, _: bytes) -> bool:
    # Twitter's begin with a row of A, which is a number of theirs. In a long value any row may be by chance,
    # or put there: it is judged by nothing that a part of it could change.
    if len(value) <= LONG_BYTES and SURE_PLACEHOLDER.search(value.lstrip(b"A")):
        return False
    if len(set(value)) <= 6:
        return False
    # By chance some tokens have no digit; words that happen to fit a form have none, and one case.
    return _digits(value) > 0 or _has_both_cases(value)


def _weak_form(value: bytes, lead: bytes) -> bool:
    if not _form(value, lead) or len(value) > LONG_BYTES:
        return _form(value, lead)
    return _digits(value) > 0 and entropy_of(value) >= 3.0 and not PLACEHOLDER.search(value)


def _block(value: bytes, _: bytes) -> bool:
    """Tell whether one of the values in a block of them, of base64 each, looks made by chance."""
    return any(
        (_digits(run) > 0 or _has_both_cases(run)) and len(set(run)) > 6 and not SURE_PLACEHOLDER.search(run)
        for run in _RUN.findall(value)
    )


def _login(value: bytes, lead: bytes) -> bool:
    """Judge what stands behind a user's name: its place says that it is a password."""
    del lead
    if _is_no_value(value) or value.lower() in DEFAULTS:
        return False
    return len(value) >= 4 or not value[:1].isalpha()


def _query(value: bytes, lead: bytes) -> bool:
    """Judge a parameter of an address, where a digest is not told from a key."""
    return not _is_no_value(value) and not NO_PARAMETER.search(lead) and _is_random(value, 14)


def _named(value: bytes, lead: bytes) -> bool:
    if len(value) < 8 or _is_no_value(value) or ABOUT_A_SECRET.search(lead):
        return False
    if b"&" in value and b"=" in value:
        # The parameter of an address, and others behind it.
        value = value.split(b"&", 1)[0]
    if SAYS_PASSWORD.search(lead):
        # Prose sets code in backticks, beside such words too.
        return _is_password(value, quoted=lead[-1:] in (b'"', b"'"))
    if not SAYS_SECRET.search(lead):
        return _is_random(value, 14) and not _is_digest(value)
    return _is_random(value, 10) or is_by_chance(value) or _is_long_number(value)


def _is_key_of_a_service(lead: bytes) -> bool:
    """Tell whether a name says whose key a digest is, as ``mailer_key`` does and ``cache_key`` does not."""
    match = SERVICE_KEY.search(lead)
    return match is not None and not ABOUT_A_SECRET.search(lead) and not NO_SERVICE.fullmatch(match[1])


def _loose(value: bytes, lead: bytes) -> bool:
    if _is_no_value(value) or ABOUT_A_SECRET.search(lead):
        return False
    if not re.search(rb"(?i)token|secret|passw|api|private|access|auth|basic", lead) and _is_digest(value):
        return False
    return _is_random(value, 14)


def _prefixed(value: bytes, lead: bytes) -> bool:
    """Judge what has a prefix such as issuers choose: all behind the last mark is random, and no digest."""
    del lead
    body = value.rpartition(b"_")[2]
    return (
        not value.startswith((b"pk_", b"pub"))
        and not _HEX.fullmatch(body)
        and not _is_no_value(value)
        and _is_random(body, 20)
    )


def _issuer(value: bytes, lead: bytes) -> bool:
    if (
        _is_no_value(value)
        or ABOUT_A_SECRET.search(lead)
        or re.search(rb"(?i)github\.com/|h1:|go\.|/v\d|@|npm/|\.js|\.css", lead)
    ):
        return False
    if not SAYS_SECRET.search(lead) and not re.search(rb"(?i)key|[:=]|,", lead):
        return _ALONE.search(lead) is not None and not _HEX.fullmatch(value) and _is_random(value, 20)
    return _is_random(value, 14) or (bool(SAYS_SECRET.search(lead)) and _is_long_number(value))


_JUDGES: Final = {
    "plain": _plain,
    "form": _form,
    "weak-form": _weak_form,
    "block": _block,
    "login": _login,
    "query": _query,
    "named": _named,
    "loose": _loose,
    "prefixed": _prefixed,
    "issuer": _issuer,
}
WORD_JUDGES: Final = frozenset({"login", "query", "named", "loose", "issuer"})
"""Of rules that go by the words beside a value, and don't know its form."""


def _is_no_value(value: bytes) -> bool:
    return bool(
        PLACEHOLDER.search(value) or REFERENCE.search(value) or TIME.match(value) or PUBLIC_KEY.match(value)
    )


def _is_password(value: bytes, *, quoted: bool) -> bool:
    """Tell whether the value may be a password: people's are less random than machines'."""
    if _is_random(value, 8) or is_by_chance(value):
        return True
    digits, letters = _digits(value), _letters(value)
    others = len(value) - digits - letters
    if not letters or not (digits or others) or b"/" in value:
        return False
    if _is_name(value):
        return quoted and digits > 1 and not others and not SAYS_SECRET.search(value) and len(set(value)) >= 6
    if quoted:
        return len(set(value)) >= 6 and (digits > 0 or letters > 3)
    return digits > 0 and (others > 0 or _has_both_cases(value)) and entropy_of(value) >= 2.8


def _is_random(value: bytes, least: int) -> bool:
    """Tell whether letters and digits stand in such disorder as nobody names things in."""
    if len(value) < least or len(set(value)) < 8 or entropy_of(value) < 2.8 or _is_path(value):
        return False
    if WORDS_WITH_DIGITS.search(value):
        value = WORDS_WITH_DIGITS.sub(b"", value)
    transitions, digits = len(_TRANSITION.findall(value)), _digits(value)
    if _is_name(value) and transitions < 4:
        return _is_jumble(value)
    if transitions >= max(3, len(value) // 12):
        return _letters(value) > 1 and digits > 1
    return _is_jumble(value)


def _is_jumble(value: bytes) -> bool:
    """Tell whether capitals, small letters and digits change places more often than in any name of words."""
    changes = len(_CHANGE.findall(value))
    return len(value) >= 16 and changes * 20 >= len(value) * 9 and _has_both_cases(value)


def is_by_chance(value: bytes) -> bool:
    """Tell whether the letters follow each other as they don't in words, where common pairs prevail."""
    text = "".join(filter(str.isalpha, value.decode("ascii", "ignore").lower()))
    if len(text) < 14 or len(set(text)) < 8:
        return False
    common = sum(text[at : at + 2] in COMMON_PAIRS for at in range(len(text) - 1))
    return common * 2 < len(text) - 1


def _is_long_number(value: bytes) -> bool:
    return len(value) >= 20 and value.isdigit() and entropy_of(value) >= 2.6


def _is_path(value: bytes) -> bool:
    parts = [part for part in re.split(rb"[/.]", value) if part]
    named = sum(1 for part in parts if len(_TRANSITION.findall(part)) < 2)
    return len(parts) > 2 and named * 3 >= len(parts) * 2


def _is_digest(value: bytes) -> bool:
    return bool(_UUID.fullmatch(value)) or (
        len(value) in (32, 40, 56, 64, 96, 128) and bool(_HEX.fullmatch(value))
    )


def _has_both_cases(value: bytes) -> bool:
    return sum(65 <= byte <= 90 for byte in value) > 1 and sum(97 <= byte <= 122 for byte in value) > 1


def _is_name(value: bytes) -> bool:
    return bool(_NAME.fullmatch(value))


def _digits(value: bytes) -> int:
    return sum(48 <= byte <= 57 for byte in value)


def _letters(value: bytes) -> int:
    return sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in value)
