"""Reads a journal: every line checked against the chain, then decoded, filled from its files and unmasked.

``read_records`` gives lines as stored, which is what faces show. ``history``
gives events as the machine receives them; only the driver asks for that.
"""

from collections.abc import Iterable, Iterator

import msgspec
import orjson
from msgspec.structs import replace

from babysitter.journal.fields import BLOB_FIELD, unmask_event
from babysitter.journal.masking import Masker
from babysitter.journal.recovery import corrupt, why_not_torn
from babysitter.model.errors import NotFoundError
from babysitter.model.events import BlobRef, Event
from babysitter.model.lines import BrokenLineError, Chain, Record
from babysitter.model.values import Json, sha256_hex
from babysitter.stores.interface import Piece as Piece  # noqa: PLC0414 (what service code reads runs from)
from babysitter.stores.interface import RunBytes as RunBytes  # noqa: PLC0414 (same)
from babysitter.stores.interface import Store as Store  # noqa: PLC0414 (same)


def read_records(store: RunBytes, run_id: str, *, torn_tail_ok: bool = False) -> Iterator[Record]:
    """Yield the run's lines, each found to continue the chain.

    Args:
        store: where the run is.
        run_id: which.
        torn_tail_ok: stop silently before a tail that is being written or was torn; for views of a live run.

    Raises:
        NotFoundError: no such run.
        CorruptJournalError: at the first line that does not continue the chain.
    """
    yield from read_more(store, run_id, Chain(), torn_tail_ok=torn_tail_ok)


def read_more(store: RunBytes, run_id: str, chain: Chain, *, torn_tail_ok: bool = False) -> Iterator[Record]:
    """Yield the lines after ``chain``, which moves behind each: for watching a run. Errors as above."""
    data = store.read_journal(run_id, offset=chain.offset)
    start = chain.offset
    try:
        yield from chain.read(data)
    except BrokenLineError as broken:
        tail = data[chain.offset - start :]
        if torn_tail_ok and why_not_torn(tail, broken.seq) is None:
            return
        raise corrupt(run_id, broken.seq, broken.problem) from broken


def history(records: Iterable[Record], store: Store, run_id: str, masker: Masker) -> Iterator[Event]:
    """Yield what the machine receives: events with large values read from files, and references resolved.

    Raises:
        CorruptJournalError: a line's data are not of its type, or a file is not what its line says.
        SecretError: a reference does not resolve.
    """
    for record in records:
        event = decode(record, run_id)
        fields = BLOB_FIELD.get(type(event))
        ref: BlobRef | None = getattr(event, fields[1]) if fields is not None else None
        if fields is not None and ref is not None:
            event = replace(event, **{fields[0]: read_json_blob(store, run_id, record.seq, ref)})
            yield unmask_event(event, masker)
        elif b"$" in record.data:
            yield unmask_event(event, masker)
        else:
            # References and escapes all have a dollar, so there is nothing to undo.
            yield event


def decode(record: Record, run_id: str) -> Event:
    """Return a record's event as stored.

    Raises:
        CorruptJournalError: there is no such type, or the data are not of it.
    """
    try:
        return record.event()
    except KeyError:
        problem = f"has the type {record.type}, which this version does not know"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = f"is no {record.type}: {error}"
    except RecursionError:
        problem = f"is no {record.type}: it is nested deeper than anything of ours"
    raise corrupt(run_id, record.seq, problem)


def read_json_blob(store: Store, run_id: str, seq: int, ref: BlobRef) -> Json:
    """Return the masked value in the file that line ``seq`` names.

    Raises:
        CorruptJournalError: the file is missing, or its bytes are not those that the line names.
    """
    try:
        data = store.read_file(run_id, ref.path)
    except NotFoundError:
        raise corrupt(run_id, seq, f"names {ref.path}, which is missing") from None
    if len(data) != ref.bytes or sha256_hex(data) != ref.sha256:
        raise corrupt(run_id, seq, f"names {ref.path}, whose bytes are not those that were written")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise corrupt(run_id, seq, f"names {ref.path}, which is not JSON: {error}") from error
