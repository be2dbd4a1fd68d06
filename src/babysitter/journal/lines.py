r"""One stored line: its bytes, and the chain that ties it to every byte before it.

    {"seq":2,"prefix":"<64 hex>","type":"LOG","recordedAt":"2026-01-31T10:15:30.123456Z","data":{...}}

Invariants, each with a test in tests/unit/journal/test_lines.py:
    - the keys stand in this order, no space stands between them, and ``\n`` ends the line;
    - ``seq`` counts from 1 without a gap;
    - ``prefix`` is the SHA-256 of every byte of the journal before the line.

Format: docs/reference/journal.md. Why a prefix hash and not a Merkle tree: docs/adr.
"""

import hashlib
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from babysitter.model.events import Event, decode_event

BATCH_BYTES_MAX = 256 * 1024
"""One append is never larger, so a power loss can tear no more than that."""

_LINE = re.compile(
    rb'\{"seq":([1-9][0-9]{0,15}),"prefix":"([0-9a-f]{64})","type":"([A-Z][A-Z_]{0,63})",'
    rb'"recordedAt":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)","data":(\{[^\x00\n]*\})\}\n'
)
_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line, parsed and found to continue the chain; ``data`` are its bytes as stored, masked."""

    seq: int
    prefix: str
    type: str
    recorded_at: str
    data: bytes

    def event(self) -> Event:
        """Return the event as stored: references are still references.

        Raises:
            KeyError: no such type.
            msgspec.ValidationError: the data are not of that type.
        """
        return decode_event(self.type, self.data)


class BrokenLineError(Exception):
    """A line does not continue the chain. Stays in this package: openers and verifiers say what it means."""

    def __init__(self, seq: int, offset: int, problem: str) -> None:
        self.seq = seq
        self.offset = offset
        self.problem = problem
        super().__init__(problem)


class Chain:
    """Where a journal ends: the next line's number and prefix, and how many bytes stand before it.

    ``hasher`` is a SHA-256 over all those bytes.
    """

    __slots__ = ("hasher", "offset", "seq")

    def __init__(self, seq: int = 0, offset: int = 0, hasher: Any = None) -> None:  # noqa: ANN401 (hashlib names no type)
        self.seq = seq
        self.offset = offset
        self.hasher = hashlib.sha256() if hasher is None else hasher

    def copy(self) -> "Chain":
        """Return a chain that stands at the same place and moves on its own."""
        return Chain(self.seq, self.offset, self.hasher.copy())

    def read(self, data: bytes) -> Iterator[Record]:
        """Yield the lines that continue the chain; it stands behind each as it is yielded.

        Raises:
            BrokenLineError: at the first line that does not continue the chain, which stays before it.
        """
        # One loop without calls of ours: this is what replay and verification spend their time in.
        hasher, match_line = self.hasher, _LINE.fullmatch
        for line in io.BytesIO(data):
            match = match_line(line)
            if match is None:
                raise BrokenLineError(self.seq + 1, self.offset, _shape_problem(line))
            seq, prefix, kind, recorded_at, payload = match.groups()
            if int(seq) != self.seq + 1:
                problem = f"has seq {int(seq)} where {self.seq + 1} belongs"
                raise BrokenLineError(self.seq + 1, self.offset, problem)
            text = prefix.decode()
            if text != hasher.hexdigest():
                problem = (
                    f"has prefix {text[:12]}…, but the bytes before it hash to {hasher.hexdigest()[:12]}…"
                )
                raise BrokenLineError(self.seq + 1, self.offset, problem)
            hasher.update(line)
            self.seq += 1
            self.offset += len(line)
            yield Record(self.seq, text, kind.decode(), recorded_at.decode(), payload)

    def line(self, event_type: str, recorded_at: str, data: bytes) -> bytes:
        """Return the bytes of the next line and move behind it. ``data`` is a JSON object without spaces."""
        seq = self.seq + 1
        prefix = self.hasher.hexdigest()
        head = f'{{"seq":{seq},"prefix":"{prefix}","type":"{event_type}","recordedAt":"{recorded_at}","data":'
        line = b"%b%b}\n" % (head.encode(), data)
        self.hasher.update(line)
        self.seq = seq
        self.offset += len(line)
        return line


def seq_of(line: bytes) -> int | None:
    """Return the number that a line claims, or None when it has not the form of a line."""
    match = _LINE.fullmatch(line)
    return None if match is None else int(match.group(1))


def encode_data(event: Event) -> bytes:
    """Return an event's ``data`` object: UTF-8 JSON without spaces, keys in the order of the fields."""
    return _encode(event)


def _shape_problem(line: bytes) -> str:
    if not line.endswith(b"\n"):
        return "is not ended by a newline: the journal was cut inside it, or is being written"
    if b"\0" in line:
        return "holds NUL bytes, as a torn write leaves them"
    return "is not a journal line: keys, order or form differ"
