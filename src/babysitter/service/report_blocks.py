"""The parts that a report is made of: nothing in them is markup, so nothing in a run can become any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "sentence", "loud", "table", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One part. ``level``: of a heading; ``heads`` and ``rows``: of a table; ``words``: of the others."""

    kind: Kind
    words: str = ""
    level: int = 0
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def heading(level: int, words: str) -> Block:
    """Return a heading."""
    return Block(kind="heading", words=words, level=level)


def sentence(words: str) -> Block:
    """Return a sentence."""
    return Block(kind="sentence", words=words)


def loud(words: str) -> Block:
    """Return a sentence that nobody may overlook."""
    return Block(kind="loud", words=words)


def text(words: str) -> Block:
    """Return a text as it is, lines kept."""
    return Block(kind="text", words=words)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Block:
    """Return a table; heads that are all empty are not shown."""
    return Block(kind="table", heads=heads, rows=tuple(rows))
