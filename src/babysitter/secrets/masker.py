"""Turns values of secrets into references on the way to disk, and references into values on the way back.

Invariants, each with a test in tests/unit/secrets/test_masker*.py:
    - the JSON of ``mask(value)`` holds no form of any secret, whatever meets what in it;
    - ``unmask(mask(value)) == value``; a value that looks like a reference stays data;
    - a value that needs no change is returned itself, after one encoding and one search.

Output that nobody turns back (``mask_bytes``, ``stream``, ``mask_name``) gets marks
instead: see markers.py. How and why: docs/explanation/masking.md.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from operator import is_not
from typing import Final

import orjson

from babysitter.model.errors import SecretError
from babysitter.model.secret import Secret
from babysitter.model.values import Json, check_json
from babysitter.secrets.forms import CHARS_MIN, encode
from babysitter.secrets.markers import name_marks, output_marks
from babysitter.secrets.references import (
    MASKED_KEY,
    SEALED_KEY,
    SECRET_KEY,
    VEILED_KEY,
    Part,
    Reference,
    Veil,
    escape_key,
    escape_text,
    may_refer,
    parse_text,
    parse_value,
    unescape_key,
    write_text,
    write_value,
)
from babysitter.secrets.search import FormIndex
from babysitter.secrets.streams import StreamMasker, mask_whole
from babysitter.secrets.vault import Vault
from babysitter.secrets.veil import Veiler, lift

_NOT_IN_A_NAME: Final = re.compile(r"[${}:\x00-\x1f\x7f]")
_DIGEST_CHARS: Final = 8


class Masker:
    """Masks with the secrets of one vault. Used by many threads at once."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._ways: Final[Mapping[type, Callable[[Json], Json]]] = {
            str: self._masked_string,
            dict: self._masked_members,
            list: self._masked_items,
            tuple: self._masked_items,
            Secret: self._masked_leaf,
        }
        self.masks_nothing = not vault.holds_values

    # Made when first used: a command that only reads journals needs none of them.

    @cached_property
    def _index(self) -> FormIndex:
        return self._vault.index

    @cached_property
    def _may_matter(self) -> Callable[[bytes], bool]:
        return self._index.may_matter

    @cached_property
    def _marks(self) -> list[bytes]:
        return output_marks(self._index.output)

    @cached_property
    def _name_marks(self) -> list[bytes]:
        return name_marks(self._index.output)

    def _mark(self, number: int) -> bytes:
        return self._marks[number]

    def _name_mark(self, number: int) -> bytes:
        return self._name_marks[number]

    @cached_property
    def _veiler(self) -> Veiler:
        return Veiler(self._vault)

    def mask(self, value: Json) -> Json:
        """Return the value as it may be stored; the value itself when nothing in it needs a change.

        ``Secret`` leaves become references, forms of secrets become references (in keys too), and what
        looks like a reference is escaped.

        Raises:
            SecretError: a ``Secret`` leaf is not declared.
            InvalidValueError: it is not JSON.
        """
        try:
            text = orjson.dumps(value)
        except TypeError:
            # A Secret leaf, or no JSON at all, which check_json tells.
            check_json(value)
        else:
            if not self._may_matter(text):
                return value
        masked = self._masked(value)
        return self._masked_apart(value) if self._index.spells(orjson.dumps(masked)) else masked

    def changes(self, json_text: bytes) -> bool:
        """Return False only when ``mask`` gives back the very value that this is the JSON text of.

        For a writer that encodes first: one search of a whole line instead of one a field.
        """
        return self._may_matter(json_text)

    def _masked(self, value: Json) -> Json:
        way = self._ways.get(type(value))
        return value if way is None else way(value)

    def _masked_members(self, value: dict[str, Json]) -> Json:
        members = {}
        changed = False
        for key, item in value.items():
            # Spelled out, not called: this loop is most of what masking a large value costs.
            way = self._ways.get(type(item))
            new = item if way is None else way(item)
            new_key = self._masked_key(key) if len(key) >= CHARS_MIN or "$" in key else key
            members[new_key] = new
            changed = changed or new is not item or new_key is not key
        return members if changed else value

    def _masked_items(self, value: list[Json] | tuple[Json, ...]) -> Json:
        items = [self._masked(item) for item in value]
        return items if any(map(is_not, items, value)) else value

    def _masked_leaf(self, value: Secret) -> Json:
        return write_value(self._declared(value.ref))

    def _declared(self, ref: str) -> Reference:
        if ref not in self._vault.declared:
            # Refused now: a line that holds it could never be read again.
            self._vault.resolve(ref)
        return Reference(ref)

    def _masked_string(self, text: str) -> Json:
        # No form is shorter.
        if len(text) < CHARS_MIN:
            return escape_text(text)
        data = text.encode()
        matches = self._index.covering(data)
        if not matches:
            return escape_text(text)
        parts = self._parts(data, matches)
        if len(parts) == 1 and isinstance(parts[0], Reference):
            return write_value(parts[0])
        return write_text(parts)

    def _masked_key(self, key: str) -> str:
        data = key.encode()
        matches = self._index.covering(data)
        if matches:
            return write_text(self._parts(data, matches))
        return escape_key(escape_text(key)) if "$" in key else key

    def _parts(self, data: bytes, matches: list[tuple[int, int, int]]) -> list[Part]:
        parts: list[Part] = []
        position = 0
        for number, begin, end in matches:
            if begin > position:
                parts.append(data[position:begin].decode())
            parts.append(self._index.reference(number, data[begin:end]))
            position = end
        if position < len(data):
            parts.append(data[position:].decode())
        return parts

    def _masked_apart(self, value: Json) -> Json:
        """Return the value masked, with a veil over each smallest part whose masked JSON spells a secret."""
        kind = type(value)
        masked: Json
        if kind is dict:
            masked = {self._masked_key(key): self._masked_apart(item) for key, item in value.items()}
        elif kind is list or kind is tuple:
            masked = [self._masked_apart(item) for item in value]
        else:
            masked = self._masked(value)
        if not self._index.spells(orjson.dumps(masked)):
            return masked
        return self._veiler.veil(value)

    def mask_string(self, text: str) -> str:
        """Return the text as it may be stored where only a text can stand; ``unmask`` gives it back.

        As ``mask``, but a whole secret is ``${secret:env:K}`` too.
        """
        if not self._may_matter(orjson.dumps(text)):
            return text
        data = text.encode()
        matches = self._index.covering(data)
        masked = write_text(self._parts(data, matches)) if matches else escape_text(text)
        return self._veiler.veil_text(text) if self._index.spells(orjson.dumps(masked)) else masked

    def unmask(self, stored: Json) -> Json:
        """Return the value that was masked, with what its references resolve to now.

        ``$masked`` and ``$sealed`` objects stay as they are: there is nothing to turn them back into.

        Raises:
            SecretError: a reference is not declared, has no value, or was never written by us.
        """
        return self._unmasked(stored) if b"$" in orjson.dumps(stored) else stored

    def _unmasked(self, stored: Json) -> Json:
        kind = type(stored)
        if kind is str:
            return self._unmasked_text(stored)
        if kind is list:
            return [self._unmasked(item) for item in stored]
        if kind is not dict:
            return stored
        if SECRET_KEY in stored:
            return self._text_of(parse_value(stored))
        if VEILED_KEY in stored and len(stored) == 1:
            return lift(self._vault, stored[VEILED_KEY])
        if MASKED_KEY in stored or SEALED_KEY in stored:
            return stored
        return self._unmasked_members(stored)

    def _unmasked_members(self, stored: dict[str, Json]) -> dict[str, Json]:
        members = {}
        for key, item in stored.items():
            members[self._unmasked_text(unescape_key(key)) if "$" in key else key] = self._unmasked(item)
        if len(members) < len(stored):
            raise SecretError(
                "two keys of an object hold secrets that have become the same.",
                hint="Give the secrets the values they had; with these the object would lose a member.",
            )
        return members

    def _unmasked_text(self, stored: str) -> str:
        if not may_refer(stored):
            return stored
        return "".join(
            [part if isinstance(part, str) else self._text_of(part) for part in parse_text(stored)]
        )

    def _text_of(self, reference: Reference | Veil) -> str:
        if isinstance(reference, Veil):
            return str(lift(self._vault, reference.sealed))
        text = encode(self._vault.resolve(reference.ref), reference.form)
        if text is None:
            raise SecretError(
                f"{reference.ref} has no {reference.form} any more.",
                hint="Give the secret as many lines as it had when the run was made.",
                ref=reference.ref,
            )
        return text

    def mask_bytes(self, data: bytes) -> bytes:
        """Return the bytes, of whatever kind, with a mark in place of each form; nobody turns that back."""
        return mask_whole(self._index.output, self._mark, data)

    def mask_text(self, text: str) -> str:
        """Return the text as ``mask_bytes`` gives it: for screens and messages, not for values."""
        return self.mask_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def stream(self) -> StreamMasker:
        """Return a masker for one stream that comes in chunks."""
        return StreamMasker(self._index.output, self._mark)

    def mask_name(self, name: str) -> str:
        """Return a file name, or path, without secrets, ``$``, ``{``, ``}``, ``:`` and control characters.

        The same for the same name and secrets. A changed name ends, before its suffix, in a digest of the
        *masked* name, so that different names stay different.
        """
        data = name.encode("utf-8", "surrogatepass")
        marked = mask_whole(self._index.output, self._name_mark, data).decode("utf-8", "surrogatepass")
        clean = _NOT_IN_A_NAME.sub("-", marked)
        if clean == name:
            return name
        # Of the masked name: a digest of the clear one would let a short secret be guessed.
        seed = orjson.dumps(self.mask(name.encode("utf-8", "backslashreplace").decode()))
        digest = hashlib.sha256(seed).hexdigest()
        folder, slash, last = clean.rpartition("/")
        stem, dot, suffix = last.rpartition(".")
        whole = (
            f"{folder}{slash}{stem}~{digest[:_DIGEST_CHARS]}.{suffix}"
            if dot and stem and suffix.isalnum()
            else f"{clean}~{digest[:_DIGEST_CHARS]}"
        )
        return (
            self._opaque_name(seed) if self._index.spells(whole.encode("utf-8", "surrogatepass")) else whole
        )

    def _opaque_name(self, seed: bytes) -> str:
        salt = 0
        while self._index.find(
            (name := f"~{hashlib.sha256(seed + bytes([salt])).hexdigest()[:16]}").encode()
        ):
            salt += 1
        return name

    def __repr__(self) -> str:
        return f"Masker({self._vault!r})"
