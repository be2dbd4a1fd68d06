"""JSON values that survive a round trip, their canonical bytes and their digest.

A value that leaves author code is checked here, before anything is journaled:
NaN and infinities, integers beyond 2^53, lone surrogates and keys that are not
strings are refused with the path to the value (an encoder would silently write
``null`` or something that another reader reads differently).

Canonical form: RFC 8785.
"""

import hashlib
import re
from math import isfinite
from typing import Any

import orjson

from babysitter.model.errors import InvalidValueError
from babysitter.model.secret import Secret

Json = Any
"""None, bool, int, float, str, list[Json] or dict[str, Json]; on its way in also ``Secret`` leaves."""

_LIKE_FLOAT = re.compile(rb"[0-9][.e]")
"""How orjson writes every float; where it occurs in a string only, a closer look says so."""
MAX_SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 64


def check_json(value: Json, *, where: str = "value") -> None:
    """Return when the value is JSON of ours (``Secret`` leaves allowed).

    Raises:
        InvalidValueError: with the path to the first value that is not.
    """
    _check(value, where, 0)


def _check(value: Json, path: str, depth: int) -> None:  # noqa: C901 (one branch a JSON kind; splitting hides the list)
    kind = type(value)
    if kind is str:
        if not value.isascii():
            _check_text(value, path)
    elif kind is int:
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise _refusal(
                path, "is an integer beyond 2^53 - 1, which other readers round", "Pass it as a string."
            )
    elif kind is float:
        if not isfinite(value):
            raise _refusal(path, f"is {value}, which JSON does not have", "Pass None or a string.")
    elif kind is dict:
        if depth >= MAX_DEPTH:
            raise _refusal(path, f"is nested deeper than {MAX_DEPTH} levels", "Flatten it.")
        for key, item in value.items():
            if type(key) is not str:
                raise _refusal(path, f"has the key {key!r}, which is not a string", "Use string keys.")
            if not key.isascii():
                _check_text(key, path)
            _check(item, f"{path}.{key}", depth + 1)
    elif kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            raise _refusal(path, f"is nested deeper than {MAX_DEPTH} levels", "Flatten it.")
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth + 1)
    elif value is not None and kind is not bool and kind is not Secret:
        raise _refusal(
            path,
            f"is a {kind.__name__}, which is not JSON",
            "Use a msgspec Struct, a dataclass or plain JSON.",
        )


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refusal(
            path, "holds a lone surrogate, which is not text", "Decode bytes before passing them."
        ) from None


def _refusal(path: str, what: str, hint: str) -> InvalidValueError:
    return InvalidValueError(f"{path} {what}.", hint=hint, path=path)


def encode_json(value: Json) -> bytes:
    """Return the value as JSON without spaces, keys in the order they have. The value is checked already."""
    return orjson.dumps(value)


def canonical_json(value: Json) -> bytes:
    """Return the RFC 8785 bytes of a checked value without ``Secret`` leaves."""
    # orjson sorts by code point and prints floats its own way; both agree with
    # RFC 8785 where keys are ASCII and no float occurs, which is nearly always.
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if (text.isascii() and not (_LIKE_FLOAT.search(text) and _holds_float(value))) or _is_plain(value):
        return text
    import rfc8785  # noqa: PLC0415 (10 ms to import, needed by few values)

    return rfc8785.dumps(value)


def _holds_float(value: Json) -> bool:
    kind = type(value)
    if kind is dict:
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    else:
        return kind is float
    for item in items:
        # The loop looks at leaves itself: a call for each would cost more than the encoding.
        kind = type(item)
        if kind is float or ((kind is dict or kind is list or kind is tuple) and _holds_float(item)):
            return True
    return False


def _is_plain(value: Json) -> bool:
    kind = type(value)
    if kind is dict:
        return all(key.isascii() and _is_plain(item) for key, item in value.items())
    if kind is list or kind is tuple:
        return all(_is_plain(item) for item in value)
    return kind is not float


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()
