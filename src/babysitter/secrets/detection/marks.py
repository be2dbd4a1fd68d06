"""What stands in place of a credential that nobody declared, and how a value is compared with it.

A whole string becomes ``{"$masked":"<rule>","hmac8":"<8 hex>"}``, a part of one ``[masked:<rule>:<8
hex>]``. The hex is
of an HMAC under the workspace's key, never a bare digest: a short value could be guessed from that.

Invariants, each with a test in tests/unit/secrets/detection/test_marks.py:
    - a value is told to be the one that a mark stands for, whatever rules are in force today;
    - no mark is taken for a credential.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

from babysitter.model.values import Json
from babysitter.secrets.references import MASKED_KEY

HMAC_KEY: Final = "hmac8"
MASKED_WORD: Final = b'"$masked"'
_INLINE: Final = re.compile(r"[\[(]masked[:-][^\[\]():]{1,120}[:-]([0-9a-f]{8})[\])]")
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_MARKS_MAX: Final = 8


class Sealer:
    """Digests values under the key of a workspace, which is asked for when the first one is found."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._read_key = key
        self._key: bytes | None = None

    def hmac8(self, value: bytes) -> str:
        """Return the 8 hex characters by which equal values can be told to be equal."""
        return self._digest(b"value\0" + value)[:8]

    def fingerprint(self, rule: str, value: bytes) -> str:
        """Return the 32 hex characters by which a value may be allowed in this workspace."""
        return self._digest(b"allow\0" + rule.encode() + b"\0" + value)[:32]

    def _digest(self, data: bytes) -> str:
        if self._key is None:
            self._key = self._read_key()
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "Sealer()"


class MaskedValue(dict[str, Json]):
    """A mark that the writer made, as a reader gets it: masked again it stays what it is.

    Data that merely looks like a mark is a plain ``dict``, and is escaped.
    """


def whole_mark(rule: str, hmac8: str) -> Json:
    """Return what stands in place of a whole string."""
    return {MASKED_KEY: rule, HMAC_KEY: hmac8}


def inline_mark(rule: str, hmac8: str) -> str:
    """Return what stands inside a longer text, in output and in keys."""
    return f"[masked:{rule}:{hmac8}]"


def name_mark(rule: str, hmac8: str) -> str:
    """Return what stands inside a file's name."""
    return f"(masked-{_NOT_IN_A_NAME.sub('-', rule)}-{hmac8})"


def with_marks(stored: Json) -> Json:
    """Return stored data with each mark in it as a ``MaskedValue``; the same object when there is none."""
    kind = type(stored)
    if kind is dict:
        if is_whole_mark(stored):
            return MaskedValue(stored)
        members = {key: with_marks(item) for key, item in stored.items()}
        return members if any(members[key] is not item for key, item in stored.items()) else stored
    if kind is list:
        items = [with_marks(item) for item in stored]
        return items if any(new is not old for new, old in zip(items, stored, strict=True)) else stored
    return stored


def is_whole_mark(value: Json) -> bool:
    """Tell whether an object has the form of ``whole_mark``'s."""
    return isinstance(value, dict) and set(value) == {MASKED_KEY, HMAC_KEY}


def stands_for(stored: Json, value: Json, sealer: Sealer) -> bool:
    """Tell whether what is stored, with marks in it, is what became of the value."""
    if stored == value and type(stored) is type(value):
        return True
    if isinstance(value, str):
        return _text_stands_for(stored, value, sealer)
    if isinstance(value, dict) and isinstance(stored, dict):
        return len(stored) == len(value) and all(
            _text_stands_for(key, own, sealer) and stands_for(item, value[own], sealer)
            for (key, item), own in zip(stored.items(), value, strict=True)
        )
    if isinstance(value, list | tuple) and isinstance(stored, list | tuple):
        return len(stored) == len(value) and all(
            stands_for(item, own, sealer) for item, own in zip(stored, value, strict=True)
        )
    return False


def _text_stands_for(stored: Json, text: str, sealer: Sealer) -> bool:
    data = text.encode("utf-8", "surrogatepass")
    if is_whole_mark(stored):
        return bool(stored[HMAC_KEY] == sealer.hmac8(data))
    if not isinstance(stored, str):
        return False
    if stored == text:
        return True
    marks = list(_INLINE.finditer(stored))
    return 0 < len(marks) <= _MARKS_MAX and _fits(stored, marks, text, sealer)


def _fits(stored: str, marks: list[re.Match[str]], text: str, sealer: Sealer) -> bool:
    """Tell whether the text is the stored one with each mark's value in its place."""
    pieces, position = [], 0
    for mark in marks:
        pieces.append(re.escape(stored[position : mark.start()]))
        position = mark.end()
    pieces.append(re.escape(stored[position:]))
    match = re.fullmatch("(.+?)".join(pieces), text, re.DOTALL)
    return match is not None and all(
        sealer.hmac8(found.encode("utf-8", "surrogatepass")) == mark[1]
        for found, mark in zip(match.groups(), marks, strict=True)
    )
