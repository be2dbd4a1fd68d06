"""Credentials that nobody declared in output that comes in chunks, cut anywhere.

Held back is the last word of what has come (up to ``HELD_BYTES_MAX``), because it may go on, and a
private key that has begun, because it spans lines. Searched with it is the end of what went before,
because a word such as ``password`` says what the next one is.

Invariants, each with a test in tests/unit/secrets/detection/test_screened_stream.py:
    - a token that no chunk holds whole is masked;
    - a search that fails raises, and what it should have looked at is never returned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from babysitter.model.detections import Detected

HELD_BYTES_MAX: Final = 64 << 10
_BEFORE_BYTES: Final = 512
_KEPT_BYTES: Final = 4096
_ENDS: Final = (b" ", b"\t", b"\r", b"\n")
_BEGINS: Final = (b"-----BEGIN ", b"---- BEGIN ")
_CLOSES: Final = (b"-----END ", b"---- END ")
_KEYS: Final = (b"PRIVATE KEY", b"OpenVPN Static key")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands in place of the bytes from begin to end, and what is told of it."""

    begin: int
    end: int
    text: bytes
    detected: Detected


class _Stream(Protocol):
    def feed(self, chunk: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


class ScreenedStream:
    """See journal.masking.StreamMasker. One stream, by one thread."""

    def __init__(self, inner: _Stream, marks: Callable[[bytes], list[Mark]]) -> None:
        self._inner = inner
        self._marks = marks
        self._before = b""
        self._held = b""
        self._detections: list[Detected] = []

    def feed(self, chunk: bytes) -> bytes:
        """See StreamMasker."""
        return self._next(self._inner.feed(chunk), last=False)

    def flush(self) -> bytes:
        """See StreamMasker."""
        return self._next(self._inner.flush(), last=True)

    def take_detections(self) -> list[Detected]:
        """See StreamMasker."""
        found, self._detections = self._detections, []
        return found

    def _next(self, fresh: bytes, *, last: bool) -> bytes:
        data = self._held + fresh
        cut = len(data) if last else _certain(data)
        if not cut:
            self._held = data
            return b""
        ready, held = data[:cut], data[cut:]
        # Whatever fails from here on, the bytes are gone: better lost than kept unseen.
        self._held = b""
        screened = self._screen(ready)
        self._held = held
        self._before = ready[-_BEFORE_BYTES:]
        return screened

    def _screen(self, ready: bytes) -> bytes:
        before = len(self._before)
        pieces: list[bytes] = []
        position = 0
        for mark in self._marks(self._before + ready):
            if mark.end <= before:
                continue
            # What began in what is out already is masked from here on.
            pieces += (ready[position : max(mark.begin - before, 0)], mark.text)
            position = mark.end - before
            self._detections.append(mark.detected)
        pieces.append(ready[position:])
        return b"".join(pieces)


def _certain(data: bytes) -> int:
    """Return how many bytes can be told apart from what may come: up to the last word, or an open key."""
    begun = max(data.rfind(armour) for armour in _BEGINS)
    if begun >= 0 and len(data) - begun < HELD_BYTES_MAX and _is_open(data, begun):
        data = data[:begun]
    end = max(data.rfind(white) for white in _ENDS) + 1
    if len(data) - end >= HELD_BYTES_MAX:
        return len(data) - _KEPT_BYTES
    return end


def _is_open(data: bytes, begun: int) -> bool:
    line = data[begun : begun + 80]
    is_key = len(line) < 80 or any(key in line for key in _KEYS)
    return is_key and not any(armour in data[begun:] for armour in _CLOSES)
