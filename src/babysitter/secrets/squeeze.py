"""The squeezed view: a text without what a terminal, a pretty-printer or a mailer puts into it.

Removed are white space and control characters, ANSI codes, characters of no width, ``=`` (a mailer's soft
line break, and padding), and backslashes with what they escape white space by. A secret that was wrapped,
spaced out, coloured, escaped once more, or written as UTF-16 then stands in one piece again.

Invariants, each with a test in tests/unit/secrets/test_squeeze.py:
    - ``squeeze`` of a text's JSON is ``squeeze`` of the text between the quotes: escaping changes nothing;
    - ``filled(squeeze(span), gaps_of(span)) == span``;
    - between two characters stand at most ``GAP_BYTES_MAX`` bytes; a longer gap separates.
"""

import base64
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import msgspec

GAP_BYTES_MAX: Final = 160
"""Room for a line break, an indentation and two colours; more than that is no wrapped word."""

LEFT_CHARS_MAX: Final = 3
"""Of a secret that is broken so near its beginning, that many stay in output: most lines end like one."""

Gaps = list[tuple[int, str]]
"""Where something stood (a place in the squeezed text, ascending) and what."""

_SLASHES: Final = rb"\\{1,16}"
_ANSI: Final = rb"\[[0-9;:?]{0,24}[A-Za-z]|[()][A-Z0-9]"
# Each looks back at the byte that led to it: an expression that begins with one set of bytes skips quickly.
_AFTER_THE_FIRST_BYTE: Final = b"|".join([
    rb"(?<=\x1b)(?:" + _ANSI + rb")",
    rb"(?<=\\)\\{0,15}(?:(?:u001[bB]|x1[bB]|033|[eE](?=\[))(?:" + _ANSI + rb")"
    rb"|[nrtfbv]|u00[01][0-9a-fA-F]|x[01][0-9a-fA-F])?",
    rb"(?<=\xc2)[\x85\xa0\xad]",
    rb"(?<=\xe1)\xa0\x8e",
    rb"(?<=\xe2)(?:\x80[\x80-\x8f\xa8-\xaf]|\x81[\x9f-\xaf])",
    rb"(?<=\xe3)\x80\x80",
    rb"(?<=\xef)(?:\xbb\xbf|\xb8[\x80-\x8f])",
])  # fmt: skip
_COMPLEX_TEXT: Final = rb"[\x1b\\\xc2\xe1\xe2\xe3\xef](?:" + _AFTER_THE_FIRST_BYTE + rb")"
_ANY_TEXT: Final = (
    rb"[\x00-\x20=\x7f\\\xc2\xe1\xe2\xe3\xef](?:" + _AFTER_THE_FIRST_BYTE + rb"|(?<=[\x00-\x20=\x7f]))"
)
_SIMPLE: Final = bytes([*range(0x21), 0x3D, 0x7F])
_COMPLEX: Final = re.compile(_COMPLEX_TEXT)
_RUN: Final = re.compile(_ANY_TEXT + rb"(?:" + _ANY_TEXT + rb")*")
_UNFINISHED: Final = re.compile(
    rb"(?:(?:\x1b|" + _SLASHES + rb"(?:u001[bB]|x1[bB]|033|[eE]))(?:\[[0-9;:?]{0,24}|[()])?"
    rb"|" + _SLASHES + rb"(?:u(?:0(?:0(?:[01])?)?)?|x[01]?|03?)?"
    rb"|\xc2|\xe1\xa0?|\xe2[\x80\x81]?|\xe3\x80?|\xef[\xbb\xb8]?)\Z"
)

NOT_PLAIN: Final = rb"\x1b|\\(?:u00[01]|x[01]|033|[eE]\[)"
"""What begins a colour or an escaped control character: gaps that a skeleton does not leave out."""

LETTERS_OF_GAPS: Final = bytes([*_SIMPLE, *range(0x80, 256)]) + b"\\nrtfbv"
"""What all other gaps are made of, and nothing else."""

_NOT_PLAIN: Final = re.compile(NOT_PLAIN)
_WHITE: Final = re.compile(rb"[\t\n\r ]")
_BLOB: Final = re.compile(r"[A-Za-z0-9_-]*")


def squeeze(data: bytes) -> bytes:
    """Return the bytes without what the squeezed view leaves out."""
    return _COMPLEX.sub(b"", data).translate(None, _SIMPLE)


def squeeze_text(text: str) -> str:
    """Return the text without what the squeezed view leaves out."""
    return squeeze(text.encode()).decode()


def skeleton(data: bytes) -> bytes:
    """Return what is left when every byte that gaps are usually made of is gone, wherever it stands.

    What stands in the data, or in its squeezed view where ``is_plain``, has its skeleton in the data's, so
    that one quick search tells most of what does not matter. What stands between quotes of JSON too.
    """
    return data.translate(None, LETTERS_OF_GAPS)


def is_plain(data: bytes) -> bool:
    """False when there are colours or escaped control characters, which a skeleton does not leave out."""
    return _NOT_PLAIN.search(data) is None


def unfinished_at(data: bytes) -> int:
    """Return where something begins at the end of the data that the next byte may make part of a gap."""
    found = _UNFINISHED.search(data, max(0, len(data) - 64))
    return found.start() if found else len(data)


class Segment:
    """A stretch of the data without a gap that separates: its squeezed bytes, and the way back."""

    __slots__ = ("_data", "_ends", "_starts", "begin", "end", "text")

    def __init__(self, data: bytes, begin: int, end: int, gaps: list[tuple[int, int]]) -> None:
        self._data = data
        self.begin = begin
        self.end = end
        pieces = []
        # The places in the squeezed text from which on another distance to the data holds.
        self._starts: list[int] = []
        self._ends: list[tuple[int, int]] = []
        position, length = begin, 0
        for gap_begin, gap_end in gaps:
            pieces.append(data[position:gap_begin])
            length += gap_begin - position
            self._starts.append(length)
            self._ends.append((gap_begin, gap_end))
            position = gap_end
        pieces.append(data[position:end])
        self.text = b"".join(pieces)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return the place in the data of a match in ``text``, without the gaps around it."""
        return self.place(begin), self.place(end - 1) + 1

    def shown_from(self, position: int) -> int:
        """Return the place from which on a match that begins at ``position`` is replaced in output.

        The first characters, three at most, that white space follows stay where they are: the end of a line,
        and a question to a person, are out before anybody can know what comes behind.
        """
        for ahead in range(LEFT_CHARS_MAX, 0, -1):
            at = bisect_right(self._starts, position + ahead) - 1
            if at >= 0 and self._starts[at] == position + ahead and self._is_spaced(*self._ends[at]):
                return self._ends[at][1]
        return self.place(position)

    def _is_spaced(self, begin: int, end: int) -> bool:
        return _WHITE.search(self._data, begin, end) is not None

    def place(self, position: int) -> int:
        """Return the place in the data of a character of ``text``; the end for what is behind the last."""
        at = bisect_right(self._starts, position)
        if position >= len(self.text):
            return self.end
        if not at:
            return self.begin + position
        return self._ends[at - 1][1] + position - self._starts[at - 1]


def segments(data: bytes, begin: int = 0) -> Iterator[Segment]:
    """Yield the stretches, from ``begin`` on, between gaps that are too long to stand inside a word."""
    gaps: list[tuple[int, int]] = []
    for found in _RUN.finditer(data, begin):
        if found.end() - found.start() <= GAP_BYTES_MAX:
            gaps.append(found.span())
            continue
        yield Segment(data, begin, found.start(), gaps)
        begin, gaps = found.end(), []
    yield Segment(data, begin, len(data), gaps)


def gaps_of(span: bytes) -> Gaps:
    """Return what stands between the characters of a span that begins and ends with one."""
    gaps: Gaps = []
    place = position = 0
    for found in _RUN.finditer(span):
        place += len(span[position : found.start()].decode())
        position = found.end()
        gaps.append((place, found[0].decode()))
    return gaps


def filled(text: str, gaps: Gaps) -> str:
    """Return the squeezed text with what stood between its characters; behind its end where it is shorter."""
    pieces: list[str] = []
    position = 0
    for place, gap in gaps:
        pieces += (text[position:place], gap)
        position = max(position, place)
    pieces.append(text[position:])
    return "".join(pieces)


def write_gaps(gaps: Gaps) -> str:
    """Return the gaps as a form's name carries them: letters, digits, dashes and underscores."""
    if not gaps:
        return ""
    return base64.urlsafe_b64encode(msgspec.json.encode(gaps)).decode().rstrip("=")


def is_gaps(blob: str) -> bool:
    """True when ``write_gaps`` may have written it."""
    try:
        read_gaps(blob)
    except ValueError:
        return False
    return _BLOB.fullmatch(blob) is not None


def read_gaps(blob: str) -> Gaps:
    """Return the gaps that ``write_gaps`` wrote.

    Raises:
        ValueError: it did not write this.
    """
    if not blob:
        return []
    return msgspec.json.decode(base64.urlsafe_b64decode(blob + "=" * (-len(blob) % 4)), type=Gaps)
