"""What the writer tells of credentials that were masked: one SECRET_DETECTED for each, with its place.

Files are put from several threads, lines by one; what the first found waits here for the second.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from babysitter.journal.masking import Masker
from babysitter.model.detections import Detected
from babysitter.model.events import Event, SecretDetected

_Result = TypeVar("_Result")
_SEEN_MAX = 100_000


class Detections:
    """Credentials that were masked and are not journaled yet."""

    def __init__(self) -> None:
        self._waiting: deque[SecretDetected] = deque()
        self._seen: set[tuple[str, str]] = set()

    def during(self, masker: Masker, place: str, step: Callable[[], _Result]) -> _Result:
        """Return what a step that masks gives; what it finds is told as found at ``place``."""
        # What the thread masked for somebody else before is not of this place.
        masker.take_detections()
        result = step()
        self.add(place, masker.take_detections())
        return result

    def add(self, place: str, found: list[Detected]) -> None:
        """Have credentials told."""
        for each in found:
            where = f"{place} {each.where}" if each.where else place
            self._waiting.append(SecretDetected(rule=each.rule, where=where, fingerprint=each.fingerprint))

    def events(self) -> Iterator[SecretDetected]:
        """Yield what is not journaled yet, each credential and place once."""
        while self._waiting:
            event = self._waiting.popleft()
            key = (event.fingerprint, event.where)
            if key not in self._seen:
                if len(self._seen) < _SEEN_MAX:
                    self._seen.add(key)
                yield event


def place_of(event: Event) -> str:
    """Return how an event is named in ``where``: its type, and whose it is."""
    for field in ("effect_id", "breakpoint_id", "call_id"):
        if name := getattr(event, field, ""):
            return f"{event.type} {name}"
    return event.type
