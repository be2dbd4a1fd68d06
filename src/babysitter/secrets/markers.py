"""What stands in place of a secret where nobody turns it back: logs, artifacts, file names.

Here the text around can be anything, so the mark itself must make sure that
mark and text together never spell a secret again.

Invariants, each with a test in tests/unit/secrets/test_markers.py:
    - no form overlaps a mark, holds one or stands in one;
    - a mark is the same for the same set of secrets, and usually says which secret stood there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from babysitter.secrets.references import Reference
from babysitter.secrets.search import PatternSet

_PRIVATE_USE_FIRST: Final = 0xE000
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def output_marks(index: PatternSet) -> list[bytes]:
    """Return for each pattern what stands in its place in output: usually ``${secret:env:K}``."""
    return _free_of_forms(
        index, (("${secret:", "}"), ("<secret:", ">"), ("[secret:", "]"), ("(secret:", ")")), _label
    )


def name_marks(index: PatternSet) -> list[bytes]:
    """Return for each pattern what stands in its place in a file name: usually ``(env-K)``."""
    return _free_of_forms(index, (("(", ")"), ("[", "]"), ("@", "@")), _name_label)


def _label(reference: Reference) -> str:
    form = reference.form.rstrip("~")
    return reference.ref if form == "raw" else f"{reference.ref}|{form}"


def _name_label(reference: Reference) -> str:
    form = reference.form.rstrip("~")
    label = reference.ref if form == "raw" else f"{reference.ref}-{form}"
    return _NOT_IN_A_NAME.sub("-", label)


def _free_of_forms(
    index: PatternSet, brackets: Sequence[tuple[str, str]], label: Callable[[Reference], str]
) -> list[bytes]:
    for opening, closing in brackets:
        marks = [f"{opening}{label(reference)}{closing}".encode() for reference in index.references]
        if not _meets_a_form(index, marks, opening.encode(), closing.encode()):
            return marks
    edge = next(_unused_characters(index)).encode()
    numbers = {ref: number for number, ref in enumerate(sorted({each.ref for each in index.references}))}
    # A character that no secret has on either side, and too few bytes in between to be a secret.
    return [edge + _short(numbers[reference.ref]) + edge for reference in index.references]


def _short(number: int) -> bytes:
    # At most 7 bytes between the edges: ten million secrets.
    return str(number).encode()


def _unused_characters(index: PatternSet) -> Iterator[str]:
    code = _PRIVATE_USE_FIRST
    while True:
        char = chr(code)
        if not any(char.encode() in pattern for pattern in index.patterns):
            yield char
        code += 1


def _meets_a_form(index: PatternSet, marks: list[bytes], opening: bytes, closing: bytes) -> bool:
    if any(index.find(mark) for mark in marks):
        return True
    first, last = opening[:1], closing[-1:]
    return any(
        _touches(pattern, marks, opening, first, last)
        for pattern in index.patterns
        if first in pattern or last in pattern
    )


def _touches(pattern: bytes, marks: list[bytes], opening: bytes, first: bytes, last: bytes) -> bool:
    """True when the pattern could end inside a mark, begin inside one, or hold a whole one."""
    for at in _places(pattern, first):
        tail = pattern[at:]
        if opening.startswith(tail) or (
            tail.startswith(opening) and any(_one_begins_other(tail, m) for m in marks)
        ):
            return True
    return any(mark.endswith(pattern[: at + 1]) for at in _places(pattern, last) for mark in marks)


def _one_begins_other(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


def _places(pattern: bytes, byte: bytes) -> Iterator[int]:
    at = pattern.find(byte)
    while at >= 0:
        yield at
        at = pattern.find(byte, at + 1)
