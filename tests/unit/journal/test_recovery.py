"""A torn tail is cut, kept and told; whatever no crash can make is refused and left as it is."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.journal.recovery import survey
from babysitter.journal.verify import verify_run
from babysitter.journal.writer import JournalWriter
from babysitter.model.errors import CorruptJournalError
from babysitter.model.events import JournalRecovered
from babysitter.model.lines import BATCH_BYTES_MAX, Record
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import JOURNAL, MemoryStore
from babysitter.testing.sample_run import HOLDER, RUN_ID, sample_batches, sample_masker, write_sample_run


def stored_run(*, ended: bool = False) -> MemoryStore:
    store = MemoryStore()
    write_sample_run(store, FakeClock(), ended=ended)
    return store


def lines_of(store: MemoryStore) -> list[bytes]:
    return store.read_journal(RUN_ID).splitlines(keepends=True)


def reopen(store: MemoryStore) -> tuple[JournalWriter, list[Record]]:
    return JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), FakeClock())


def put(store: MemoryStore, journal: bytes) -> MemoryStore:
    store.runs[RUN_ID].files[JOURNAL] = journal
    return store


def zeroed(data: bytes, start: int, length: int) -> bytes:
    end = min(len(data), start + length)
    return data[:start] + bytes(end - start) + data[end:]


def test_a_torn_tail_is_cut_and_kept() -> None:
    store = stored_run()
    whole = store.read_journal(RUN_ID)
    torn = b'{"seq":23,"prefix":"12'
    put(store, whole + torn)

    writer, records = reopen(store)
    writer.close()

    event = records[-1].event()
    assert isinstance(event, JournalRecovered)
    assert store.read_file(RUN_ID, event.torn_path) == torn
    assert event.dropped_bytes == len(torn)
    assert event.dropped_sha256 == hashlib.sha256(torn).hexdigest()
    assert store.read_journal(RUN_ID).startswith(whole)
    assert verify_run(store, RUN_ID).ok


def test_a_recovered_run_goes_on_as_if_the_batch_had_never_been() -> None:
    store = stored_run()
    put(store, store.read_journal(RUN_ID) + b"\0" * 100)

    writer, records = reopen(store)
    sample_batches()[-1](writer)
    writer.commit()
    writer.close()

    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert lines_of(store)[-1].startswith(b'{"seq":%d,' % (len(records) + 1))
    assert verify_run(store, RUN_ID).ok


@given(st.data())
def test_whatever_a_power_loss_leaves_of_the_last_batch_what_was_acknowledged_stays(
    drawn: st.DataObject,
) -> None:
    """Blocks of the last batch may be NUL and its end missing: nothing before the batch is ever lost."""
    store = stored_run(ended=True)
    lines = lines_of(store)
    first_torn = drawn.draw(st.integers(3, len(lines) - 1))
    acknowledged = b"".join(lines[:first_torn])
    journal = b"".join(lines)
    block = drawn.draw(st.sampled_from([512, 4096]))
    for start in range(len(acknowledged) // block * block, len(journal), block):
        if drawn.draw(st.booleans()):
            journal = zeroed(
                journal, max(start, len(acknowledged)), block - max(0, len(acknowledged) - start)
            )
    journal = journal[: drawn.draw(st.integers(len(acknowledged), len(journal)))]
    put(store, journal)

    writer, _ = reopen(store)
    writer.close()

    assert store.read_journal(RUN_ID).startswith(acknowledged)
    assert verify_run(store, RUN_ID).ok


def test_later_lines_without_earlier_ones_are_cut() -> None:
    store = stored_run()
    lines = lines_of(store)
    put(store, b"".join([*lines[:-3], *lines[-2:]]))

    found = survey(RUN_ID, store.read_journal(RUN_ID))

    assert len(found.records) == len(lines) - 3
    assert found.tail == b"".join(lines[-2:])


def swapped(lines: list[bytes]) -> bytes:
    return b"".join([*lines[:4], lines[5], lines[4], *lines[6:]])


def edited(lines: list[bytes]) -> bytes:
    return b"".join(lines).replace(b"Deploy with production", b"Deploy with staging", 1)


def damaged(lines: list[bytes]) -> bytes:
    return b"".join([*lines[:4], lines[4][1:], *lines[5:]])


def doubled(lines: list[bytes]) -> bytes:
    return b"".join([*lines, lines[-1]])


def beheaded(lines: list[bytes]) -> bytes:
    return b"".join(lines[1:])


def emptied(lines: list[bytes]) -> bytes:
    del lines
    return b""


@pytest.mark.parametrize("change", [swapped, edited, damaged, doubled, beheaded, emptied])
def test_what_no_crash_can_make_is_refused_and_left_as_it_is(change: Callable[[list[bytes]], bytes]) -> None:
    store = stored_run()
    journal = change(lines_of(store))
    put(store, journal)
    before = dict(store.runs[RUN_ID].files)

    with pytest.raises(CorruptJournalError) as refused:
        reopen(store)

    assert store.runs[RUN_ID].files == before
    assert store.holder(RUN_ID) is None, "the lease is let go"
    assert int(str(refused.value.facts["line"])) >= 1
    assert refused.value.hint


def test_a_tail_larger_than_a_batch_is_refused() -> None:
    store = stored_run()
    put(store, store.read_journal(RUN_ID) + b"\0" * (BATCH_BYTES_MAX + 1))

    with pytest.raises(CorruptJournalError, match="more than one batch"):
        reopen(store)


def test_a_tail_of_one_batch_is_cut() -> None:
    store = stored_run()
    put(store, store.read_journal(RUN_ID) + b"\0" * BATCH_BYTES_MAX)

    writer, records = reopen(store)
    writer.close()

    assert records[-1].type == "JOURNAL_RECOVERED"


def test_nothing_may_stand_after_the_end() -> None:
    store = stored_run(ended=True)
    put(store, store.read_journal(RUN_ID) + b"\0" * 10)

    with pytest.raises(CorruptJournalError, match="after the run's end"):
        reopen(store)


def test_a_whole_last_line_that_is_not_json_is_refused() -> None:
    """No later prefix covers it, and nothing may be appended to it."""
    store = stored_run()
    lines = lines_of(store)
    put(store, b"".join(lines[:-1]) + lines[-1].replace(b'"callId"', b'"callI#', 1))

    with pytest.raises(CorruptJournalError, match="not JSON"):
        reopen(store)


def test_a_run_that_was_not_let_go_in_order_is_written_to_a_fresh_file() -> None:
    store = stored_run()
    store.runs[RUN_ID].clean = False
    before = store.read_journal(RUN_ID)

    writer, _ = reopen(store)

    assert writer.lease.clean
    assert store.read_journal(RUN_ID) == before
    writer.close()
