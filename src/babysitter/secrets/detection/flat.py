"""A JSON value as one text to search: a line a string, each behind its key, and the way back to it.

Strings stand as they are, not as JSON would write them: escaping hides what is searched for. The key
stands before its string because a word such as ``password`` says what the string is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from babysitter.model.errors import DetectionError
from babysitter.model.values import Json
from babysitter.secrets.references import MASKED_KEY, SEALED_KEY, SECRET_KEY, VEILED_KEY

_OURS = frozenset({SECRET_KEY, MASKED_KEY, SEALED_KEY, VEILED_KEY})


@dataclass(frozen=True, slots=True)
class Leaf:
    """One string: where it stands in the text, and the way to it in the value. ``is_key``: it is a key."""

    begin: int
    end: int
    where: str
    is_key: bool


class Flat:
    """A value as a text, and its strings in the order in which ``strings`` gives them."""

    def __init__(self, value: Json) -> None:
        self.leaves: list[Leaf] = []
        self._pieces: list[bytes] = []
        self._length = 0
        self._add(value, b"", "")
        self.text = b"".join(self._pieces)

    def _put(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._length += len(piece)

    def _add(self, value: Json, key: bytes, where: str) -> None:
        kind = type(value)
        if kind is str:
            self._put(b'"%b":"' % key if key else b'"')
            self._leaf(value.encode("utf-8", "surrogatepass"), where, is_key=False)
            self._put(b'"\n')
        elif kind is dict:
            if not _OURS.isdisjoint(value):
                # References and marks of ours; what only looks like one was escaped.
                return
            for name, item in value.items():
                encoded = name.encode("utf-8", "surrogatepass")
                if type(item) is not str:
                    self._put(b'"')
                    self._leaf(encoded, where, is_key=True)
                    self._put(b'"\n')
                    self._add(item, encoded, f"{where}.{name}")
                    continue
                self._put(b'"')
                self._leaf(encoded, where, is_key=True)
                self._put(b'":"')
                self._leaf(item.encode("utf-8", "surrogatepass"), f"{where}.{name}", is_key=False)
                self._put(b'"\n')
        elif kind is list or kind is tuple:
            for number, item in enumerate(value):
                self._add(item, key, f"{where}[{number}]")

    def _leaf(self, text: bytes, where: str, *, is_key: bool) -> None:
        self.leaves.append(Leaf(self._length, self._length + len(text), where, is_key))
        self._put(text)


def rebuilt(value: Json, changed: Iterator[Json]) -> Json:
    """Return the value with its strings replaced, in the order of ``Flat.leaves``.

    Raises:
        DetectionError: two keys have become the same.
    """
    kind = type(value)
    if kind is str:
        return next(changed)
    if kind is dict:
        if not _OURS.isdisjoint(value):
            return value
        members = {}
        for item in value.values():
            name = next(changed)
            members[name] = rebuilt(item, changed)
        if len(members) < len(value):
            raise DetectionError(
                "two keys of an object are credentials that have become the same.",
                hint="Do not use credentials as keys.",
            )
        return members
    if kind is list or kind is tuple:
        return [rebuilt(item, changed) for item in value]
    return value
