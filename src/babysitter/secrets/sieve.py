"""One quick pass over a text that says of nearly every one that no form of a secret can stand in it.

What it lets through is looked at closely (search.py). It is one set of expressions: the first characters of
each form's skeleton (squeeze.py), with whatever gaps are made of between them. RE2 makes of that a table
that grows with what it reads: a step a byte, however many forms there are.

Invariants, each with a test in tests/unit/secrets/test_sieve.py:
    - a text that it holds back has no skeleton of a form in its own, and neither colours nor escaped control
      characters, behind which one may be hidden;
    - an engine that has not room enough is never asked: then there is no sieve.
"""

from collections.abc import Callable, Collection
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import re2

from babysitter.secrets.squeeze import LETTERS_OF_GAPS, NOT_PLAIN

Sieve = Callable[[bytes], object]
"""Tells whether a text must be looked at closely."""

HEAD_BYTES_MAX: Final = 7
"""So many characters of a secret stand together by chance in no text. Each more makes the set larger."""

_HEADS_MAX: Final = 10_000
_MEMORY_BYTES_MAX: Final = 64 << 20

# What gaps are made of is one letter to the engine, which makes its set four times as quickly then. Two bytes
# begin what is not plain, and are left as they are; the second stands in gaps, too.
_ONE_GAP: Final = bytes(
    ord("n") if byte in LETTERS_OF_GAPS and byte not in b"\x1b\\" else byte for byte in range(256)
)
_GAP: Final = r"[n\\]*"


def make_sieve(skeletons: Collection[bytes], *, memory_bytes: int = _MEMORY_BYTES_MAX) -> Sieve | None:
    """Return a sieve for skeletons, none of which is empty; None when there are too many for a quick one."""
    heads = {skeleton[:HEAD_BYTES_MAX] for skeleton in skeletons}
    if len(heads) > _HEADS_MAX:
        return None
    expressions = re2.Set.SearchSet(_options(memory_bytes))
    try:
        expressions.Add(_tree(sorted(heads), 0).encode())
        expressions.Add(NOT_PLAIN)
        expressions.Compile()
    except re2.error:
        # A set makes sure that it has room to be asked. The error has words of the secrets in it.
        return None
    match = expressions.Match
    return lambda text: match(text.translate(_ONE_GAP))


def _options(memory_bytes: int) -> Any:  # noqa: ANN401 (the library has no types)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = memory_bytes
    options.log_errors = False
    return options


def _tree(heads: list[bytes], at: int) -> str:
    """Return the expression of sorted heads that are equal up to ``at``.

    What they share is written once: the engine would not see it behind a gap, and follow each head alone.
    """
    branches = []
    for byte, group in groupby(heads, key=itemgetter(at)):
        longer = list(group)
        # The shortest comes first. Where it ends, whatever else begins like it is found with it.
        ends = len(longer[0]) == at + 1
        branches.append(_written(byte) + ("" if ends else _GAP + _tree(longer, at + 1)))
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _written(byte: int) -> str:
    char = chr(byte)
    return char if char.isascii() and char.isalnum() else f"\\x{byte:02x}"
