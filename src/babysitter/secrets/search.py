"""Finds all forms of all secrets in one pass.

Invariants, each with a test in tests/unit/secrets/test_search.py:
    - ``find`` gives the leftmost match, of several the longest, and matches that do not overlap;
    - a text that several secrets have belongs to the first by name, in its simplest form;
    - ``may_matter`` is False only when masking a value with that JSON text would change nothing.

Patterns are bytes: UTF-8 matches of UTF-8 patterns always begin and end between
characters, and the same search serves strings, JSON, and output that is no text.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Final, Never

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from babysitter.secrets.forms import forms_of, json_escape
from babysitter.secrets.references import LOOKALIKES, Reference

Match = tuple[int, int, int]
"""Number of the pattern, begin and end in the bytes that were searched."""

Find = Callable[[bytes], list[Match]]

_HEAD_BYTES: Final = 4
"""Shorter than any pattern. A place where no pattern's first bytes stand needs no closer look."""

_TELLING_BYTES: Final = 24
"""What begins like a form is looked at closely; that it goes on like one need not be known before."""

# Left to itself the library makes a table of all transitions for few patterns: 100 MB for one long secret.
_KIND: Final = Implementation.ContiguousNFA


def leftmost_longest(patterns: list[bytes]) -> Find:
    """Return a search that gives the leftmost match, of several the longest, then goes on behind it."""
    automaton = BytesAhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest, implementation=_KIND)
    found: Find = automaton.find_matches_as_indexes
    return found


def _any_of(patterns: set[bytes]) -> BytesAhoCorasick:
    return BytesAhoCorasick(list(patterns), matchkind=MatchKind.Standard, implementation=_KIND)


class FormIndex:
    """All forms of the given values, ready to be searched for. Holds values; its repr shows none."""

    __slots__ = ("_heads", "_json", "_sorted", "bytes_max", "find", "patterns", "references")

    def __init__(self, values: Mapping[str, str]) -> None:
        owners: dict[bytes, Reference] = {}
        for ref in sorted(values):
            for form, text in forms_of(values[ref]):
                owners.setdefault(text.encode(), Reference(ref, form))
        self.patterns = list(owners)
        self.references = list(owners.values())
        self.bytes_max = max(map(len, self.patterns), default=0)
        self.find: Find = leftmost_longest(self.patterns)
        in_json = (json_escape(pattern.decode()).encode() for pattern in self.patterns)
        beginnings = {pattern[:_TELLING_BYTES] for pattern in (*owners, *in_json)}
        self._json: Find = _any_of({*beginnings, *LOOKALIKES}).find_matches_as_indexes
        self._sorted = sorted(self.patterns)
        self._heads = _any_of({pattern[:_HEAD_BYTES] for pattern in self.patterns})

    def may_matter(self, json_text: bytes) -> bool:
        """True when the JSON text may hold a form, or something that looks like a reference."""
        return bool(self._json(json_text))

    def open_ends(self, data: bytes) -> list[int]:
        """Return, ascending, the places from which the rest of ``data`` begins a longer pattern."""
        first = max(0, len(data) - self.bytes_max + 1)
        tail = data[first:]
        places = {begin for _, begin, _ in self._heads.find_matches_as_indexes(tail, overlapping=True)}
        places.update(range(max(0, len(tail) - _HEAD_BYTES + 1), len(tail)))
        return [first + place for place in sorted(places) if self._begins_pattern(tail[place:])]

    def _begins_pattern(self, head: bytes) -> bool:
        # The patterns that begin with ``head`` and are longer follow it in sorted order.
        at = bisect_right(self._sorted, head)
        return at < len(self._sorted) and self._sorted[at].startswith(head)

    def __repr__(self) -> str:
        return f"FormIndex({len(self.patterns)} forms)"

    def __reduce__(self) -> Never:
        raise TypeError("a FormIndex holds secrets and is not copied or pickled")
