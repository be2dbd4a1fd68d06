"""Masking of output that comes in chunks, cut anywhere.

Invariants, each with a test in tests/unit/secrets/test_streams.py:
    - what all ``feed`` and the ``flush`` return, joined, is the joined input masked at once;
    - held back is only what may still become a secret: less than the longest form.
"""

from typing import Final

from babysitter.secrets.search import FormIndex


class StreamMasker:
    """Masks one stream of bytes. Not for use by several threads."""

    __slots__ = ("_held", "_index", "_marks")

    def __init__(self, index: FormIndex, marks: list[bytes]) -> None:
        self._index: Final = index
        self._marks: Final = marks
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what is certain now; the rest comes with later chunks, or with ``flush``."""
        data = self._held + chunk if self._held else chunk
        open_ends = self._index.open_ends(data)
        pieces: list[bytes] = []
        position = 0
        for number, begin, end in self._index.find(data):
            # From an open end on, a longer match, or one further left, may still come.
            if open_ends and open_ends[0] <= begin:
                break
            pieces += (data[position:begin], self._marks[number])
            position = end
            open_ends = [place for place in open_ends if place >= end]
        kept = open_ends[0] if open_ends else len(data)
        pieces.append(data[position:kept])
        self._held = data[kept:]
        return b"".join(pieces)

    def flush(self) -> bytes:
        """Return what was held back. The stream has ended; a next ``feed`` begins a new one."""
        data, self._held = self._held, b""
        return mask_whole(self._index, self._marks, data)

    def __repr__(self) -> str:
        return f"StreamMasker({len(self._held)} bytes held)"


def mask_whole(index: FormIndex, marks: list[bytes], data: bytes) -> bytes:
    """Return the bytes with each match replaced by its mark; the same object when there is none."""
    matches = index.find(data)
    if not matches:
        return data
    pieces: list[bytes] = []
    position = 0
    for number, begin, end in matches:
        pieces += (data[position:begin], marks[number])
        position = end
    pieces.append(data[position:])
    return b"".join(pieces)
