"""What a task's program writes: masked as a stream, capped, kept as a file that a line may name.

The file is made with the first byte, so a silent program leaves none. A failing
disk, or a failing search for credentials, is told by ``close``, not by ``write``: the thread that pumps a
program's output must go on emptying the pipe, or the program would hang. What could not be searched is not
kept.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from babysitter.journal.masking import Masker
from babysitter.model.detections import Detected
from babysitter.model.errors import DetectionError, StoreError
from babysitter.model.events import BlobRef
from babysitter.stores.interface import Lease, LogFile

_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tee:
    """Who sees the output while it is written. What is kept is never ``clear`` of masking."""

    show: Callable[[bytes], None]
    clear: bool = False


Note = Callable[[str, list[Detected]], None]
"""Is told which credentials were masked in the file of that path."""


class MaskedOutput:
    """An OutputSink. Written by one thread; ``tail`` may be asked by another."""

    def __init__(
        self, lease: Lease, masker: Masker, path: str, cap_bytes: int, tee: Tee | None, note: Note
    ) -> None:
        self._lease = lease
        self._tee = tee
        self._note = note
        self._stream = masker.stream()
        self._path = path
        self._cap_bytes = cap_bytes
        self._hasher = hashlib.sha256()
        self._log: LogFile | None = None
        self._tail = b""
        self._failure: StoreError | DetectionError | None = None
        self._closed = False
        self._ref: BlobRef | None = None
        self._stored_bytes = 0
        self.kept_bytes = 0
        self.dropped_bytes = 0

    def write(self, chunk: bytes) -> None:
        """See OutputSink."""
        masked = self._screened(lambda: self._stream.feed(chunk))
        if self._tee is not None:
            self._tee.show(chunk if self._tee.clear else masked)
        self._keep(masked)

    def tail(self, count: int) -> str:
        """See OutputSink. ``count`` beyond 16 KiB gives no more than that."""
        return self._tail.decode(errors="replace")[-count:] if count > 0 else ""

    def close(self) -> BlobRef | None:
        """Return the durable file's name, digest and size; None when nothing was written. Twice: the same.

        Raises:
            StoreFailedError: a write or the sync failed.
            DetectionError: nobody could look whether a credential is in it; from there on nothing was kept.
        """
        if not self._closed:
            self._closed = True
            rest = self._screened(self._stream.flush)
            self._note(self._path, self._stream.take_detections())
            if self._tee is not None and not self._tee.clear:
                self._tee.show(rest)
            self._keep(rest)
            if self.dropped_bytes:
                note = f"\n[babysitter: cut at {self._cap_bytes} bytes, {self.dropped_bytes} more not kept]\n"
                self._store(note.encode())
            self._finish()
        if self._failure is not None:
            raise self._failure
        return self._ref

    def _screened(self, step: Callable[[], bytes]) -> bytes:
        """Return what a step of the stream gives; nothing, for ever, once the search has failed."""
        if isinstance(self._failure, DetectionError):
            return b""
        try:
            return step()
        except DetectionError as failure:
            self._failure = failure
            return b""

    def _keep(self, masked: bytes) -> None:
        room = self._cap_bytes - self.kept_bytes
        if len(masked) > room:
            self.dropped_bytes += len(masked) - room
            masked = masked[:room]
        if masked:
            self.kept_bytes += len(masked)
            self._store(masked)

    def _store(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if self._failure is not None:
            return
        try:
            if self._log is None:
                self._log = self._lease.open_log(self._path)
            self._log.write(data)
        except StoreError as failure:
            self._failure = failure
            return
        self._hasher.update(data)
        self._stored_bytes += len(data)

    def _finish(self) -> None:
        if self._log is None:
            return
        try:
            self._log.close(durable=self._failure is None)
        except StoreError as failure:
            self._failure = self._failure or failure
        self._ref = BlobRef(path=self._path, sha256=self._hasher.hexdigest(), bytes=self._stored_bytes)
