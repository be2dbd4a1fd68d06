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

_BASE62: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_PLACEHOLDER: Final = re.compile(
    rb"(?i)x{5,}|\*{3,}|\.{3,}|(.)\1{6,}|EXAMPLE|placeholder|change[_.-]?me|your[_-]|dummy|redacted|replace|"
    rb"<[^<>]*>|insert|todo\b|abcdefghijklmnop|sample|masked|notarealkey|"
    rb"not[_-]?a[_-]?real|undefined|nullptr|none\b|null\b|deadbeef|lorem"
)
_SURE_PLACEHOLDER: Final = re.compile(rb"(?i)(.)\1{7,}|x{6,}|\*{4,}|\.{4,}|EXAMPLE(?:KEY|TOKEN)?$|your[_-]")
_REFERENCE: Final = re.compile(
    rb"(?i)^(?:\$|%[({a-z]|@[a-z{(]|<|\{|#\{|&[a-z]|~|\.{1,2}/|/[a-z]|[a-z]:\\|arn:|projects/|https?:|file:|env[:(.]|vault:|op:|sops:)"
    rb"|\$\{|\{\{|\$\(|process\.env|environ|getenv|secrets\.|config\.|settings\.|::|->|\(\)|\.\w+\(|===|&&|\|\|"
    rb"|^(?:self|this|cls|args|kwargs|req|request|res|ctx|params|props|options|opts|data|var|local|module|System|String)[.\[]"
)
_ABOUT: Final = re.compile(
    rb"(?i)sha[-_]?(?:1|2|256|384|512)?\b|sha\d|md5|digest|checksum|hash|integrity|etag|commit|revision|fingerprint|public|"
    rb"thumbprint|git_?rev|nonce\b|tokeni[sz]er|token_?(?:type|count|id|name|url|uri|usage|limit)|max_?tokens?|keyboard|"
    rb"key(?:words?|frames?|code|up|down|press|name|path|space|store|ring|size|length|type|_?id|_?file|_?path|error)\b|"
    rb"(?:primary|foreign|sort|partition|cache|map|dict|hot|row|column|shard|dedup|idempotency|order|group|object|lookup|"
    rb"registry|translation|i18n|index|unique|composite|json|test)[_ -]?keys?\b|author(?!iz)|monkey|"
    rb"turkey|passthrough|"
    rb"passport|pass_?(?:ing|ed)|compass|secret[_ -]?(?:name|key[_ -]?ref|id|ref|arn|version|store|"
    rb"type)\b|accessib|"
    rb"password[_ -]?(?:hash|policy|field|input|reset|strength|min|max|length|type)\b|"
    rb"access[_ -]?(?:level|mode|log|control|time)|"
    rb"signature|sign(?:al|ificant|ed)|design|assign|bypass|session[_ -]?(?:name|timeout)|"
    rb"authent?icity|uuid\b|guid\b"
)
_STRONG: Final = re.compile(
    rb"(?i)passw|passphrase|pwd|secret|token|api[ _.-]{0,2}key|apikey|credential|bearer|private|"
    rb"access|auth|client"
)
_PASSWORD: Final = re.compile(rb"(?i)passw|passphrase|passcode|pwd|secret")
_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX: Final = re.compile(rb"(?:0x)?[0-9a-fA-F]+")
_TIME: Final = re.compile(
    rb"(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}:\d{2})|\d+(?:\.\d+)+(?:[-+.](?:alpha|beta|rc|dev|post|incompatible|snapshot|final)[.\d]*)?$"
)
_NAME: Final = re.compile(rb"[A-Za-z_$][A-Za-z_$]*[0-9]{0,3}(?:[.:/_-][A-Za-z_$]*[0-9]{0,3})*")
_CHANGE: Final = re.compile(rb"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_TRANSITION: Final = re.compile(rb"[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])")
_QUOTES: Final = (b'"', b"'", b"`")
_CALLS: Final = (b"(", b"[")
_TRAILING: Final = b".,:;!?)]}>'\"`"
_DEFAULTS: Final = frozenset(
    b"pass password passwd pw pwd secret user username token apikey key test changeme hunter2 "
    b"admin root postgres guest x xxx abc foo bar".split()
)


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


def is_credential(rule: Rule, value: bytes, lead: bytes, after: bytes) -> bool:
    """Tell whether the value that a rule of ours found is taken for a credential.

    lead: what the expression matched before the value: a name, perhaps, and what stands between.
    after: the byte behind the value, if there is one.
    """
    if rule.checksum and checksum_holds(value):
        return True
    if rule.entropy and entropy_of(value) < rule.entropy:
        return False
    if rule.judge in _WORDS and after in _CALLS and lead[-1:] not in _QUOTES:
        # A function that is called, or a member that is looked up.
        return False
    return _JUDGES[rule.judge](value.rstrip(_TRAILING) if rule.judge in _WORDS else value, lead)


def _plain(value: bytes, _: bytes) -> bool:
    return bool(value)


def _form(value: bytes, _: bytes) -> bool:
    # Twitter's begin with a row of A, which is a number of theirs.
    if _SURE_PLACEHOLDER.search(value.lstrip(b"A")) or len(set(value)) <= 6:
        return False
    # By chance some tokens have no digit; words that happen to fit a form have none, and one case.
    return _digits(value) > 0 or _has_both_cases(value)


def _weak_form(value: bytes, lead: bytes) -> bool:
    return (
        _form(value, lead)
        and _digits(value) > 0
        and entropy_of(value) >= 3.0
        and not _PLACEHOLDER.search(value)
    )


def _named(value: bytes, lead: bytes) -> bool:
    if len(value) < 8 and not (lead.endswith(b":") and b"://" in lead):
        return False
    if _is_no_value(value) or _ABOUT.search(lead):
        return False
    if b"://" in lead:
        return value.lower() not in _DEFAULTS and not _NAME.fullmatch(value[:1] if len(value) < 4 else b"-")
    quoted = lead[-1:] in _QUOTES
    if _PASSWORD.search(lead):
        return _is_password(value, quoted=quoted)
    if not _STRONG.search(lead):
        return _is_random(value, 14) and not _is_digest(value)
    return _is_random(value, 10)


def _loose(value: bytes, lead: bytes) -> bool:
    if _is_no_value(value) or _ABOUT.search(lead):
        return False
    if not re.search(rb"(?i)token|secret|passw|api|private|access|auth|basic", lead) and _is_digest(value):
        return False
    return _is_random(value, 14)


def _issuer(value: bytes, lead: bytes) -> bool:
    if (
        _is_no_value(value)
        or _ABOUT.search(lead)
        or re.search(rb"(?i)github\.com/|h1:|go\.|/v\d|@|npm/|\.js|\.css", lead)
    ):
        return False
    if not _STRONG.search(lead) and not re.search(rb"(?i)key|[:=]|,", lead):
        return False
    return _is_random(value, 14)


_JUDGES: Final = {
    "plain": _plain,
    "form": _form,
    "weak-form": _weak_form,
    "named": _named,
    "loose": _loose,
    "issuer": _issuer,
}
_WORDS: Final = frozenset({"named", "loose", "issuer"})


def _is_no_value(value: bytes) -> bool:
    return bool(_PLACEHOLDER.search(value) or _REFERENCE.search(value) or _TIME.match(value))


def _is_password(value: bytes, *, quoted: bool) -> bool:
    """Tell whether the value may be a password: people's are less random than machines'."""
    if _is_random(value, 8):
        return True
    digits, letters = _digits(value), _letters(value)
    others = len(value) - digits - letters
    if not letters or not (digits or others) or _is_name(value) or b"/" in value:
        return False
    if quoted:
        return len(set(value)) >= 6 and (digits > 0 or letters > 3)
    return digits > 0 and (others > 0 or _has_both_cases(value)) and entropy_of(value) >= 2.8


def _is_random(value: bytes, least: int) -> bool:
    """Tell whether letters and digits stand in such disorder as nobody names things in."""
    if len(value) < least or len(set(value)) < 8 or entropy_of(value) < 2.8 or _is_path(value):
        return False
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
