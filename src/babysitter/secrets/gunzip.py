"""Looks into small gzip members in output: what a program packed is searched like what it printed.

A member that holds a form, packed, is replaced as a whole. Of a larger one the first
``MEMBER_BYTES_MAX`` bytes are looked into, and of those what they unpack to up to
``UNPACKED_BYTES_MAX``: a small file can't unpack to an endless search.

Invariants, each with a test in tests/unit/secrets/test_gunzip.py:
    - how the output is cut changes nothing;
    - what is no gzip, or holds no form, stays as it is, byte for byte.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from babysitter.secrets.search import PatternSet

Item = bytes | int
"""Bytes of the output, or the number of the pattern that stood here."""

MEMBER_BYTES_MAX: Final = 64 * 1024
UNPACKED_BYTES_MAX: Final = 1024 * 1024

_MAGIC: Final = b"\x1f\x8b\x08"
_GZIP: Final = 16 + zlib.MAX_WBITS
_BLOCK_BYTES: Final = 64 * 1024


class Stage(Protocol):
    """One step on the way of output: bytes in, bytes and numbers of patterns out, cut anywhere."""

    held: bytes

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """Yield what is certain now."""
        ...

    def flush(self) -> Iterator[Item]:
        """Yield what was held back: a pattern, or the end, comes behind it. A next ``feed`` begins anew."""
        ...


@dataclass(frozen=True, slots=True)
class _Member:
    """A gzip member, as far as it is there. ``size`` is all of it when it has ended."""

    size: int
    has_ended: bool
    unpacked: bytes


def may_hold_gzip(data: bytes) -> bool:
    """False only when there is nothing to look into."""
    return _MAGIC in data


class GunzipStage:
    """Finds gzip members that hold a form."""

    __slots__ = ("_again_at", "_index", "held")

    def __init__(self, index: PatternSet) -> None:
        self._index: Final = index
        self.held = b""
        self._again_at = 0
        """With how many bytes a member that goes on is looked into again: twice as many as last time."""

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """See Stage."""
        data = self.held + chunk if self.held else chunk
        if len(data) >= self._again_at:
            yield from self._search(data, is_last=False)
        else:
            self.held = data

    def flush(self) -> Iterator[Item]:
        """See Stage."""
        yield from self._search(self.held, is_last=True)
        self.held = b""

    def _search(self, data: bytes, *, is_last: bool) -> Iterator[Item]:
        position = begin = 0
        self._again_at = 0
        while (begin := data.find(_MAGIC, begin)) >= 0:
            member = _unpack(data[begin : begin + MEMBER_BYTES_MAX])
            if member is not None and not (member.has_ended or is_last or member.size == MEMBER_BYTES_MAX):
                yield data[position:begin]
                self.held = data[begin:]
                self._again_at = min(2 * len(self.held), MEMBER_BYTES_MAX)
                return
            number = None if member is None else self._found_in(member.unpacked)
            if member is None or number is None:
                # Over the whole member: what is packed in it once more is not looked into.
                begin += len(_MAGIC) if member is None else member.size
                continue
            yield data[position:begin]
            yield number
            position = begin = begin + member.size
        kept = len(data) if is_last else _magic_begins_at(data, position)
        yield data[position:kept]
        self.held = data[kept:]

    def _found_in(self, unpacked: bytes) -> int | None:
        matches = self._index.covering(unpacked)
        return matches[0][0] if matches else None

    def __repr__(self) -> str:
        return f"GunzipStage({len(self.held)} bytes held)"


def _unpack(packed: bytes) -> _Member | None:
    """Return what the member unpacks to, cut at ``UNPACKED_BYTES_MAX``; None when it is no gzip."""
    unpacker = zlib.decompressobj(_GZIP)
    pieces: list[bytes] = []
    room = UNPACKED_BYTES_MAX
    rest = packed
    try:
        # Without the end of the member, it goes on until nothing more comes and nothing is left to read.
        while not unpacker.eof and (
            (piece := unpacker.decompress(rest, _BLOCK_BYTES)) or unpacker.unconsumed_tail
        ):
            pieces.append(piece[:room])
            room -= len(pieces[-1])
            rest = unpacker.unconsumed_tail
    except zlib.error:
        return None
    return _Member(len(packed) - len(unpacker.unused_data), unpacker.eof, b"".join(pieces))


def _magic_begins_at(data: bytes, position: int) -> int:
    for length in range(len(_MAGIC) - 1, 0, -1):
        if len(data) - position >= length and data.endswith(_MAGIC[:length]):
            return len(data) - length
    return len(data)
