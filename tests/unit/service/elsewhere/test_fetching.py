"""What is fetched from a server: as much as a question needs, in pieces, and never more than is allowed."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from babysitter.model.errors import CorruptJournalError, NotFoundError, RefusedError, SignatureError
from babysitter.service.access.remote import Remote
from babysitter.service.elsewhere import fetching
from babysitter.service.elsewhere.fetching import Named, fetch
from babysitter.service.reading import run_created
from babysitter.service.runs import RunService
from babysitter.service.statements import what_it_covers
from babysitter.testing.memory_store import JOURNAL
from babysitter.testing.workspace import FakeWorkspace

PROCESSES = Path(__file__).parent.parent
NAMED = Named(run_id="r", breakpoint_id="1-go")
FACTS = "breakpoints/1-go/shown.json"
SHOWN = "breakpoints/1-go/shown.md"


class GivingRemote(Remote):
    """A server that gives these files, and notes what it was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__("https://h", "t", "alice@example.com")
        object.__setattr__(self, "files", files)
        object.__setattr__(self, "asked", [])

    files: dict[str, bytes]
    asked: list[str]

    def read(self, path: str, bytes_max: int) -> bytes:
        self.asked.append(path)
        parts = urlsplit(path)
        name = JOURNAL if parts.path.endswith("/journal") else unquote(parts.path.partition("/files/")[2])
        offset, until = (int(parse_qs(parts.query)[each][0]) for each in ("offset", "until"))
        assert until - offset == bytes_max
        return self.files[name][offset:until]


@pytest.fixture
def place() -> FakeWorkspace:
    found = FakeWorkspace(PROCESSES)
    RunService(found).start("processes.py#asking", None, run_id="r")
    return found


@pytest.fixture
def remote(place: FakeWorkspace) -> GivingRemote:
    store = place.store
    files = {path: store.read_file("r", path) for path in store.paths("r") if path != JOURNAL}
    return GivingRemote({**files, JOURNAL: store.read_journal("r")})


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_what_is_fetched_in_pieces_is_what_the_run_has(
    place: FakeWorkspace, remote: GivingRemote, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PIECE_BYTES", size)
    fetched = fetch(remote, NAMED)

    assert what_it_covers(fetched, "r", "1-go") == what_it_covers(place.store, "r", "1-go")
    assert run_created_of(fetched.read_journal("r")) == run_created(place.store, "r").process_id


def run_created_of(journal: bytes) -> str:
    """Return the process that a journal begins with."""
    return journal.partition(b'"processId":"')[2].partition(b'"')[0].decode()


def test_nothing_after_the_question_is_kept_or_asked_for(place: FakeWorkspace, remote: GivingRemote) -> None:
    whole = remote.files[JOURNAL]
    remote.files[JOURNAL] = whole + b"whatever follows\n"

    assert fetch(remote, NAMED).read_journal("r") == whole
    assert sum("/journal" in path for path in remote.asked) == 1


def test_only_the_question_s_own_files_are_there(remote: GivingRemote) -> None:
    fetched = fetch(remote, NAMED)

    with pytest.raises(NotFoundError):
        fetched.read_file("r", "run.json")
    with pytest.raises(NotFoundError):
        fetched.read_journal("another")
    assert not [path for path in remote.asked if "run.json" in path]


def test_names_can_t_lead_elsewhere_in_the_server_s_api() -> None:
    named = Named(run_id="../../x?y", breakpoint_id="a/b#c", workspace="w&x=1")

    assert named.path == "/api/v1/runs/..%2F..%2Fx%3Fy/breakpoints/a%2Fb%23c"
    assert named.query(offset=1) == "workspace=w%26x%3D1&offset=1"


@pytest.mark.parametrize(
    ("bound", "what"), [("JOURNAL_BYTES_MAX", "the journal"), ("DOCUMENT_BYTES_MAX", "shown.md")]
)
def test_more_than_is_fetched_is_refused(
    remote: GivingRemote, bound: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PIECE_BYTES", 16)
    monkeypatch.setattr(fetching, bound, 64)

    with pytest.raises(RefusedError, match=f"{what} is more than the 64 bytes"):
        fetch(remote, NAMED)
    assert len(remote.asked) < 200


def test_files_that_are_too_much_together_are_not_asked_for(
    remote: GivingRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FILES_BYTES_MAX", 10)

    with pytest.raises(RefusedError, match="what the question shows is more"):
        fetch(remote, NAMED)
    assert not [path for path in remote.asked if "/files/" in path]


Lie = Callable[[dict[str, bytes]], None]


def _set(name: str, change: Callable[[bytes], bytes]) -> Lie:
    def lie(files: dict[str, bytes]) -> None:
        before = files[name]
        files[name] = change(before)
        assert files[name] != before, "the lie is about nothing"

    return lie


@pytest.mark.parametrize(
    ("lie", "error", "words"),
    [
        (_set(JOURNAL, lambda data: data.replace(b'"seq":2', b'"seq":3', 1)), CorruptJournalError, "seq 3"),
        (_set(JOURNAL, lambda data: b"\0" + data), CorruptJournalError, "line 1"),
        (
            _set(JOURNAL, lambda data: data.replace(b'"breakpointId":"1-go"', b'"breakpointId":7', 1)),
            CorruptJournalError,
            "BREAKPOINT_REQUESTED",
        ),
        (_set(JOURNAL, lambda data: data[:-1]), NotFoundError, "never asks"),
        (_set(JOURNAL, lambda _: b""), NotFoundError, "never asks"),
        (_set(FACTS, lambda data: data[:-1]), SignatureError, "has not the"),
        (_set(FACTS, lambda data: data + b" "), SignatureError, "has not the"),
        (_set(FACTS, lambda data: data.replace(b"Go?", b"No?")), SignatureError, "json"),
        (_set(SHOWN, lambda data: data.replace(b"Go?", b"No?")), SignatureError, "shown.md is not"),
        (_set(SHOWN, lambda data: data + b"\n"), SignatureError, "shown.md is not"),
    ],
)
def test_what_is_not_as_it_was_asked_is_refused_with_what_differs(
    remote: GivingRemote, lie: Lie, error: type[Exception], words: str
) -> None:
    lie(remote.files)

    with pytest.raises(error, match=words):
        what_it_covers(fetch(remote, NAMED), "r", "1-go")


def test_every_byte_that_is_shown_counts(remote: GivingRemote) -> None:
    whole = dict(remote.files)
    for name in (SHOWN, FACTS):
        for index in range(len(whole[name])):
            changed = bytearray(whole[name])
            changed[index] ^= 1
            remote.files[name] = bytes(changed)
            with pytest.raises(SignatureError):
                what_it_covers(fetch(remote, NAMED), "r", "1-go")
        remote.files[name] = whole[name]


def test_another_run_s_question_is_not_this_one_s(place: FakeWorkspace, remote: GivingRemote) -> None:
    RunService(place).start("processes.py#asking", None, run_id="r2")
    store = place.store
    remote.files[JOURNAL] = store.read_journal("r2")
    for name in (SHOWN, FACTS):
        remote.files[name] = store.read_file("r2", name)

    with pytest.raises(SignatureError, match="another run than the journal"):
        what_it_covers(fetch(remote, NAMED), "r", "1-go")
