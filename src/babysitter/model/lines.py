r"""One stored line: its bytes, and the chain that ties it to every byte before it.

    {"seq":2,"prefix":"<64 hex>","type":"LOG","recordedAt":"2026-01-31T10:15:30.123456Z","data":{...}}

Invariants, each with a test in tests/unit/model/test_lines.py:
    - the keys stand in this order, no space stands between them, and ``\n`` ends the line;
    - ``seq`` counts from 1 without a gap;
    - ``prefix`` is the SHA-256 of every byte of the journal before the line.

Format: docs/reference/journal.md. Why a prefix hash and not a Merkle tree: docs/adr.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from babysitter.model.events import Event, decode_event

BATCH_BYTES_MAX = 256 * 1024
"""One append is never larger, so a power loss can tear no more than that."""

_HEAD = rb'\{"seq":([1-9][0-9]{0,15}),"prefix":"([0-9a-f]{64})",'
# Digit by digit, since that is matched in half the time of a counted repeat.
_TIME = rb"DDDD-DD-DDTDD:DD:DD\.DDDDDDZ".replace(b"D", b"[0-9]")
_REST = rb'"type":"([A-Za-z][A-Za-z_.]{0,63})","recordedAt":"(' + _TIME + rb')","data":(\{.*\})\}\n'
_LINE = re.compile(_HEAD + _REST)
_AFTER_HEAD = re.compile(_REST)
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
    """A line does not continue the chain. Openers and verifiers say what that means."""

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
        hasher, match_rest, view = self.hasher, _AFTER_HEAD.match, memoryview(data)
        first_nul = data.find(b"\0")
        whole = len(data) if first_nul < 0 else first_nul
        seq, offset, start = self.seq + 1, self.offset, 0
        while start < len(data):
            prefix = hasher.hexdigest()
            # What must stand here is known, so it is compared where it stands, neither cut out nor parsed.
            head = f'{{"seq":{seq},"prefix":"{prefix}",'.encode()
            rest = match_rest(data, start + len(head)) if data.startswith(head, start) else None
            if rest is None or rest.end() > whole:
                line = data[start : data.find(b"\n", start) + 1 or len(data)]
                raise BrokenLineError(seq, self.offset, _problem(line, seq, prefix))
            end = rest.end()
            hasher.update(view[start:end])
            self.seq, self.offset = seq, offset + end
            kind, recorded_at, payload = rest.groups()
            yield Record(seq, prefix, kind.decode(), recorded_at.decode(), payload)
            seq, start = seq + 1, end

    def lines(self, data: bytes) -> Iterator[tuple[Record, bytes]]:
        """Yield what ``read`` does, each with the bytes of its line."""
        start = before = self.offset
        for record in self.read(data):
            yield record, data[before - start : self.offset - start]
            before = self.offset

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


def record_alone(line: bytes) -> Record | None:
    """Return a line by itself, whatever stands before it; None when it has not the form of one."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    seq, prefix, kind, recorded_at, data = match.groups()
    return Record(int(seq), prefix.decode(), kind.decode(), recorded_at.decode(), data)


def seq_of(line: bytes) -> int | None:
    """Return the number that a line claims, or None when it has not the form of a line."""
    match = _LINE.fullmatch(line)
    # The pattern does not look for NUL bytes, which a search finds faster.
    return None if match is None or b"\0" in line else int(match.group(1))


def encode_data(event: Event) -> bytes:
    """Return an event's ``data`` object: UTF-8 JSON without spaces, keys in the order of the fields."""
    return _encode(event)


def _problem(line: bytes, expected_seq: int, expected_prefix: str) -> str:
    """Return what is wrong with a line that does not continue the chain."""
    match = _LINE.fullmatch(line)
    if match is None or b"\0" in line:
        return _shape_problem(line)
    seq, prefix = int(match.group(1)), match.group(2).decode()
    if seq != expected_seq:
        return f"has seq {seq} where {expected_seq} belongs"
    return f"has prefix {prefix[:12]}…, but the bytes before it hash to {expected_prefix[:12]}…"


def _shape_problem(line: bytes) -> str:
    if not line.endswith(b"\n"):
        return "is not ended by a newline: the journal was cut inside it, or is being written"
    if b"\0" in line:
        return "holds NUL bytes, as a torn write leaves them"
    return "is not a journal line: keys, order or form differ"
