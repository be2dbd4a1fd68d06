"""``--follow``: what tasks write, line by line as they write it, each with its task's name.

The bytes come as the journal's writer gives them: masked, unless
``BABYSITTER_ALLOW_SECRET_LOGS`` says otherwise and this is a terminal.
"""

import codecs
import threading
from collections.abc import Callable

from babysitter.cli.plain import plain
from babysitter.cli.screen import Screen

_LINE_CHARS_MAX = 4096
"""A program that never ends its line is shown in pieces of this length."""


class Following:
    """Puts chunks together to lines. Fed by the threads that perform."""

    def __init__(self, screen: Screen, label: Callable[[str], str]) -> None:
        self._screen = screen
        self._label = label
        self._lock = threading.Lock()
        self._streams: dict[tuple[str, str], tuple[codecs.IncrementalDecoder, str]] = {}

    def show(self, effect_id: str, stream: str, chunk: bytes) -> None:
        """Write the lines that a chunk ends."""
        with self._lock:
            key = (effect_id, stream)
            decoder, begun = self._streams.get(key) or (codecs.getincrementaldecoder("utf-8")("replace"), "")
            *whole, rest = (begun + decoder.decode(chunk)).split("\n")
            while len(rest) > _LINE_CHARS_MAX:
                whole.append(rest[:_LINE_CHARS_MAX])
                rest = rest[_LINE_CHARS_MAX:]
            self._streams[key] = (decoder, rest)
            for line in whole:
                self._write(effect_id, line)

    def end(self, effect_id: str) -> None:
        """Write what is left of an effect's output: a last line without an end."""
        with self._lock:
            for key in [key for key in self._streams if key[0] == effect_id]:
                _, rest = self._streams.pop(key)
                if rest:
                    self._write(effect_id, rest)

    def _write(self, effect_id: str, line: str) -> None:
        # A carriage return draws a progress bar anew: its last state is what counts.
        last = line.rstrip("\r").rpartition("\r")[2].replace("\t", "    ")
        self._screen.line(f"    {self._label(effect_id)} │ {plain(last)}", dim=True)
