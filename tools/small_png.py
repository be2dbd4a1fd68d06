"""Writes a picture of a page as a small PNG: at most 256 colours, those that it has most of.

What pages show has few colours and many shades between letters and paper; a shade that is not among the most
frequent becomes the nearest that is. Nobody sees it, and the file has a third of the size.
Standard library only.
"""

import struct
import zlib
from collections import Counter

COLOURS_MAX = 256


def small_png(pixels: bytes, width: int, height: int) -> bytes:
    """Return a PNG of these pixels. ``pixels``: red, green, blue and opacity of each, row by row."""
    values = memoryview(pixels).cast("I")
    counted = Counter(values)
    kept = [value for value, _ in counted.most_common(COLOURS_MAX)]
    numbers = {value: number for number, value in enumerate(kept)}
    for value in counted:
        if value not in numbers:
            numbers[value] = min(range(len(kept)), key=lambda number: _distance(kept[number], value))
    indexed = bytes(map(numbers.__getitem__, values))
    rows = b"".join(b"\0" + indexed[row * width : (row + 1) * width] for row in range(height))
    palette = b"".join(value.to_bytes(4, "little")[:3] for value in kept)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _distance(one: int, other: int) -> int:
    return sum(
        (a - b) ** 2 for a, b in zip(one.to_bytes(4, "little"), other.to_bytes(4, "little"), strict=True)
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
