"""Other readings of a text: what it says once its escapes are undone, or its base64 decoded.

JSON inside JSON, percent-encoding and HTML put characters into and beside a credential that no
expression expects. So a text is read several times: as it is; with escapes that stand *beside* words
undone in place, length for length; with all escapes undone; and each stretch that is base64 of plain
text decoded. Every reading knows which bytes of the text its own bytes stand for.

Invariants, each with a test in tests/unit/secrets/detection/test_views.py:
    - a span of a reading is mapped to bytes of the text that say the same;
    - depth and size are bounded: ``DEPTH_MAX`` decodings, ``DECODED_BYTES_MAX`` bytes of a stretch.
"""

import base64
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import re2

DEPTH_MAX: Final = 3
DECODED_BYTES_MAX: Final = 1 << 20

# Where plain text is written in base64, the first three characters of each four can only be some:
# the upper bit of no byte is set. Digests and random tokens fail this within a few characters.
_FOUR: Final = "[CDI-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
BASE64_GATE: Final = f"(?:{_FOUR}){{5}}"
ESCAPES_GATE: Final = (
    r"\\+(?:/|u00[2-7]|x[2-7])|%(?:[2-7][0-9A-Fa-f]|0[9AaDd])|"
    r"&(?:quot|amp|apos|lt|gt|#[0-9]{2,3}|#x[0-9a-f]{2});"
)
_BASE64: Final = re.compile(
    rf"(?:{_FOUR}){{5}}[A-Za-z0-9+/_-]*(?:\r?\n[A-Za-z0-9+/_-]{{16,}})*(?:\r?\n[A-Za-z0-9+/_-]{{1,15}}(?![^\s=]))?={{0,2}}".encode()
)
_ESCAPE: Final = re.compile(
    rb"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([\"'/\\nrtbf`]))|%([2-7][0-9A-Fa-f]|0[9AaDd])|"
    rb"&(?:(quot|amp|apos|lt|gt)|#([0-9]{2,3})|#x([0-9A-Fa-f]{2}));"
)
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_ENTITIES: Final = {b"quot": b'"', b"amp": b"&", b"apos": b"'", b"lt": b"<", b"gt": b">"}
_IN_PLACE: Final = {b'\\"': b' "', b"\\n": b" \n", b"\\r": b" \r", b"\\t": b" \t", b"\\'": b" '"}
_ANY_IN_PLACE: Final = re.compile(rb"\\[\"nrt']")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text read otherwise: ``text``, in stretches of which each says where it comes from.

    starts: where each stretch begins in the reading, origins: where in the text. A stretch is either the
    text's own bytes, or one escape's meaning; then ``ends`` has where the escape ends, and 0 otherwise.
    """

    text: bytes
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)
    ends: tuple[int, ...] = (0,)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return which bytes of the text those of the reading stand for; escapes whole."""
        first = bisect_right(self.starts, begin) - 1
        last = bisect_right(self.starts, max(begin, end - 1)) - 1
        beginning = self.origins[first] + (0 if self.ends[first] else begin - self.starts[first])
        return beginning, self.ends[last] or self.origins[last] + end - self.starts[last]


def padded(text: bytes) -> bytes | None:
    """Return the text with the escapes beside words undone, length for length; None when there are none."""
    if b"\\" not in text:
        return None
    for _ in range(DEPTH_MAX):
        # An escape that was escaped again: of a run of backslashes the last one counts.
        if b"\\\\" not in text:
            break
        text = text.replace(b"\\\\", b" \\")
    return _ANY_IN_PLACE.sub(lambda escape: _IN_PLACE[escape[0]], text)


def unescaped(text: bytes) -> Reading:
    """Return the lines that hold escapes, with all of them undone, repeated ones too."""
    pieces: list[bytes] = []
    starts, origins, ends = [], [], []
    length = 0
    for begin, end in _lines_with_escapes(text):
        starts.append(length)
        origins.append(begin)
        ends.append(0)
        position = begin
        for match in _ESCAPE.finditer(text, begin, end):
            meant = _meaning(match)
            pieces += (text[position : match.start()], meant)
            length += match.start() - position
            starts += (length, length + len(meant))
            origins += (match.start(), match.end())
            ends += (match.end(), 0)
            length += len(meant)
            position = match.end()
        pieces.append(text[position:end])
        length += end - position
    return Reading(b"".join(pieces), tuple(starts) or (0,), tuple(origins) or (0,), tuple(ends) or (0,))


def _lines_with_escapes(text: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while (match := _escapes().search(text, position)) is not None:
        begin = max(text.rfind(b"\n", position, match.start()) + 1, position)
        end = text.find(b"\n", match.end()) + 1 or len(text)
        yield begin, end
        position = end


@lru_cache(maxsize=1)
def _escapes() -> Any:  # noqa: ANN401 (the library has no types)
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(ESCAPES_GATE.encode(), chosen)


def _meaning(match: re.Match[bytes]) -> bytes:
    unicode, byte, letter, percent, entity, decimal, hexadecimal = match.groups()
    if letter is not None:
        return _LETTERS.get(letter, letter)
    if entity is not None:
        return _ENTITIES[entity.lower()] if entity.lower() in _ENTITIES else match[0]
    code = int(decimal) if decimal is not None else int(unicode or byte or percent or hexadecimal, 16)
    return bytes([code]) if code < 0x80 else b"\xff"


def decodings(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield where base64 of plain text stands, and what it says."""
    for match in _BASE64.finditer(text):
        stretch = match[0].rstrip(b"=")[: DECODED_BYTES_MAX * 4 // 3]
        stretch = b"".join(stretch.split()).translate(bytes.maketrans(b"-_", b"+/"))
        if len(stretch) % 4 == 1:
            stretch = stretch[:-1]
        yield match.start(), match.end(), base64.b64decode(stretch + b"=" * (-len(stretch) % 4))
