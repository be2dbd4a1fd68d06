"""The one write path: mask, encode, chain, append.

Everything Babysitter keeps of a run passes through ``JournalWriter``. Masking
happens here and nowhere else, so a new kind of event cannot forget it.

Invariants, each with a test in tests/unit/journal/test_writer.py:
    - a value is masked before it is encoded and hashed: neither chain nor digest commits to a secret;
    - what could not be searched for credentials is not kept: the error comes before anything is written;
    - a credential that was found and masked is told, by SECRET_DETECTED, before what it was found in;
    - one commit is one append, of at most 256 KiB, and what it holds is acknowledged by its return alone;
    - a file that a line names by digest is durable before the line;
    - after any failed store operation the writer is dead; only a fresh ``open``, which verifies, goes on.

Format: docs/reference/journal.md.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from babysitter.journal.detections import Detections, place_of
from babysitter.journal.fields import BLOB_FIELD, DIGEST_FIELD, mask_fields, settle_fields
from babysitter.journal.layout import INPUTS, RUN, blob_path, torn_path
from babysitter.journal.masking import Masker
from babysitter.journal.outputs import MaskedOutput, Tee
from babysitter.journal.recovery import Survey, survey
from babysitter.model.clock import Clock, format_time
from babysitter.model.errors import InvalidValueError, StoreError
from babysitter.model.events import INLINE_BYTES_MAX, BlobRef, Event, JournalRecovered, RunCreated
from babysitter.model.lines import BATCH_BYTES_MAX, Chain, Record, encode_data
from babysitter.model.values import Json, canonical_json, encode_json, sha256_hex
from babysitter.stores.interface import Holder, Lease, Store


def create_journal(
    store: Store,
    run_id: str,
    files: Mapping[str, Json],
    first_events: Sequence[Event],
    masker: Masker,
    clock: Clock,
) -> None:
    """Make a run: its first files (masked here) and first lines, durable and whole, or not at all.

    Args:
        store: where.
        run_id: a checked id.
        files: path to JSON value; ``run.json`` and ``inputs.json`` must be among them.
        first_events: begins with RunCreated, whose ``run_sha256`` and ``inputs_sha256`` are set here
            from the bytes that are written.
        masker: of the run's declared secrets.
        clock: of the lines.

    Raises:
        RunExistsError: there is a run of that id.
        DetectionError: nobody could look whether a credential is in it.
    """
    told = Detections()
    contents = {
        path: encode_json(told.during(masker, path, partial(masker.mask, value)))
        for path, value in files.items()
    }
    chain = Chain()
    lines = []
    for event in first_events:
        if isinstance(event, RunCreated):
            digests = {"run_sha256": sha256_hex(contents[RUN]), "inputs_sha256": sha256_hex(contents[INPUTS])}
            event = replace(event, **digests)  # noqa: PLW2901 (the event as it will stand in the journal)
        data = told.during(masker, place_of(event), partial(_stored_form, event, masker))[2]
        lines.append(chain.line(event.type, format_time(clock.now_ns()), data))
    lines += [
        chain.line(found.type, format_time(clock.now_ns()), encode_data(found)) for found in told.events()
    ]
    store.create(run_id, contents, b"".join(lines))


class JournalWriter:
    """Writes one run's journal, for as long as it holds the run's lease.

    ``stage`` and ``commit`` belong to one thread; files may be put from several.
    """

    def __init__(self, lease: Lease, masker: Masker, clock: Clock, chain: Chain | None = None) -> None:
        self._lease = lease
        self._masker = masker
        self._clock = clock
        self._chain = chain if chain is not None else Chain()
        self._durable_bytes = self._chain.offset
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._failure: StoreError | None = None
        self._told = Detections()
        self.recorded_at = ""
        """When the line that was staged last was recorded."""

    @classmethod
    def open(
        cls, store: Store, run_id: str, holder: Holder, masker: Masker, clock: Clock
    ) -> tuple["JournalWriter", list[Record]]:
        """Take the run and return its writer with the records so far.

        A torn tail is cut off, kept under ``journal/torn/`` and told by a JOURNAL_RECOVERED line. When
        the last driver did not let go in order, the good lines are written to a fresh file first.

        Raises:
            NotFoundError: no such run.
            RunLockedError: another driver holds it.
            CorruptJournalError: the journal is wrong in a way that no crash explains; nothing was changed.
            StoreFailedError: a disk operation failed.
        """
        lease = store.lease(run_id, holder)
        try:
            data = store.read_journal(run_id)
            found = survey(run_id, data)
            if found.tail:
                _recover(lease, found, data, clock)
            elif not lease.clean:
                lease.replace_journal(data)
        except BaseException:
            lease.release()
            raise
        return cls(lease, masker, clock, found.chain), found.records

    @property
    def lease(self) -> Lease:
        """The run's lease, which this writer holds."""
        return self._lease

    @property
    def masker(self) -> Masker:
        """The masker of the run's declared secrets."""
        return self._masker

    @property
    def last_seq(self) -> int:
        """The number of the last line, staged ones included."""
        return self._chain.seq

    @property
    def size(self) -> int:
        """The journal's length in bytes, staged lines included."""
        return self._chain.offset

    @property
    def prefix(self) -> str:
        """The SHA-256 of all lines, staged ones too: what the next line's ``prefix`` will be."""
        digest: str = self._chain.hasher.hexdigest()
        return digest

    @property
    def last_line(self) -> bytes:
        """The bytes of the line that was staged last; empty when a commit has passed since."""
        return self._pending[-1] if self._pending else b""

    @property
    def dead(self) -> bool:
        """True from the first failed store operation on."""
        return self._failure is not None

    def stage(self, event: Event) -> Event:
        """Put the event behind what is pending, and return it as a reader of the stored line gets it.

        Digest fields (``args_sha256``, ``result_sha256``, ``inputs_sha256``, ``output_sha256``) that are
        empty are filled. A value above 64 KiB goes to its file, durable when this returns. When the batch
        is full, what was pending before is committed. A line for each credential that was masked comes first.

        Raises:
            InvalidValueError: the line would be larger than a batch.
            DetectionError: nobody could look whether a credential is in it.
            SecretError: a reference in the event does not resolve.
            StoreFailedError: the writer is dead.
        """
        if self._failure is not None:
            raise self._failure
        masker = self._masker
        stored, read, data = self._told.during(masker, place_of(event), partial(_stored_form, event, masker))
        if len(data) > INLINE_BYTES_MAX:
            stored, read = self._move_to_file(stored, read)
            data = encode_data(stored)
            if len(data) > BATCH_BYTES_MAX - 512:
                raise InvalidValueError(
                    f"a {event.type} event of {len(data)} bytes is larger than a batch, {BATCH_BYTES_MAX}.",
                    hint="Keep large data in an artifact or a task's result, and pass its path.",
                )
        for found in self._told.events():
            self._put_line(found, encode_data(found))
        self._put_line(event, data)
        return read

    def _put_line(self, event: Event, data: bytes) -> None:
        self.recorded_at = format_time(self._clock.now_ns())
        line = self._chain.line(event.type, self.recorded_at, data)
        if self._pending_bytes + len(line) > BATCH_BYTES_MAX:
            self.commit()
        self._pending.append(line)
        self._pending_bytes += len(line)

    def commit(self) -> None:
        """Have everything staged on disk when this returns; with nothing pending, do nothing.

        Raises:
            StoreError: the outcome is unknown and the writer is dead; open the run again.
        """
        if self._failure is not None:
            raise self._failure
        pending = self._pending
        if not pending:
            return
        try:
            self._lease.append(
                pending[0] if len(pending) == 1 else b"".join(pending), offset=self._durable_bytes
            )
        except StoreError as failure:
            self._failure = failure
            raise
        self._durable_bytes += self._pending_bytes
        self._pending_bytes = 0
        pending.clear()

    def digest(self, value: Json) -> str:
        """Return the SHA-256 of the RFC 8785 form of the masked value, as ``argsSha256`` holds it."""
        return sha256_hex(canonical_json(self._masker.mask(value)))

    def put_blob(self, path: str, data: bytes) -> BlobRef:
        """Keep bytes that a line will name: masked, durable when this returns."""
        masker = self._masker
        return self._put(path, self._told.during(masker, path, partial(masker.mask_bytes, data)))

    def put_json_blob(self, path: str, value: Json) -> BlobRef:
        """Keep a JSON value that a line will name: masked as a value, durable when this returns."""
        masker = self._masker
        return self._put(path, encode_json(self._told.during(masker, path, partial(masker.mask, value))))

    def derived(self, path: str, value: Json) -> None:
        """Keep a file that can be rebuilt from the journal: bytes, or a JSON value; masked, not synced."""
        if isinstance(value, bytes):
            data = self._masker.mask_bytes(value)
        else:
            data = encode_json(self._masker.mask(value))
        self._guard()
        try:
            self._lease.put_derived(path, data)
        except StoreError as failure:
            self._failure = failure
            raise

    def open_output(self, path: str, cap_bytes: int, tee: Tee | None = None) -> MaskedOutput:
        """Return a sink for a program's output, at ``layout.output_path``.

        ``tee`` sees it while it is written.
        """
        self._guard()
        return MaskedOutput(self._lease, self._masker, path, cap_bytes, tee, self._told.add)

    def close(self) -> None:
        """Let go of the run. What was staged and not committed is dropped. Closing twice does nothing."""
        self._pending.clear()
        self._lease.release()

    def _guard(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _put(self, path: str, masked: bytes) -> BlobRef:
        self._guard()
        try:
            self._lease.put_blob(path, masked)
        except StoreError as failure:
            self._failure = failure
            raise
        return BlobRef(path=path, sha256=sha256_hex(masked), bytes=len(masked))

    def _move_to_file(self, stored: Event, read: Event) -> tuple[Event, Event]:
        """Move a value above 64 KiB from the line to a file, and return both forms again."""
        if type(stored) not in BLOB_FIELD:
            return stored, read
        inline, reference = BLOB_FIELD[type(stored)]
        data = encode_json(getattr(stored, inline))
        if len(data) <= INLINE_BYTES_MAX:
            return stored, read
        ref = self._put(blob_path(stored), data)
        return replace(stored, **{inline: None, reference: ref}), replace(read, **{reference: ref})


def _stored_form(event: Event, masker: Masker) -> tuple[Event, Event, bytes]:
    """Return the event as stored, as a reader gets it (itself when nothing changed), and the stored JSON."""
    data: bytes | None
    stored: dict[str, Any]
    try:
        data = encode_data(event)
    except TypeError:
        # A Secret leaf, which only masking turns into JSON.
        data = None
    digest_field = DIGEST_FIELD.get(type(event))
    if data is not None and not masker.changes(data):
        stored, read = {}, settle_fields(event)
        if not read:
            # The usual event: nothing to mask, and a reader gets what was given.
            if digest_field is None or getattr(event, digest_field[1]):
                return event, event, data
            digest = sha256_hex(canonical_json(getattr(event, digest_field[0])))
            event = replace(event, **{digest_field[1]: digest})
            return event, event, encode_data(event)
    else:
        stored, read = mask_fields(event, masker)
        data = None
    if digest_field is not None and not getattr(event, digest_field[1]):
        value = stored.get(digest_field[0], getattr(event, digest_field[0]))
        stored[digest_field[1]] = read[digest_field[1]] = sha256_hex(canonical_json(value))
    as_stored = replace(event, **stored) if stored else event
    as_read = replace(event, **read) if read else event
    return as_stored, as_read, data if data is not None and not stored else encode_data(as_stored)


def _recover(lease: Lease, found: Survey, data: bytes, clock: Clock) -> None:
    """Cut the tail. Cut and line come in one replacement, so a crash in between cannot hide the cut."""
    digest = sha256_hex(found.tail)
    path = torn_path(found.chain.seq + 1, digest)
    lease.put_blob(path, found.tail)
    event = JournalRecovered(dropped_bytes=len(found.tail), dropped_sha256=digest, torn_path=path)
    line = found.chain.copy().line(event.type, format_time(clock.now_ns()), encode_data(event))
    lease.replace_journal(data[: found.chain.offset] + line)
    found.records.extend(found.chain.read(line))
