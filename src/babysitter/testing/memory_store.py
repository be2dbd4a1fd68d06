"""A store in memory, for tests of whatever stands on a store. Passes store_conformance.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from babysitter.model.errors import AppendConflictError, NotFoundError, RunExistsError, RunLockedError
from babysitter.model.ids import check_run_id
from babysitter.stores.interface import Holder, Piece, piece_begin
from babysitter.stores.paths import check_path

JOURNAL = "journal/journal.jsonl"


@dataclass(slots=True)
class StoredRun:
    """One run's bytes. ``clean``: its last driver let go in order."""

    files: dict[str, bytes] = field(default_factory=dict)
    holder: Holder | None = None
    clean: bool = True


class MemoryStore:
    """See Store."""

    def __init__(self) -> None:
        self.runs: dict[str, StoredRun] = {}

    def create(self, run_id: str, files: Mapping[str, bytes], journal: bytes) -> None:
        """See Store."""
        check_run_id(run_id)
        if run_id in self.runs:
            raise RunExistsError(
                f"there is a run {run_id} already.", hint="Choose another id.", run_id=run_id
            )
        for path in files:
            check_path(path)
        self.runs[run_id] = StoredRun(files={**files, JOURNAL: journal})

    def lease(self, run_id: str, holder: Holder) -> "MemoryLease":
        """See Store."""
        run = self._run(run_id)
        if run.holder is not None:
            raise RunLockedError(
                f"run {run_id} is being driven by {run.holder.user} on {run.holder.host}.",
                hint="Wait until it ends.",
                run_id=run_id,
                holder=run.holder,
            )
        lease = MemoryLease(run_id, run)
        run.holder, run.clean = holder, False
        return lease

    def holder(self, run_id: str) -> Holder | None:
        """See Store."""
        return self._run(run_id).holder

    def run_ids(self) -> list[str]:
        """See Store."""
        return sorted(self.runs)

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        """See Store."""
        return self._run(run_id).files[JOURNAL][offset:]

    def journal_size(self, run_id: str) -> int:
        """See Store."""
        return len(self._run(run_id).files[JOURNAL])

    def size(self, run_id: str) -> int:
        """See Store."""
        return sum(len(data) for data in self._run(run_id).files.values())

    def read_file(self, run_id: str, path: str) -> bytes:
        """See Store."""
        return _read(self._run(run_id), path)

    def read_piece(self, run_id: str, path: str, *, offset: int, bytes_max: int) -> Piece:
        """See Store."""
        data = self.read_file(run_id, path)
        begin = piece_begin(len(data), offset, bytes_max)
        return Piece(data=data[begin : begin + bytes_max], offset=begin, size=len(data))

    def paths(self, run_id: str) -> list[str]:
        """See Store."""
        return sorted(self._run(run_id).files)

    def location(self, run_id: str, path: str = "") -> str:
        """See Store."""
        return f"memory:{check_run_id(run_id)}" + (f"/{path}" if path else "")

    def send_mail(self, run_id: str, name: str, data: bytes) -> None:
        """See Store."""
        check_path(f"mail/{name}")
        self._run(run_id).files[f"mail/{name}"] = data

    def _run(self, run_id: str) -> StoredRun:
        run = self.runs.get(check_run_id(run_id))
        if run is None:
            raise NotFoundError(f"there is no run {run_id}.", hint="Look at the id.", run_id=run_id)
        return run


class MemoryLog:
    """See LogFile."""

    def __init__(self, run: StoredRun, path: str) -> None:
        check_path(path)
        self._run = run
        self._path = path
        run.files[path] = b""

    def write(self, data: bytes) -> None:
        """See LogFile."""
        self._run.files[self._path] += data

    def close(self, *, durable: bool) -> None:
        """See LogFile."""
        del durable


class MemoryLease:
    """See Lease."""

    def __init__(self, run_id: str, run: StoredRun) -> None:
        self.run_id = run_id
        self.clean = run.clean
        self._run = run
        self._held = True

    def append(self, batch: bytes, *, offset: int) -> None:
        """See Lease."""
        journal = self._run.files[JOURNAL]
        if len(journal) != offset:
            raise AppendConflictError(
                f"the journal is {len(journal)} bytes long, not {offset}.", hint="Open the run again."
            )
        self._run.files[JOURNAL] = journal + batch

    def replace_journal(self, good: bytes) -> None:
        """See Lease."""
        self._run.files[JOURNAL] = good
        self.clean = True

    def put_blob(self, path: str, data: bytes) -> None:
        """See Lease."""
        check_path(path)
        self._run.files[path] = data

    def put_derived(self, path: str, data: bytes) -> None:
        """See Lease."""
        self.put_blob(path, data)

    def open_log(self, path: str) -> MemoryLog:
        """See Lease."""
        return MemoryLog(self._run, path)

    def mail(self) -> list[str]:
        """See Lease."""
        return sorted(path.removeprefix("mail/") for path in self._run.files if path.startswith("mail/"))

    def read_mail(self, name: str) -> bytes:
        """See Lease."""
        return _read(self._run, f"mail/{name}")

    def delete_mail(self, name: str) -> None:
        """See Lease."""
        check_path(f"mail/{name}")
        self._run.files.pop(f"mail/{name}", None)

    def release(self) -> None:
        """See Lease."""
        if self._held:
            self._held = False
            self._run.holder, self._run.clean = None, self.clean


def _read(run: StoredRun, path: str) -> bytes:
    check_path(path)
    if path not in run.files:
        raise NotFoundError(f"there is no {path}.", hint="Look at the name.", path=path)
    return run.files[path]
