"""Reading checks every line, fills values from files, and gives references back as values."""

import pytest

from babysitter.journal.reader import history, read_more, read_records
from babysitter.journal.writer import JournalWriter
from babysitter.model.errors import CorruptJournalError, SecretError
from babysitter.model.events import EffectResolved
from babysitter.model.lines import Chain
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import JOURNAL, MemoryStore
from babysitter.testing.plain_masker import PlainMasker
from babysitter.testing.sample_run import (
    HOLDER,
    RUN_ID,
    SECRET,
    sample_batches,
    sample_masker,
    write_sample_run,
)


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    write_sample_run(made, FakeClock())
    return made


def events(store: MemoryStore, masker: PlainMasker) -> list[object]:
    return list(history(read_records(store, RUN_ID), store, RUN_ID, masker))


def test_records_show_references_and_history_shows_values(store: MemoryStore) -> None:
    stored = b"".join(record.data for record in read_records(store, RUN_ID))
    results = [event for event in events(store, sample_masker()) if isinstance(event, EffectResolved)]

    assert SECRET.encode() not in stored
    assert results[0].result["key"] == SECRET
    assert results[0].result["note"] == "${secret:env:API_KEY}", "data that looks like a reference stays data"
    assert results[1].result[-1] == f"{SECRET} 3999"


def test_a_rotated_secret_resolves_to_its_new_value(store: MemoryStore) -> None:
    results = [
        event
        for event in events(store, PlainMasker({"env:API_KEY": "rotated"}))
        if isinstance(event, EffectResolved)
    ]

    assert results[0].result["key"] == "rotated"


def test_a_reference_without_a_value_is_an_error_that_names_it(store: MemoryStore) -> None:
    with pytest.raises(SecretError, match="env:API_KEY"):
        events(store, PlainMasker())


@pytest.mark.parametrize("change", [b"", b"x", b"null"])
def test_a_file_that_is_not_what_its_line_names_is_refused(store: MemoryStore, change: bytes) -> None:
    files = store.runs[RUN_ID].files
    files["tasks/7-report/result.json"] = change + files["tasks/7-report/result.json"][len(change) + 1 :]

    with pytest.raises(CorruptJournalError, match=r"tasks/7-report/result\.json") as refused:
        events(store, sample_masker())

    assert refused.value.facts["line"] == 21


def test_a_missing_file_is_refused(store: MemoryStore) -> None:
    del store.runs[RUN_ID].files["tasks/7-report/input.json"]

    with pytest.raises(CorruptJournalError, match="missing"):
        events(store, sample_masker())


def test_a_line_of_an_unknown_type_is_refused_by_name(store: MemoryStore) -> None:
    chain = Chain()
    data = chain.line("NEVER_HEARD_OF", "2026-01-31T10:15:30.123456Z", b"{}")
    store.runs[RUN_ID].files[JOURNAL] = data

    with pytest.raises(CorruptJournalError, match="NEVER_HEARD_OF"):
        events(store, sample_masker())


def test_a_watcher_reads_on_from_where_it_stood() -> None:
    store = MemoryStore()
    write_sample_run(store, FakeClock(), ended=False)
    chain = Chain()
    before = list(read_more(store, RUN_ID, chain))
    writer, _ = JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), FakeClock())
    sample_batches()[-1](writer)
    writer.commit()
    writer.close()

    after = list(read_more(store, RUN_ID, chain))

    assert [record.type for record in after] == ["RUN_COMPLETED"]
    assert [*before, *after] == list(read_records(store, RUN_ID))


def test_a_view_of_a_live_run_stops_before_a_line_that_is_being_written(store: MemoryStore) -> None:
    whole = store.read_journal(RUN_ID)
    store.runs[RUN_ID].files[JOURNAL] = whole[:-10]

    seen = list(read_records(store, RUN_ID, torn_tail_ok=True))

    assert len(seen) == whole.count(b"\n") - 1
    with pytest.raises(CorruptJournalError):
        list(read_records(store, RUN_ID))


def test_a_view_of_a_live_run_refuses_what_is_no_torn_tail(store: MemoryStore) -> None:
    store.runs[RUN_ID].files[JOURNAL] = store.read_journal(RUN_ID).replace(b"alice", b"malice", 1)

    with pytest.raises(CorruptJournalError):
        list(read_records(store, RUN_ID, torn_tail_ok=True))
