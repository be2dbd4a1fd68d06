"""Masking of output that comes in chunks, cut anywhere: packed, then plain, then squeezed.

Three stages, one behind the other: what is inside of small gzip members (gunzip.py), every form as it is,
and the forms in the squeezed view of what lies between those.

Invariants, each with a test in tests/unit/secrets/test_streams.py:
    - what all ``feed`` and the ``flush`` return, joined, is the joined input masked at once;
    - held back is only what may still become a secret: less than the longest form and its gaps, or a gzip
      member of the size that is looked into.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from babysitter.secrets.gunzip import GunzipStage, Item, Stage, may_hold_gzip
from babysitter.secrets.search import PatternSet
from babysitter.secrets.squeeze import Segment, segments, squeeze, unfinished_at

_WINDOW_BYTES: Final = 1024


class PlainStage:
    """Finds every form as it is."""

    __slots__ = ("_index", "held")

    def __init__(self, index: PatternSet) -> None:
        self._index: Final = index
        self.held = b""

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """See Stage."""
        data = self.held + chunk if self.held else chunk
        open_ends = self._index.open_ends(data)
        position = 0
        for number, begin, end in self._index.find(data):
            # From an open end on, a longer match, or one further left, may still come.
            if open_ends and open_ends[0] <= begin:
                break
            yield data[position:begin]
            yield number
            position = end
            open_ends = [place for place in open_ends if place >= end]
        kept = open_ends[0] if open_ends else len(data)
        self.held = data[kept:]
        yield data[position:kept]

    def flush(self) -> Iterator[Item]:
        """See Stage."""
        data, self.held = self.held, b""
        position = 0
        for number, begin, end in self._index.find(data):
            yield data[position:begin]
            yield number
            position = end
        yield data[position:]


class SqueezedStage:
    """Finds the forms that gaps stand in."""

    __slots__ = ("_index", "_shown", "held")

    def __init__(self, index: PatternSet) -> None:
        self._index: Final = index
        self.held = b""
        self._shown = 0
        """How much of what is held is out already: see ``Segment.shown_from``."""

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """See Stage."""
        if chunk or self.held:
            yield from self._search(self.held + chunk if self.held else chunk, is_last=False)

    def flush(self) -> Iterator[Item]:
        """See Stage."""
        if self.held:
            yield from self._search(self.held, is_last=True)

    def _search(self, data: bytes, *, is_last: bool) -> Iterator[Item]:
        end = len(data) if is_last else unfinished_at(data)
        shown = self._shown
        open_ends: list[int] = []
        part: Segment | None = None
        for part, open_ends in self._parts(data[:end], is_last=is_last):
            for number, first, last in self._index.find(part.text):
                if open_ends and open_ends[0] <= first:
                    break
                yield data[shown : part.shown_from(first)]
                yield number
                shown = part.span(first, last)[1]
                open_ends = [place for place in open_ends if place >= last]  # noqa: PLW2901 (fewer as we go)
        kept = until = end
        if open_ends and part is not None:
            kept, until = part.place(open_ends[0]), part.shown_from(open_ends[0])
        yield data[shown:until]
        self.held = data[kept:]
        self._shown = max(shown, until) - kept

    def _parts(self, body: bytes, *, is_last: bool) -> Iterator[tuple[Segment, list[int]]]:
        """Yield what has to be searched: all of it where a form may stand, or else what one may begin in.

        With each the places from which it may go on. Only the last may: behind the others a gap separates.
        """
        index = self._index
        if index.may_stand_in(body):
            for part in segments(body):
                goes_on = part.end == len(body) and not is_last
                yield part, index.open_ends(part.text) if goes_on else []
            return
        if is_last:
            return
        start = body.rfind(b"\n", 0, max(0, len(body) - _WINDOW_BYTES)) + 1
        if start and len(squeeze(body[start:])) < index.bytes_max:
            start = 0
        # Most chunks end in nothing that could go on: then there is no need to know where it stands.
        text = squeeze(body[start:])
        if open_ends := index.open_ends(text):
            # A space is all of a gap or the end of one: behind it the view begins anew.
            wanted = len(text) - open_ends[0]
            near = body.rfind(b" ", start, max(start, len(body) - wanted)) + 1
            if len(squeeze(body[near:])) >= wanted:
                start = max(start, near)
            *_, part = segments(body, start)
            before = len(text) - len(part.text)
            yield part, [place - before for place in open_ends if place >= before]


class StreamMasker:
    """Masks one stream of bytes. Not for use by several threads."""

    __slots__ = ("_mark", "_stages")

    def __init__(self, index: PatternSet, mark: Callable[[int], bytes]) -> None:
        self._mark: Final = mark
        self._stages: Final[tuple[Stage, ...]] = (GunzipStage(index), PlainStage(index), SqueezedStage(index))

    @property
    def held_bytes(self) -> int:
        """How much is held back."""
        return sum(len(stage.held) for stage in self._stages)

    def feed(self, chunk: bytes) -> bytes:
        """Return what is certain now; the rest comes with later chunks, or with ``flush``."""
        return b"".join(self._written(self._through(0, self._stages[0].feed(chunk))))

    def flush(self) -> bytes:
        """Return what was held back. The stream has ended; a next ``feed`` begins a new one."""
        items: list[Item] = []
        for number, stage in enumerate(self._stages):
            items += self._through(number, stage.flush())
        return b"".join(self._written(items))

    def _through(self, number: int, items: Iterable[Item]) -> Iterator[Item]:
        """Yield what the stages behind the one of that number make of what it gave."""
        if number + 1 == len(self._stages):
            yield from items
            return
        stage = self._stages[number + 1]
        for item in items:
            if isinstance(item, bytes):
                yield from self._through(number + 1, stage.feed(item))
            else:
                yield from self._flushed(number + 1)
                yield item

    def _flushed(self, number: int) -> Iterator[Item]:
        for each in range(number, len(self._stages)):
            yield from self._through(each, self._stages[each].flush())

    def _written(self, items: Iterable[Item]) -> Iterator[bytes]:
        for item in items:
            yield item if isinstance(item, bytes) else self._mark(item)

    def __repr__(self) -> str:
        return f"StreamMasker({self.held_bytes} bytes held)"


def mask_whole(index: PatternSet, mark: Callable[[int], bytes], data: bytes) -> bytes:
    """Return the bytes with the mark of its number for each match; the same object when there is none."""
    if not index.may_stand_in(data) and not may_hold_gzip(data):
        return data
    stream = StreamMasker(index, mark)
    masked = stream.feed(data) + stream.flush()
    return data if masked == data else masked
