"""The second half of masking: credentials that nobody declared, in what the first half has left.

Wraps a masker of declared secrets, and is one itself, so nothing is stored that went by only one of them.
What is found becomes a mark (marks.py), which nobody turns back: a reader gets the mark, live and on replay
alike.

Invariants, each with a test in tests/unit/secrets/detection/test_screening.py:
    - a value in which nothing is found is returned as the inner masker returned it;
    - references of the inner masker stay whole, or go whole;
    - a search that fails raises, and nothing is returned that could be stored.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import orjson

from babysitter.model.detections import CredentialSearch, Detected, Hit, print_of
from babysitter.model.errors import DetectionError
from babysitter.model.values import Json
from babysitter.secrets.detection.flat import Flat, Leaf, rebuilt
from babysitter.secrets.detection.marks import (
    MASKED_WORD,
    Sealer,
    inline_mark,
    name_mark,
    whole_mark,
    with_marks,
)
from babysitter.secrets.detection.screened_stream import Mark, ScreenedStream
from babysitter.secrets.masker import Masker

_REFERENCE: Final = re.compile(rb"\$+\{(?:secret|\$v):[^{}\n]*\}?|[<\[(]secret:[^<>\[\]()\n]*[>\])]")


class Screen:
    """What is looked for, what is let pass, and how what is found is digested. Shared by all threads."""

    def __init__(self, search: CredentialSearch, sealer: Sealer, allowed: Iterable[str] = ()) -> None:
        self.search = search
        self.sealer = sealer
        self._allowed = frozenset(allowed)
        self._known: dict[str, bool] = {}

    def hits(self, text: bytes) -> list[Hit]:
        """Return what must be masked in a text.

        Raises:
            DetectionError: the search failed.
        """
        found = self.search.find(text)
        return [hit for hit in found if not self._lets_pass(hit)] if self._allowed else list(found)

    def _lets_pass(self, hit: Hit) -> bool:
        own = self.sealer.fingerprint(hit.rule, hit.value)
        if own not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[own] = own in self._allowed or print_of(hit.rule, hit.value) in self._allowed
        return self._known[own]

    def detected(self, hit: Hit, where: str) -> Detected:
        """Return what is told of a hit."""
        return Detected(hit.rule, where, self.sealer.fingerprint(hit.rule, hit.value))


class ScreeningMasker:
    """See journal.masking.Masker. Used by many threads at once."""

    def __init__(self, inner: Masker, screen: Screen) -> None:
        self._inner = inner
        self._screen = screen
        self._search = screen.search
        self._told = threading.local()

    def mask(self, value: Json) -> Json:
        """See Masker."""
        masked = self._inner.mask(value)
        if not self._search.may_hold(orjson.dumps(masked)):
            return masked
        return self._screened(masked)

    def changes(self, json_text: bytes) -> bool:
        """See Masker."""
        return self._inner.changes(json_text) or self._search.may_hold(json_text)

    def unmask(self, stored: Json) -> Json:
        """See Masker."""
        marked = with_marks(stored) if MASKED_WORD in orjson.dumps(stored) else stored
        return self._inner.unmask(marked)

    def mask_string(self, text: str) -> str:
        """See Masker."""
        return self._text(self._inner.mask_string(text))

    def mask_text(self, text: str) -> str:
        """See Masker."""
        return self._text(self._inner.mask_text(text))

    def mask_bytes(self, data: bytes) -> bytes:
        """See Masker."""
        return self._bytes(self._inner.mask_bytes(data))

    def mask_name(self, name: str) -> str:
        """See Masker."""
        clean = self._inner.mask_name(name)
        data = clean.encode("utf-8", "surrogatepass")
        hits = self._hits(data)
        if not hits:
            return clean
        hmac8 = self._screen.sealer.hmac8
        marks = [name_mark(hit.rule, hmac8(data[hit.begin : hit.end])) for hit in hits]
        return _replaced(data, [(hit.begin, hit.end) for hit in hits], marks)

    def stream(self) -> ScreenedStream:
        """See Masker."""
        return ScreenedStream(self._inner.stream(), self.marks)

    def take_detections(self) -> list[Detected]:
        """Return what this thread's calls have found since it last asked."""
        found: list[Detected] = getattr(self._told, "found", [])
        self._told.found = []
        return found

    def without_screen(self) -> Masker:
        """Return the masker of the declared secrets alone, to compare with what was stored before."""
        return self._inner

    def marks(self, data: bytes) -> list[Mark]:
        """Return what must be replaced in bytes of any kind, by place.

        Raises:
            DetectionError: the search failed.
        """
        hits = self._hits(data)
        hmac8 = self._screen.sealer.hmac8
        return [
            Mark(
                begin,
                end,
                inline_mark(hit.rule, hmac8(data[begin:end])).encode(),
                self._screen.detected(hit, ""),
            )
            for hit, (begin, end) in zip(hits, _kept_whole(data, hits), strict=True)
        ]

    def _bytes(self, data: bytes) -> bytes:
        marks = self.marks(data)
        for mark in marks:
            self._note(mark.detected)
        spans = [(mark.begin, mark.end) for mark in marks]
        return _replaced_bytes(data, spans, [mark.text for mark in marks]) if marks else data

    def _hits(self, data: bytes) -> list[Hit]:
        return self._screen.hits(data) if self._search.may_hold(data) else []

    def _text(self, masked: str) -> str:
        data = masked.encode("utf-8", "surrogatepass")
        screened = self._bytes(data)
        return masked if screened is data else screened.decode("utf-8", "surrogatepass")

    def _note(self, detected: Detected) -> None:
        if not hasattr(self._told, "found"):
            self._told.found = []
        self._told.found.append(detected)

    def _screened(self, value: Json) -> Json:
        flat = Flat(value)
        hits = self._screen.hits(flat.text)
        if not hits:
            return value
        screened = rebuilt(value, self._leaves(flat, hits))
        written = orjson.dumps(screened)
        if self._inner.mask_bytes(written) != written:
            # A secret that looks like our mark, or like a mark and what stands beside it.
            raise DetectionError(
                "what would stand for an undeclared credential spells a declared secret.",
                hint="Choose another secret, without the word 'masked' in it.",
            )
        return screened

    def _leaves(self, flat: Flat, hits: Sequence[Hit]) -> Iterator[Json]:
        """Yield each string, with marks in it where something was found."""
        first = 0
        for leaf in flat.leaves:
            while first < len(hits) and hits[first].end <= leaf.begin:
                first += 1
            data = flat.text[leaf.begin : leaf.end]
            inside = [hit for hit in hits[first:] if hit.begin < leaf.end] if first < len(hits) else []
            yield self._leaf(data, leaf, inside) if inside and data else data.decode("utf-8", "surrogatepass")

    def _leaf(self, data: bytes, leaf: Leaf, hits: list[Hit]) -> Json:
        local = []
        for hit in hits:
            begin, end = max(hit.begin, leaf.begin) - leaf.begin, min(hit.end, leaf.end) - leaf.begin
            local.append(Hit(hit.rule, hit.description, hit.severity, begin, end, hit.value))
            self._note(self._screen.detected(hit, leaf.where))
        spans = _kept_whole(data, local)
        if spans == [(0, len(data))] and not leaf.is_key:
            # Of the whole string, which may say more than the value: replay compares strings.
            return whole_mark(local[0].rule, self._screen.sealer.hmac8(data))
        marks = [
            inline_mark(hit.rule, self._screen.sealer.hmac8(data[begin:end]))
            for hit, (begin, end) in zip(local, spans, strict=True)
        ]
        return _replaced(data, spans, marks)


def _kept_whole(data: bytes, hits: Sequence[Hit]) -> list[tuple[int, int]]:
    """Return the hits' spans, each widened over the references that it would cut."""
    references = (
        [match.span() for match in _REFERENCE.finditer(data)] if b"secret:" in data or b"{$v:" in data else []
    )
    spans: list[tuple[int, int]] = []
    for hit in hits:
        begin, end = hit.begin, hit.end
        for first, last in references:
            if first < end and begin < last:
                begin, end = min(begin, first), max(end, last)
        if spans and begin < spans[-1][1]:
            begin = spans[-1][1]
        spans.append((begin, max(begin, end)))
    return spans


def _replaced(data: bytes, spans: Sequence[tuple[int, int]], marks: Sequence[str]) -> str:
    return _replaced_bytes(data, spans, [mark.encode() for mark in marks]).decode("utf-8", "surrogatepass")


def _replaced_bytes(data: bytes, spans: Sequence[tuple[int, int]], marks: Sequence[bytes]) -> bytes:
    pieces: list[bytes] = []
    position = 0
    for (begin, end), mark in zip(spans, marks, strict=True):
        pieces += (data[position:begin], mark)
        position = end
    pieces.append(data[position:])
    return b"".join(pieces)
