# ruff: noqa: D102 (the sentences are the names)
"""What any store must keep, as tests: subclass and give a store.

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def store(self):
            return MyStore(...)

The contract: stores/interface.py.
"""

from abc import abstractmethod

import pytest

from babysitter.model.errors import (
    AppendConflictError,
    InvalidIdError,
    NotFoundError,
    RunExistsError,
    RunLockedError,
)
from babysitter.stores.interface import Holder, Store

HOLDER = Holder(user="alice", host="build-1", pid=4711, since="2026-01-31T10:15:30.123456Z")
OTHER = Holder(user="bob", host="build-2", pid=4712, since="2026-01-31T10:16:30.123456Z")
FILES = {"run.json": b'{"a":1}', "inputs.json": b"{}"}
FIRST = b"first line\n"
LEAVING = (
    "../out",
    "a/../../out",
    "/etc/passwd",
    "a//b",
    "",
    ".",
    "a/./b",
    "a\0b",
    "a\nb",
    "..",
    "a/..",
    "x" * 300,
)


class StoreConformance:
    """The suite. Each test gets a fresh, empty store."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> Store:
        """Return a fresh store."""

    @pytest.fixture
    def run(self, store: Store) -> str:
        """Return the id of a run that was just made."""
        store.create("run-1", FILES, FIRST)
        return "run-1"

    def test_a_new_run_has_its_files_and_its_first_lines(self, store: Store, run: str) -> None:
        assert store.read_journal(run) == FIRST
        assert {path: store.read_file(run, path) for path in FILES} == FILES
        assert store.run_ids() == [run]
        assert set(store.paths(run)) >= {*FILES, "journal/journal.jsonl"}

    def test_a_run_is_made_once(self, store: Store, run: str) -> None:
        with pytest.raises(RunExistsError):
            store.create(run, {"run.json": b"other"}, b"other\n")

        assert store.read_journal(run) == FIRST
        assert store.read_file(run, "run.json") == FILES["run.json"]

    def test_a_new_run_is_clean(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)

        assert lease.clean
        lease.release()

    def test_ids_come_sorted(self, store: Store) -> None:
        for run_id in ("b", "a.2", "a-1", "Z"):
            store.create(run_id, FILES, FIRST)

        assert store.run_ids() == ["Z", "a-1", "a.2", "b"]

    @pytest.mark.parametrize("run_id", ["../x", "a/b", "", ".hidden", "x" * 129, "a b", "a\0"])
    def test_an_id_that_could_leave_the_store_is_refused(self, store: Store, run_id: str) -> None:
        with pytest.raises(InvalidIdError):
            store.create(run_id, FILES, FIRST)
        with pytest.raises(InvalidIdError):
            store.lease(run_id, HOLDER)
        with pytest.raises(InvalidIdError):
            store.read_journal(run_id)

    def test_what_is_not_there_is_not_found(self, store: Store, run: str) -> None:
        with pytest.raises(NotFoundError):
            store.lease("run-2", HOLDER)
        with pytest.raises(NotFoundError):
            store.read_journal("run-2")
        with pytest.raises(NotFoundError):
            store.send_mail("run-2", "m.json", b"{}")
        with pytest.raises(NotFoundError):
            store.read_file(run, "tasks/1-a/result.json")
        assert store.run_ids() == [run]

    def test_appends_stand_one_after_the_other(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)
        lease.append(b"second\n", offset=len(FIRST))
        lease.append(b"third\nfourth\n", offset=len(FIRST) + 7)

        assert store.read_journal(run) == FIRST + b"second\nthird\nfourth\n"
        assert store.read_journal(run, offset=len(FIRST)) == b"second\nthird\nfourth\n"
        lease.release()

    @pytest.mark.parametrize("offset", [0, len(FIRST) - 1, len(FIRST) + 1])
    def test_an_append_elsewhere_than_at_the_end_is_a_conflict(
        self, store: Store, run: str, offset: int
    ) -> None:
        lease = store.lease(run, HOLDER)

        with pytest.raises(AppendConflictError):
            lease.append(b"second\n", offset=offset)

        assert store.read_journal(run) == FIRST
        lease.release()

    def test_one_driver_at_a_time_and_the_second_learns_who(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)

        with pytest.raises(RunLockedError) as refused:
            store.lease(run, OTHER)

        assert refused.value.facts["holder"] == HOLDER
        assert "alice" in refused.value.message
        lease.release()

    def test_the_holder_is_known_while_it_holds(self, store: Store, run: str) -> None:
        assert store.holder(run) is None
        lease = store.lease(run, HOLDER)
        assert store.holder(run) == HOLDER
        lease.release()
        assert store.holder(run) is None

    def test_a_released_run_can_be_taken_again_and_is_clean(self, store: Store, run: str) -> None:
        first = store.lease(run, HOLDER)
        first.append(b"second\n", offset=len(FIRST))
        first.release()
        first.release()

        second = store.lease(run, OTHER)

        assert second.clean
        assert store.holder(run) == OTHER
        second.release()

    def test_a_replaced_journal_is_wholly_the_new_one_and_goes_on(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)
        lease.replace_journal(b"good\n")
        lease.append(b"next\n", offset=5)

        assert store.read_journal(run) == b"good\nnext\n"
        lease.release()

    def test_files_are_kept_and_replaced_whole(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)
        lease.put_blob("tasks/1-a/result.json", b"x" * 300_000)
        lease.put_blob("tasks/1-a/result.json", b"short")
        lease.put_derived("state/state.json", b"{}")

        assert store.read_file(run, "tasks/1-a/result.json") == b"short"
        assert store.read_file(run, "state/state.json") == b"{}"
        assert {"tasks/1-a/result.json", "state/state.json"} <= set(store.paths(run))
        lease.release()

    def test_logs_grow_and_begin_empty(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)
        for text in (b"a longer text", b"new"):
            log = lease.open_log("tasks/1-a/stdout.log")
            log.write(text)
            log.write(b"!")
            log.close(durable=True)

        assert store.read_file(run, "tasks/1-a/stdout.log") == b"new!"
        lease.release()

    @pytest.mark.parametrize(
        ("offset", "data", "begin"),
        [(0, b"abc", 0), (4, b"efg", 4), (6, b"gh", 6), (8, b"", 8), (99, b"", 8), (-1, b"fgh", 5)],
    )
    def test_a_part_of_a_file_is_read_without_the_rest(
        self, store: Store, run: str, offset: int, data: bytes, begin: int
    ) -> None:
        lease = store.lease(run, HOLDER)
        lease.put_blob("tasks/1-a/result.json", b"abcdefgh")
        lease.release()

        piece = store.read_piece(run, "tasks/1-a/result.json", offset=offset, bytes_max=3)

        assert (piece.data, piece.offset, piece.size) == (data, begin, 8)
        with pytest.raises(NotFoundError):
            store.read_piece(run, "tasks/1-a/nothing.json", offset=0, bytes_max=3)

    @pytest.mark.parametrize("path", LEAVING)
    def test_a_path_that_could_leave_the_run_is_refused(self, store: Store, run: str, path: str) -> None:
        lease = store.lease(run, HOLDER)
        before = store.paths(run)

        with pytest.raises(InvalidIdError):
            lease.put_blob(path, b"x")
        with pytest.raises(InvalidIdError):
            lease.put_derived(path, b"x")
        with pytest.raises(InvalidIdError):
            lease.open_log(path)
        with pytest.raises(InvalidIdError):
            store.read_file(run, path)

        assert store.paths(run) == before
        lease.release()

    def test_mail_waits_in_order_and_is_forgotten_once(self, store: Store, run: str) -> None:
        store.send_mail(run, "01B.json", b"second")
        store.send_mail(run, "01A.json", b"first")
        lease = store.lease(run, HOLDER)

        assert lease.mail() == ["01A.json", "01B.json"]
        assert lease.read_mail("01A.json") == b"first"
        lease.delete_mail("01A.json")
        lease.delete_mail("01A.json")
        assert lease.mail() == ["01B.json"]
        lease.release()

    def test_mail_reaches_a_run_that_is_driven(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)
        assert lease.mail() == []

        store.send_mail(run, "01A.json", b"hello")

        assert lease.mail() == ["01A.json"]
        lease.release()

    def test_mail_cannot_be_sent_outside(self, store: Store, run: str) -> None:
        with pytest.raises(InvalidIdError):
            store.send_mail(run, "../run.json", b"{}")

    def test_a_run_is_as_large_as_its_files(self, store: Store, run: str) -> None:
        lease = store.lease(run, HOLDER)
        lease.put_blob("artifacts/deep/plan.md", b"x" * 1000)
        lease.append(b"second line\n", offset=len(FIRST))
        lease.release()

        assert store.size(run) == sum(len(store.read_file(run, path)) for path in store.paths(run))
        assert store.size(run) >= 1000 + len(FIRST)
        with pytest.raises(NotFoundError):
            store.size("run-9")

    def test_a_location_names_the_run_and_the_file(self, store: Store, run: str) -> None:
        assert run in store.location(run)
        assert store.location(run, "run.json").endswith("run.json")
