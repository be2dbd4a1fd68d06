"""What a program writes where nobody keeps all of it, and a stop that nobody gives."""

from collections.abc import Callable

from babysitter.model.runner import OutputSink


class Tail:
    """See runner.OutputSink. Keeps the end of what is written; passes all of it on to ``sink``, if any."""

    def __init__(self, bytes_max: int = 16_384, sink: OutputSink | None = None) -> None:
        self._bytes_max = bytes_max
        self._sink = sink
        self._kept = bytearray()

    def write(self, chunk: bytes) -> None:
        """Keep the end, and pass on."""
        if self._sink is not None:
            self._sink.write(chunk)
        self._kept += chunk[-self._bytes_max :]
        del self._kept[: -self._bytes_max]

    def tail(self, count: int) -> str:
        """Return the last characters."""
        return self._kept.decode(errors="replace")[-count:] if count > 0 else ""


class NeverStopped:
    """See runner.StopToken. A time limit is all that ends the program."""

    def is_set(self) -> bool:
        """Never."""
        return False

    def on_set(self, call: Callable[[], None]) -> None:
        """Never calls."""
        del call
