"""The last resort of masking: a value whose stored form would spell a secret by accident.

A reference, JSON's own punctuation or its escapes may meet a value's text so
that together they are a secret again: ``[true,true]`` where a secret is
``true,true``, or a JSON credential that a program parsed. Such a value is
stored as ``{"$v":"<salt>.<base64>"}``: the base64 is of the value's JSON text, cut
into literals and references, under a key stream of the salt (salt 0: plain).

Invariants, each with a test in tests/unit/secrets/test_veil.py:
    - ``lift(veil(value)) == value``;
    - the JSON of a veil holds no form: of all salts the first such one is taken.

There is always one: a form has at least 8 bytes, ``{"$v":"`` has 7 and ``"${$v:`` has 6, so
every form that could stand in a veil has a byte of it that depends on the salt.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
import orjson

from babysitter.model.errors import Defect, SecretError
from babysitter.model.values import Json
from babysitter.secrets.encodings import json_escape
from babysitter.secrets.forms import encode, is_form_name
from babysitter.secrets.references import VEILED_KEY, Veil, write_veil
from babysitter.secrets.search import leftmost_longest
from babysitter.secrets.vault import Vault

_SALTS_MAX: Final = 10_000

Piece = str | tuple[str, str, bool]
"""A literal, or a reference: name, form, and whether the form stands JSON-escaped."""


class Veiler:
    """Puts values under a veil and lifts it. Made when first needed, which is nearly never."""

    __slots__ = ("_find", "_owners", "_vault")

    def __init__(self, vault: Vault) -> None:
        owners: dict[bytes, tuple[str, str, bool]] = {}
        index = vault.index
        for pattern, owner in zip(index.patterns, index.references, strict=True):
            # Escaped first: inside a string a rotated value must be escaped too.
            owners.setdefault(json_escape(pattern.decode()).encode(), (owner.ref, owner.form, True))
        for pattern, owner in zip(index.patterns, index.references, strict=True):
            owners.setdefault(pattern, (owner.ref, owner.form, False))
        self._vault = vault
        self._owners = list(owners.values())
        self._find = leftmost_longest(list(owners))

    def veil(self, value: Json) -> Json:
        """Return what stands for the value, ``Secret`` leaves and all.

        Raises:
            SecretError: a ``Secret`` leaf has no value.
        """
        return self._free_of_forms(value, lambda sealed: {VEILED_KEY: sealed})

    def veil_text(self, text: str) -> str:
        """Return a text that stands for the text, where nothing but a text may stand."""
        veiled: str = self._free_of_forms(text, lambda sealed: write_veil(Veil(sealed)))
        return veiled

    def _free_of_forms(self, value: Json, written: Callable[[str], Json]) -> Json:
        payload = orjson.dumps(self._pieces(orjson.dumps(self._vault.reveal(value))))
        spells = self._vault.index.spells
        for salt in range(_SALTS_MAX):
            text = base64.urlsafe_b64encode(_mixed(payload, salt)).decode().rstrip("=")
            veiled = written(f"{salt}.{text}")
            if not spells(orjson.dumps(veiled)):
                return veiled
        raise Defect(
            f"no veil among {_SALTS_MAX} is free of secrets.", hint="Report this; leave the secrets out."
        )

    def _pieces(self, text: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        position = 0
        for number, begin, end in self._find(text):
            pieces += self._squeezed_pieces(text[position:begin])
            pieces.append(self._owners[number])
            position = end
        pieces += self._squeezed_pieces(text[position:])
        return pieces

    def _squeezed_pieces(self, text: bytes) -> Iterator[Piece]:
        index = self._vault.index
        position = 0
        for number, begin, end in index.covering(text):
            if begin > position:
                yield text[position:begin].decode()
            owner = index.reference(number, text[begin:end])
            yield owner.ref, owner.form, False
            position = end
        if position < len(text):
            yield text[position:].decode()


def lift(vault: Vault, sealed: Json) -> Json:
    """Return the value under a veil (salt and base64), with the values that its references have now.

    Raises:
        SecretError: a reference does not resolve, or a rotated secret does not fit into the JSON.
    """
    try:
        salt, _, text = sealed.partition(".")
        payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        pieces = msgspec.json.decode(_mixed(payload, int(salt)), type=list[Piece])
    except (ValueError, AttributeError):
        # What it holds instead may be anything, so the error that says so is not chained.
        raise _unreadable("is not one that Babysitter wrote") from None
    joined = "".join([piece if isinstance(piece, str) else _resolved(vault, piece) for piece in pieces])
    try:
        return orjson.loads(joined)
    except orjson.JSONDecodeError:
        # The decoder's error holds the text, and the text holds values.
        raise _unreadable("holds a secret whose new value does not fit") from None


def _resolved(vault: Vault, piece: tuple[str, str, bool]) -> str:
    ref, form, escaped = piece
    if not is_form_name(form):
        raise _unreadable("is not one that Babysitter wrote")
    text = encode(vault.resolve(ref), form)
    if text is None:
        raise _unreadable("names a line that its secret no longer has")
    return json_escape(text) if escaped else text


def _mixed(data: bytes, salt: int) -> bytes:
    if not salt:
        return data
    stream = hashlib.shake_128(f"babysitter veil {salt}".encode()).digest(len(data))
    return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(len(data))


def _unreadable(why: str) -> SecretError:
    return SecretError(
        f"a veiled value {why}.", hint="Give the secret the value it had, or verify the journal."
    )
