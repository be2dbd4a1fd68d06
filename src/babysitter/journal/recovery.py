"""What a journal's end may look like after a crash, and what no crash can make.

A power loss can tear the last, unacknowledged batch: cut it anywhere, leave
blocks of NUL in it, keep later lines without earlier ones. Such a tail lies
within one batch's size and is cut off, its bytes kept. Everything else that
does not chain was done by something else, and is refused, never repaired.

Source of the rules: docs/explanation/durability.md.
"""

import io
from dataclasses import dataclass

import msgspec

from babysitter.model.errors import CorruptJournalError
from babysitter.model.events import END_NAMES
from babysitter.model.lines import BATCH_BYTES_MAX, BrokenLineError, Chain, Record, seq_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is on disk: the lines that chain, where they end, and the bytes after them, which are torn."""

    records: list[Record]
    chain: Chain
    tail: bytes


def survey(run_id: str, data: bytes) -> Survey:
    """Return the good lines and the torn tail of a journal.

    Raises:
        CorruptJournalError: what is wrong is no torn tail.
    """
    chain = Chain()
    records: list[Record] = []
    try:
        records.extend(chain.read(data))
    except BrokenLineError as broken:
        # extend() keeps what came before the exception.
        return _cut(run_id, data, chain, records, broken)
    if not records:
        raise corrupt(run_id, 1, "is missing: the journal is empty")
    if not _is_json(records[-1].data):
        # No later line's prefix covers the last one. It is whole and holds no NUL, so no crash did this.
        raise corrupt(run_id, records[-1].seq, "is not JSON")
    return Survey(records=records, chain=chain, tail=b"")


def corrupt(run_id: str, line: int, problem: str) -> CorruptJournalError:
    """Return the error for a journal that is wrong at a line."""
    return CorruptJournalError(
        f"the journal of run {run_id} is wrong: line {line} {problem}.",
        hint="Nothing was changed. 'babysitter journal verify' tells more; restore a copy that verifies.",
        run_id=run_id,
        line=line,
        problem=problem,
    )


def why_not_torn(tail: bytes, expected_seq: int) -> str | None:
    """Return why a tail that does not chain cannot come from a torn batch; None when it can.

    Args:
        tail: from the first line that does not chain to the journal's end.
        expected_seq: the number that this line should have.
    """
    if len(tail) > BATCH_BYTES_MAX:
        return f"and {len(tail)} bytes follow, more than one batch"
    highest, damaged = expected_seq - 1, False
    for line in io.BytesIO(tail):
        seq = seq_of(line)
        if seq is None:
            damaged = damaged or b"\0" not in line
            continue
        if damaged:
            return "and whole lines follow it: a crash leaves NUL bytes or an end there, not other text"
        if seq == expected_seq:
            return "though its number is right: something before it was changed"
        if seq <= highest:
            return f"and line {seq} follows line {highest}: a crash reorders nothing"
        highest = seq
    return None


def _cut(run_id: str, data: bytes, chain: Chain, records: list[Record], broken: BrokenLineError) -> Survey:
    tail = data[chain.offset :]
    if not records:
        raise corrupt(run_id, 1, broken.problem)
    if records[-1].type in END_NAMES:
        raise corrupt(run_id, broken.seq, "stands after the run's end, where nothing is ever written")
    reason = why_not_torn(tail, broken.seq)
    if reason is not None:
        raise corrupt(run_id, broken.seq, f"{broken.problem}, {reason}")
    return Survey(records=records, chain=chain, tail=tail)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except msgspec.DecodeError:
        return False
    return True
