"""Finds all forms of all secrets in one pass.

Invariants, each with a test in tests/unit/secrets/test_search.py:
    - ``find`` gives the leftmost match, of several the longest, and matches that do not overlap;
    - a text that several secrets have belongs to the first by name, in its simplest form;
    - ``may_matter`` is False only when masking a value with that JSON text would change nothing.

Patterns are bytes: UTF-8 matches of UTF-8 patterns always begin and end between
characters, and the same search serves strings, JSON, and output that is no text.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Never

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from babysitter.secrets.encodings import json_escape
from babysitter.secrets.forms import CHARS_MIN, byte_forms_of, forms_of, with_gaps
from babysitter.secrets.references import LOOKALIKES, Reference
from babysitter.secrets.squeeze import gaps_of, is_plain, segments, skeleton, squeeze

if TYPE_CHECKING:
    from babysitter.secrets.sieve import Sieve

Match = tuple[int, int, int]
"""Number of the pattern, begin and end in the bytes that were searched."""

Find = Callable[[bytes], list[Match]]

_HEAD_BYTES: Final = 4
"""Shorter than any pattern. A place where no pattern's first bytes stand needs no closer look."""

_TELLING_BYTES: Final = 24
"""What begins like a form is looked at closely; that it goes on like one need not be known before."""

_SKELETON_BYTES_MIN: Final = 6
"""A shorter skeleton stands everywhere, and tells nothing: what has one is looked for with flesh on."""

_SIEVE_AFTER_BYTES: Final = 1 << 20
"""What a sieve saves on so much is near what it takes to make."""

_LOOKALIKE: Final = re.compile(b"|".join(map(re.escape, LOOKALIKES)))

# Left to itself the library makes a table of all transitions for few patterns: 100 MB for one long secret.
_KIND: Final = Implementation.ContiguousNFA


def leftmost_longest(patterns: list[bytes]) -> Find:
    """Return a search that gives the leftmost match, of several the longest, then goes on behind it."""
    automaton = BytesAhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest, implementation=_KIND)
    found: Find = automaton.find_matches_as_indexes
    return found


def _any_of(patterns: Iterable[bytes]) -> BytesAhoCorasick:
    return BytesAhoCorasick(list(patterns), matchkind=MatchKind.Standard, implementation=_KIND)


class PatternSet:
    """Patterns, ready to be searched for, and whose each is. Holds values; its repr shows none."""

    __slots__ = (
        "_bare", "_bones", "_find", "_heads", "_searched_bytes", "_sieve", "_skeletons", "_sorted",
        "bytes_max", "patterns", "references",
    )  # fmt: skip

    def __init__(self, owners: Mapping[bytes, Reference]) -> None:
        self.patterns = list(owners)
        self.references = list(owners.values())
        self.bytes_max = max(map(len, self.patterns), default=0)
        self._find: Find | None = None
        self._sieve: Sieve | None = None
        self._searched_bytes = 0
        self._sorted = sorted(self.patterns)
        self._heads = _any_of({pattern[:_HEAD_BYTES] for pattern in self.patterns})
        self._bones: set[bytes] = set()
        bare: set[bytes] = set()
        for written in (each for pattern in self.patterns for each in _ways_to_write(pattern)):
            bones = skeleton(written)
            if len(bones) >= _SKELETON_BYTES_MIN:
                self._bones.add(bones[:_TELLING_BYTES])
            else:
                bare.add(written[:_TELLING_BYTES])
        self._skeletons = _any_of(self._bones)
        self._bare = _any_of(bare) if bare else None

    def find(self, data: bytes) -> list[Match]:
        """Return the matches, leftmost and then longest first, that do not overlap."""
        # Made when there is something to find: of a run that shows no secret it would be most of the cost.
        if self._find is None:
            if not self.may_stand_in(data):
                return []
            self._find = leftmost_longest(self.patterns)
        return self._find(data)

    def may_stand_in(self, data: bytes) -> bool:
        """False only when no pattern stands in the data, in what it is JSON of, or in its squeezed view."""
        if not self.patterns:
            return False
        sieve = self._sieve or self._sieve_once_it_pays(len(data))
        return (sieve is None or bool(sieve(data))) and self._may_stand_closely(data)

    def _sieve_once_it_pays(self, searched_bytes: int) -> "Sieve | None":
        # Most processes write so little that making one would take longer than it saves.
        self._searched_bytes += searched_bytes
        if self._searched_bytes > _SIEVE_AFTER_BYTES:
            from babysitter.secrets.sieve import make_sieve  # noqa: PLC0415 (see above)

            self._sieve = (make_sieve(self._bones) if self._bare is None else None) or _lets_all_pass
        return self._sieve

    def _may_stand_closely(self, data: bytes) -> bool:
        search = self._skeletons.find_matches_as_indexes
        if search(skeleton(data)):
            return True
        if self._bare is None and is_plain(data):
            return False
        squeezed = squeeze(data)
        if search(skeleton(squeezed)):
            return True
        return self._bare is not None and any(map(self._bare.find_matches_as_indexes, (data, squeezed)))

    def covering(self, data: bytes) -> list[Match]:
        """Return, ascending, every match, and between them those of the squeezed view, as places in data."""
        if len(data) < CHARS_MIN or not self.may_stand_in(data):
            return []
        matches = self.find(data)
        if len(squeeze(data)) == len(data):
            return matches
        covering: list[Match] = []
        position = 0
        for match in matches:
            covering += self._squeezed(data, position, match[1])
            covering.append(match)
            position = match[2]
        covering += self._squeezed(data, position, len(data))
        return covering

    def spells(self, data: bytes) -> bool:
        """True when a pattern stands in the data or in the squeezed view of it."""
        return bool(self.covering(data))

    def _squeezed(self, data: bytes, begin: int, end: int) -> Iterator[Match]:
        piece = data[begin:end]
        if len(piece) < CHARS_MIN or len(squeeze(piece)) == len(piece):
            return
        for segment in segments(piece):
            for number, first, last in self.find(segment.text):
                span = segment.span(first, last)
                yield number, begin + span[0], begin + span[1]

    def open_ends(self, data: bytes) -> list[int]:
        """Return, ascending, the places from which the rest of ``data`` begins a longer pattern."""
        first = max(0, len(data) - self.bytes_max + 1)
        tail = data[first:]
        # Behind the last place where a whole head may stand, each place is looked at.
        rest = max(0, len(tail) - _HEAD_BYTES + 1)
        places = sorted(
            {begin for _, begin, _ in self._heads.find_matches_as_indexes(tail, overlapping=True)}
        )
        places += range(rest, len(tail))
        return [first + place for place in places if self._begins_pattern(tail[place:])]

    def _begins_pattern(self, head: bytes) -> bool:
        # The patterns that begin with ``head`` and are longer follow it in sorted order.
        at = bisect_right(self._sorted, head)
        return at < len(self._sorted) and self._sorted[at].startswith(head)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.patterns)} forms)"

    def __reduce__(self) -> Never:
        raise TypeError(f"a {type(self).__name__} holds secrets and is not copied or pickled")


class FormIndex(PatternSet):
    """All forms of the given values that are text; ``output`` has those besides that are bytes alone."""

    __slots__ = ("output",)

    def __init__(self, values: Mapping[str, str]) -> None:
        owners: dict[bytes, Reference] = {}
        binary: dict[bytes, Reference] = {}
        for ref in sorted(values):
            for form, text in forms_of(values[ref]):
                owners.setdefault(text.encode(), Reference(ref, form))
            for form, data in byte_forms_of(values[ref]):
                binary.setdefault(data, Reference(ref, form))
        super().__init__(owners)
        further = {data: reference for data, reference in binary.items() if data not in owners}
        self.output: PatternSet = PatternSet({**owners, **further}) if further else self

    def reference(self, number: int, span: bytes) -> Reference:
        """Return what gives back the very span that the pattern of that number was found as."""
        reference = self.references[number]
        if span == self.patterns[number]:
            return reference
        return Reference(reference.ref, with_gaps(reference.form, gaps_of(span)))

    def may_matter(self, json_text: bytes) -> bool:
        """True when the JSON text may hold a form, or something that looks like a reference."""
        return (b"$" in json_text and _LOOKALIKE.search(json_text) is not None) or self.may_stand_in(
            json_text
        )


def _lets_all_pass(_: bytes) -> bool:
    return True


def _ways_to_write(pattern: bytes) -> tuple[bytes, ...]:
    try:
        return pattern, json_escape(pattern.decode()).encode()
    except UnicodeDecodeError:
        return (pattern,)
