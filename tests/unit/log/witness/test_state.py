"""What a witness cosigns and what it refuses: growth, rollback, fork, and each disk operation that fails."""

import errno
import hashlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.notes import Note, cosigned_at, parse_signature
from babysitter.log.witness.keys import WitnessKey, load_or_make_key
from babysitter.log.witness.protocol import SIZE_TYPE, format_request
from babysitter.log.witness.state import EVIDENCE_MAX, Evidence, Reply, WitnessState
from babysitter.model.errors import BabysitterError, SettingsError
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock
from babysitter.testing.faulty_disk import Fault, FaultKind, FaultyDisk
from tests.unit.log.witness.sample_log import ORIGIN, SampleLog

HONEST = SampleLog()
REWRITTEN = SampleLog(rewritten_at=3)
LOGS = {ORIGIN: HONEST.verifier}
ADDRESS = hashlib.sha256(ORIGIN.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Tree:
    return Tree(RealDisk(), str(tmp_path))


def opened(folder: Tree) -> WitnessState:
    return WitnessState(folder, load_or_make_key(folder, "witness.example.com/w"), LOGS, FakeClock())


def key_of(folder: Tree) -> WitnessKey:
    return load_or_make_key(folder, "witness.example.com/w")


def evidence(state: WitnessState) -> list[Evidence]:
    names = msgspec.json.decode(state.get(f"/evidence/{ADDRESS}").body, type=list[str])
    return [
        msgspec.json.decode(state.get(f"/evidence/{ADDRESS}/{name}").body, type=Evidence) for name in names
    ]


def is_cosigned(reply: Reply, note: str, folder: Tree) -> bool:
    text = read_checkpoint(note)[0].text
    signed = Note(text=text, signatures=(parse_signature(reply.body[:-1]),))
    return reply.status == 200 and cosigned_at(signed, key_of(folder).verifier) is not None


def test_a_log_that_grows_is_cosigned(folder: Tree) -> None:
    state = opened(folder)

    replies = [state.post(HONEST.request(old, new)) for old, new in [(0, 5), (5, 8), (8, 8), (8, 64)]]

    for reply, size in zip(replies, [5, 8, 8, 64], strict=True):
        assert is_cosigned(reply, HONEST.note(size), folder)
    assert read_checkpoint(state.get(f"/checkpoint/{ADDRESS}").body)[1].size == 64
    assert read_checkpoint(state.get(f"/checkpoint/{ADDRESS}/5").body)[1].size == 5
    assert evidence(state) == []


@pytest.mark.parametrize("size", [1, 7])
def test_a_log_that_was_rolled_back_is_told_how_much_was_seen(folder: Tree, size: int) -> None:
    state = opened(folder)
    state.post(HONEST.request(0, 8))

    reply = state.post(HONEST.request(0, size))

    assert (reply.status, reply.body, reply.content_type) == (409, "8\n", SIZE_TYPE)
    assert read_checkpoint(state.get(f"/checkpoint/{ADDRESS}").body)[1].size == 8


def test_a_fork_is_refused_and_both_notes_are_kept(folder: Tree) -> None:
    state = opened(folder)
    state.post(HONEST.request(0, 8))

    reply = state.post(REWRITTEN.request(8, 8))

    (kept,) = evidence(opened(folder))
    known, offered = read_checkpoint(kept.known), read_checkpoint(kept.offered)
    assert (reply.status, kept.kind) == (409, "fork")
    assert known[1].size == offered[1].size == 8
    assert (known[1].root, offered[1].root) == (HONEST.root(8), REWRITTEN.root(8))
    assert cosigned_at(known[0], key_of(folder).verifier) is not None


def test_a_fork_at_a_size_seen_long_ago_is_proof_all_the_same(folder: Tree) -> None:
    state = opened(folder)
    for old, new in [(0, 5), (5, 20)]:
        state.post(HONEST.request(old, new))

    reply = state.post(REWRITTEN.request(0, 5))

    assert (reply.status, reply.body) == (409, "20\n")
    assert [each.kind for each in evidence(state)] == ["fork"]


def test_a_rewritten_log_that_has_grown_can_prove_nothing(folder: Tree) -> None:
    state = opened(folder)
    state.post(HONEST.request(0, 8))

    reply = state.post(REWRITTEN.request(8, 12))

    assert reply.status == 422
    assert [each.kind for each in evidence(state)] == ["unproven"]
    assert state.post(HONEST.request(8, 12)).status == 200


def test_evidence_is_kept_once_and_its_amount_is_bounded(folder: Tree) -> None:
    state = opened(folder)
    state.post(HONEST.request(0, 2))

    for number in range(EVIDENCE_MAX + 3):
        body = format_request(2, [], HONEST.note(9, f"extension {number}"))
        assert [state.post(body).status for _ in range(2)] == [422, 422]
    state.post(REWRITTEN.request(0, 2))
    state.post(SampleLog(rewritten_at=0).request(2, 2))

    kinds = [each.kind for each in evidence(state)]
    assert (kinds.count("unproven"), kinds.count("fork")) == (EVIDENCE_MAX, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(SampleLog(origin="logs.example.com/other").request(0, 5), 404, id="unknown log"),
        pytest.param(SampleLog(seed=2).request(0, 5), 403, id="another key"),
        pytest.param(HONEST.request(0, 5).replace(b"\n5\n", b"\n6\n"), 403, id="edited"),
        pytest.param(HONEST.request(6, 5), 400, id="old size above new"),
        pytest.param(HONEST.request(3, 5), 409, id="another old size"),
        pytest.param(format_request(0, [bytes(32)], HONEST.note(5)), 422, id="proof from nothing"),
        pytest.param(format_request(0, [], "no note"), 400, id="no note"),
        pytest.param(b"\xff", 400, id="no text"),
    ],
)
def test_what_a_first_request_is_refused_for(folder: Tree, body: bytes, status: int) -> None:
    state = opened(folder)

    reply = state.post(body)

    assert reply.status == status
    assert state.get(f"/checkpoint/{ADDRESS}").status == 404
    assert evidence(state) == []


@settings(max_examples=30)
@given(data=st.data())
def test_no_byte_of_a_proof_can_be_another(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    state = opened(Tree(RealDisk(), str(tmp_path_factory.mktemp("w"))))
    old = data.draw(st.integers(1, 40))
    new = data.draw(st.integers(old + 1, 90))
    state.post(HONEST.request(0, old))
    proof = list(HONEST.update(new).prove(old))
    index = data.draw(st.integers(0, len(proof) - 1))
    proof[index] = data.draw(st.binary(min_size=32, max_size=32).filter(lambda each: each != proof[index]))

    reply = state.post(format_request(old, proof, HONEST.note(new)))

    assert reply.status == 422


@pytest.mark.parametrize("log", [HONEST, REWRITTEN])
def test_of_many_updates_from_the_same_tree_exactly_one_wins(folder: Tree, log: SampleLog) -> None:
    state = opened(folder)
    state.post(HONEST.request(0, 2))
    bodies = [each.request(2, size) for size in range(3, 11) for each in (HONEST, log)]

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(state.post, bodies))

    won = {body for body, reply in zip(bodies, replies, strict=True) if reply.status == 200}
    assert len(won) == 1
    assert {reply.status for reply in replies} == {200, 409}


def test_what_was_seen_survives_a_restart(folder: Tree) -> None:
    opened(folder).post(HONEST.request(0, 8))

    reply = opened(folder).post(REWRITTEN.request(0, 8))

    assert (reply.status, reply.body) == (409, "8\n")


@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_whatever_the_disk_does_one_size_has_one_cosigned_root(tmp_path: Path, kind: FaultKind) -> None:
    """The disk fails once, the process goes on or ends; another log of the same name then comes first."""
    for number in itertools.count(1):
        place = tmp_path / str(number)
        place.mkdir()
        sound = Tree(RealDisk(), str(place))
        key_of(sound)
        disk = FaultyDisk(RealDisk(), Fault(number, kind, errno.EIO))
        faulty = Tree(disk.port, str(place))
        roots: dict[int, set[bytes]] = {}

        for folder, log in [(faulty, HONEST), (faulty, REWRITTEN), (sound, REWRITTEN), (sound, HONEST)]:
            for size, root in cosigned_by(folder, log):
                roots.setdefault(size, set()).add(root)

        assert 6 in roots, (number, kind)
        assert all(len(each) == 1 for each in roots.values()), (number, kind)
        if not disk.fired:
            break


def cosigned_by(folder: Tree, log: SampleLog) -> Iterator[tuple[int, bytes]]:
    """Start a witness and send it two checkpoints; give the size and root of those that it cosigned."""
    try:
        state = opened(folder)
    except BabysitterError:
        return
    for size in [4, 6]:
        reply = state.post(log.request(0, size))
        if reply.status == 409:
            reply = state.post(log.request(int(reply.body), size))
        if reply.status == 200:
            yield size, log.root(size)


def test_after_a_failed_write_nothing_is_cosigned_any_more(tmp_path: Path) -> None:
    """Even where a later look finds the file: it may be in the page cache only."""
    key_of(Tree(RealDisk(), str(tmp_path)))
    disk = FaultyDisk(RealDisk(), Fault(16, "after", errno.EIO))
    state = opened(Tree(disk.port, str(tmp_path)))

    statuses = [state.post(HONEST.request(0, 4)).status for _ in range(3)]

    assert disk.fired
    assert statuses == [503, 503, 503]


@pytest.mark.parametrize("content", [b"", b"\xff\n\n", b"a\nb\n\nc\n"])
def test_a_broken_file_of_ours_is_not_taken_for_nothing(folder: Tree, content: bytes) -> None:
    opened(folder).post(HONEST.request(0, 4))
    folder.replace(f"logs/{ADDRESS}/latest", content, durable=False)

    assert opened(folder).post(REWRITTEN.request(0, 6)).status == 503


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/checkpoint",
        f"/checkpoint/{ADDRESS}/../../witness.key",
        f"/checkpoint/{ADDRESS}/latest",
        "/witness.key",
        f"/evidence/{ADDRESS}/x",
        f"/checkpoint/{ADDRESS.upper()}",
        f"/checkpoint/{ADDRESS}/",
        "/evidence/../x",
    ],
)
def test_nothing_else_is_told(folder: Tree, path: str) -> None:
    state = opened(folder)
    state.post(HONEST.request(0, 8))

    assert state.get(path).status == 404


def test_a_witness_key_is_not_taken_for_a_logs(folder: Tree) -> None:
    key = key_of(folder)

    with pytest.raises(SettingsError, match="a witness's"):
        WitnessState(folder, key, {ORIGIN: key.verifier}, FakeClock())
