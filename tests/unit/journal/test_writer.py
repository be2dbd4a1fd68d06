"""The one write path: masked before hashed, one append a commit, files before their lines."""

import gc
import hashlib
from pathlib import Path

import msgspec
import pytest

from babysitter.journal.layout import task_file
from babysitter.journal.reader import history, read_records
from babysitter.journal.writer import JournalWriter, create_journal
from babysitter.model.errors import (
    AppendConflictError,
    InvalidValueError,
    RunExistsError,
    RunLockedError,
    SecretError,
)
from babysitter.model.events import (
    INLINE_BYTES_MAX,
    EffectRequested,
    EffectResolved,
    ErrorInfo,
    Event,
    LogWritten,
    RunCreated,
    SignalReceived,
)
from babysitter.model.lines import BATCH_BYTES_MAX
from babysitter.model.secret import secret
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.stores.files import FileStore
from babysitter.stores.interface import Holder, Store
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import MemoryLease, MemoryStore
from babysitter.testing.plain_masker import PlainMasker
from babysitter.testing.sample_run import (
    HOLDER,
    RUN_ID,
    SECRET,
    SHA,
    create_sample_run,
    created,
    sample_masker,
    write_sample_run,
)


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    create_sample_run(made, FakeClock())
    return made


def opened(store: Store) -> JournalWriter:
    return JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), FakeClock())[0]


def requested(args: object, **more: object) -> EffectRequested:
    return EffectRequested(
        effect_id="1-a",
        call_id="1",
        task_id="a",
        kind="inline",
        label="a",
        args_sha256="",
        task_def_ref="tasks/1-a/task.json",
        args=args,
        **more,  # type: ignore[arg-type]
    )


def resolved(result: object) -> EffectResolved:
    return EffectResolved(effect_id="1-a", attempt=1, status="ok", result=result)


def last_data(store: Store) -> dict[str, object]:
    data: dict[str, object] = msgspec.json.decode(list(read_records(store, RUN_ID))[-1].data)
    return data


def as_read(store: Store) -> list[Event]:
    return list(history(read_records(store, RUN_ID), store, RUN_ID, sample_masker()))


def test_a_new_run_begins_with_digests_of_the_files_that_were_written(store: MemoryStore) -> None:
    first = next(read_records(store, RUN_ID)).event()

    assert isinstance(first, RunCreated)
    assert first.run_sha256 == sha256_hex(store.read_file(RUN_ID, "run.json"))
    assert first.inputs_sha256 == sha256_hex(store.read_file(RUN_ID, "inputs.json"))
    assert SECRET.encode() not in store.read_file(RUN_ID, "inputs.json")


def test_a_run_is_made_once(store: MemoryStore) -> None:
    with pytest.raises(RunExistsError):
        create_journal(
            store, RUN_ID, {"run.json": {}, "inputs.json": {}}, [created()], sample_masker(), FakeClock()
        )


@pytest.mark.promise("G08")
def test_a_secret_is_masked_before_it_is_hashed_and_written(tmp_path: Path) -> None:
    store = FileStore(tmp_path / ".a5c" / "runs")

    write_sample_run(store, FakeClock())

    for path in tmp_path.rglob("*"):
        assert SECRET not in path.name
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.promise("G10")
@pytest.mark.parametrize(
    "event",
    [
        requested({"key": SECRET, SECRET: [f"Bearer {SECRET}", "${secret:env:API_KEY}"]}),
        requested({"n": 1}, labels=(SECRET, "plain")),
        resolved([SECRET, {"text": "no secret"}]),
        EffectResolved(
            effect_id="1-a",
            attempt=1,
            status="error",
            error=ErrorInfo(name="E", message=f"bad {SECRET}", data=[SECRET]),
        ),
        LogWritten(call_id="1", message=SECRET, fields={"a": SECRET}),
        LogWritten(call_id="1", message="nothing to hide", fields={"a": [1, 2.5, None, True, "x"]}),
        resolved("x" * (INLINE_BYTES_MAX + 1)),
        resolved([SECRET] * 10_000),
    ],
)
def test_stage_returns_what_a_reader_of_the_line_gets(store: MemoryStore, event: Event) -> None:
    writer = opened(store)

    live = writer.stage(event)
    writer.commit()

    assert as_read(store)[-1] == live
    assert SECRET.encode() not in b"".join(store.runs[RUN_ID].files.values())
    writer.close()


def test_an_event_without_secrets_comes_back_itself(store: MemoryStore) -> None:
    writer = opened(store)
    event = LogWritten(call_id="1", message="hello", fields={"a": [1, {"b": None}]})

    assert writer.stage(event) is event
    writer.close()


def test_a_tuple_comes_back_as_the_list_that_json_has(store: MemoryStore) -> None:
    writer = opened(store)

    live = writer.stage(LogWritten(call_id="1", message="hello", fields={"a": (1, (2, 3))}))

    assert isinstance(live, LogWritten)
    assert live.fields == {"a": [1, [2, 3]]}
    writer.close()


def test_a_secret_leaf_is_stored_as_a_reference_and_read_as_its_value(store: MemoryStore) -> None:
    writer = opened(store)

    live = writer.stage(requested({"key": secret("env:API_KEY")}))
    writer.commit()

    assert isinstance(live, EffectRequested)
    assert live.args == {"key": SECRET}
    assert last_data(store)["args"] == {"key": {"$secret": "env:API_KEY"}}
    writer.close()


def test_an_event_that_cannot_be_stored_leaves_no_trace(store: MemoryStore) -> None:
    writer = opened(store)
    seq, prefix = writer.last_seq, writer.prefix

    with pytest.raises(SecretError):
        writer.stage(requested({"key": secret("env:OTHER_KEY")}))
    with pytest.raises(InvalidValueError):
        writer.stage(LogWritten(call_id="1", message="x" * BATCH_BYTES_MAX))
    with pytest.raises(UnicodeEncodeError):
        writer.stage(LogWritten(call_id="1", message="\ud800"))

    assert (writer.last_seq, writer.prefix, writer.dead) == (seq, prefix, False)
    writer.stage(LogWritten(call_id="1", message="fine"))
    writer.commit()
    assert len(as_read(store)) == 2
    writer.close()


def test_empty_digests_are_filled_from_the_masked_value(store: MemoryStore) -> None:
    writer = opened(store)

    live = writer.stage(requested({"b": 1, "a": SECRET}))
    writer.commit()

    masked = {"a": {"$secret": "env:API_KEY"}, "b": 1}
    assert isinstance(live, EffectRequested)
    assert live.args_sha256 == sha256_hex(canonical_json(masked)) == writer.digest({"b": 1, "a": SECRET})
    assert last_data(store)["argsSha256"] == live.args_sha256
    writer.close()


@pytest.mark.parametrize("over", [False, True])
def test_a_value_moves_to_a_file_above_64_kib_and_not_below(store: MemoryStore, over: bool) -> None:
    writer = opened(store)
    text = "x" * (INLINE_BYTES_MAX - 2 + over)

    live = writer.stage(resolved(text))
    path = task_file("1-a", "result.json")
    assert (path in store.runs[RUN_ID].files) == over, "the file is there before the line"
    writer.commit()

    assert isinstance(live, EffectResolved)
    assert live.result == text
    assert (live.result_ref is not None) == over
    assert ("result" in last_data(store)) == (not over)
    if live.result_ref is not None:
        assert live.result_ref.sha256 == hashlib.sha256(store.read_file(RUN_ID, path)).hexdigest()
    writer.close()


class CountingStore(MemoryStore):
    """Counts the appends of its leases."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def lease(self, run_id: str, holder: Holder) -> MemoryLease:
        lease = super().lease(run_id, holder)
        append = lease.append

        def counted(batch: bytes, *, offset: int) -> None:
            self.batches.append(len(batch))
            append(batch, offset=offset)

        lease.append = counted  # type: ignore[method-assign]
        return lease


def test_a_commit_is_one_append_and_an_empty_one_is_none() -> None:
    store = CountingStore()
    create_sample_run(store, FakeClock())
    writer = opened(store)

    writer.commit()
    for n in range(3):
        writer.stage(LogWritten(call_id=str(n), message="hello"))
    assert store.batches == []
    writer.commit()
    writer.commit()

    assert len(store.batches) == 1
    writer.close()


def test_no_batch_is_larger_than_256_kib() -> None:
    store = CountingStore()
    create_sample_run(store, FakeClock())
    writer = opened(store)

    for n in range(100):
        writer.stage(SignalReceived(name="s", payload="x" * (20_000 + n), sender="bob"))
    writer.commit()

    assert max(store.batches) <= BATCH_BYTES_MAX
    assert min(store.batches[:-1]) > BATCH_BYTES_MAX - 40_000, "batches are filled before they are written"
    assert len(as_read(store)) == 101
    writer.close()


def test_the_writer_knows_where_the_journal_ends(store: MemoryStore) -> None:
    writer = opened(store)
    writer.stage(LogWritten(call_id="1", message="hello"))
    writer.commit()

    journal = store.read_journal(RUN_ID)
    assert (writer.last_seq, writer.size) == (2, len(journal))
    assert writer.prefix == hashlib.sha256(journal).hexdigest()
    writer.close()


def test_what_is_staged_and_not_committed_is_not_kept(store: MemoryStore) -> None:
    before = store.read_journal(RUN_ID)
    writer = opened(store)

    writer.stage(LogWritten(call_id="1", message="hello"))
    writer.close()

    assert store.read_journal(RUN_ID) == before


def test_two_writers_never_hold_one_run(store: MemoryStore) -> None:
    writer = opened(store)

    with pytest.raises(RunLockedError):
        opened(store)

    writer.close()
    opened(store).close()


def test_a_writer_that_finds_another_ones_bytes_is_dead(store: MemoryStore) -> None:
    writer = opened(store)
    store.runs[RUN_ID].files["journal/journal.jsonl"] += b"alien\n"
    writer.stage(LogWritten(call_id="1", message="hello"))

    with pytest.raises(AppendConflictError):
        writer.commit()
    with pytest.raises(AppendConflictError):
        writer.stage(LogWritten(call_id="2", message="hello"))

    assert writer.dead
    writer.close()


def test_files_are_masked(store: MemoryStore) -> None:
    writer = opened(store)

    ref = writer.put_blob("artifacts/a.bin", b"\xff" + SECRET.encode())
    json_ref = writer.put_json_blob("artifacts/a.json", {"key": SECRET})
    writer.derived("state/state.json", {"key": SECRET})
    writer.derived("state/raw", SECRET.encode())

    assert ref.sha256 == hashlib.sha256(store.read_file(RUN_ID, ref.path)).hexdigest()
    assert ref.bytes == len(store.read_file(RUN_ID, ref.path))
    assert store.read_file(RUN_ID, json_ref.path) == b'{"key":{"$secret":"env:API_KEY"}}'
    assert SECRET.encode() not in b"".join(store.runs[RUN_ID].files.values())
    writer.close()


def test_output_is_masked_capped_and_named_by_its_digest(store: MemoryStore) -> None:
    writer = opened(store)
    sink = writer.open_output("tasks/1-a/stdout.log", 40)

    for byte in f"key {SECRET}, ".encode() + b"y" * 100:
        sink.write(bytes([byte]))
    ref = sink.close()

    kept = store.read_file(RUN_ID, "tasks/1-a/stdout.log")
    assert ref is not None
    assert (ref.sha256, ref.bytes) == (hashlib.sha256(kept).hexdigest(), len(kept))
    assert kept.startswith(b"key ${secret:env:API_KEY}, ")
    assert b"more not kept" in kept
    assert sink.close() == ref
    assert sink.tail(5) == kept.decode()[-5:]
    writer.close()


def test_a_silent_program_leaves_no_file(store: MemoryStore) -> None:
    writer = opened(store)
    before = store.paths(RUN_ID)

    assert writer.open_output("tasks/1-a/stdout.log", 40).close() is None

    assert store.paths(RUN_ID) == before
    writer.close()


def test_memory_of_the_writer_does_not_grow_with_the_run(store: MemoryStore) -> None:
    writer = JournalWriter(NoLease(), PlainMasker(), FakeClock())  # type: ignore[arg-type]

    def objects_after(count: int) -> int:
        for n in range(count):
            writer.stage(
                EffectResolved(effect_id=f"{n}-a", attempt=1, status="ok", result={"n": n}, result_sha256=SHA)
            )
            writer.commit()
        gc.collect()
        return len(gc.get_objects())

    few = objects_after(100)
    many = objects_after(5000)

    assert many - few < 100


class NoLease:
    """Keeps nothing."""

    def append(self, batch: bytes, *, offset: int) -> None:
        del batch, offset
