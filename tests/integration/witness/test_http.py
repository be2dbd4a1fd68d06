"""Asking a witness over HTTP: what is believed, what is tried again, and how it fails."""

import hashlib
import socket
from collections.abc import Callable

import pytest

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.notes import VerifierKey, is_signed_by
from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.http import HttpWitness
from babysitter.log.witness.interface import CheckpointUpdate
from babysitter.log.witness.server import RunningWitness
from babysitter.model.errors import WitnessError
from tests.integration.witness.serving import answering, client_of, response, says
from tests.unit.log.witness.sample_log import ORIGIN, SampleLog

HONEST, REWRITTEN = SampleLog(), SampleLog(rewritten_at=3)
SIZE = "text/x.tlog.size"


def refusal(witness: HttpWitness, update: CheckpointUpdate) -> WitnessError:
    with pytest.raises(WitnessError) as caught:
        witness.cosign(update)
    assert caught.value.facts["witness"] == "w"
    assert caught.value.hint
    return caught.value


def reason(witness: HttpWitness, update: CheckpointUpdate) -> object:
    return refusal(witness, update).facts["reason"]


def test_a_growing_log_is_cosigned_from_where_the_witness_is(running: RunningWitness) -> None:
    """Whether the client knows what was seen, knows nothing, or is behind."""
    witness = client_of(running)

    times = [
        witness.cosign(HONEST.update(size, known)).time_s for size, known in [(5, 0), (8, 5), (9, 0), (20, 5)]
    ]

    assert all(times)
    seen = witness.seen(ORIGIN)
    assert seen is not None
    assert seen.startswith(f"{ORIGIN}\n20\n")
    assert witness.evidence(ORIGIN) == ()


def test_the_same_checkpoint_may_be_cosigned_again(running: RunningWitness) -> None:
    witness = client_of(running)

    first = witness.cosign(HONEST.update(5))
    second = witness.cosign(HONEST.update(5, known_size=5))

    assert first.time_s is not None and second.time_s is not None
    assert first.time_s <= second.time_s


def test_a_log_that_was_rolled_back_is_told_so(running: RunningWitness) -> None:
    witness = client_of(running)
    witness.cosign(HONEST.update(20))

    error = refusal(witness, HONEST.update(8))

    assert (error.facts["reason"], error.facts["size"]) == ("ahead", 20)
    assert is_signed_by(read_checkpoint(str(error.facts["seen"]))[0], HONEST.verifier)


def test_a_rewritten_log_is_called_a_fork(running: RunningWitness) -> None:
    witness = client_of(running)
    witness.cosign(HONEST.update(8))

    assert reason(witness, REWRITTEN.update(8, known_size=8)) == "fork"
    assert reason(witness, REWRITTEN.update(8)) == "fork"
    assert [name.partition("-")[0] for name in witness.evidence(ORIGIN)] == ["fork"]


def test_a_rewritten_log_that_has_grown_is_called_a_fork_with_proof(running: RunningWitness) -> None:
    witness = client_of(running)
    witness.cosign(HONEST.update(8))

    error = refusal(witness, REWRITTEN.update(12))

    shown = read_checkpoint(str(error.facts["seen"]))
    assert (error.facts["reason"], error.facts["size"]) == ("fork", 8)
    assert is_signed_by(shown[0], HONEST.verifier)
    assert shown[1].root == HONEST.root(8)


@pytest.mark.parametrize(
    ("log", "status"), [(SampleLog(origin="logs.example.com/x"), 404), (SampleLog(seed=2), 403)]
)
def test_a_log_that_the_witness_does_not_know_is_told_what_to_do(
    running: RunningWitness, log: SampleLog, status: int
) -> None:
    error = refusal(client_of(running), log.update(5))

    assert (error.facts["reason"], error.facts["status"]) == ("refused", status)


def test_a_witness_that_has_seen_nothing_shows_nothing(running: RunningWitness) -> None:
    assert client_of(running).seen(ORIGIN) is None


def test_a_key_that_did_not_cosign_is_not_believed(running: RunningWitness) -> None:
    other = VerifierKey(name=running.verifier.name, kind=running.verifier.kind, public=bytes(31) + b"\1")
    witness = client_of(running, other)

    assert reason(witness, HONEST.update(5)) == "answer"
    with pytest.raises(WitnessError, match="not cosigned"):
        witness.seen(ORIGIN)


def test_a_logs_key_is_no_witness(running: RunningWitness) -> None:
    with pytest.raises(WitnessError, match="not a witness's"):
        client_of(running, HONEST.verifier)


def cosignature_of(running: RunningWitness, log: SampleLog, size: int) -> bytes:
    return str(client_of(running).cosign(log.update(size)).signatures[0]).encode()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (response(200, b""), "answer"),
        (response(200, b"\xff\n"), "answer"),
        (response(200, b"OK\n"), "answer"),
        (response(200, "\u2014 witness.example.com/w AAAAAAAA\n".encode()), "answer"),
        (response(200, b"x" * 70_000), "answer"),
        (response(301, b""), "answer"),
        (response(400, b""), "answer"),
        (response(409, b"7\n", SIZE), "conflict"),
        (response(409, b"0\n", SIZE), "fork"),
        (response(422, b""), "fork"),
        (response(409, b"9\n", SIZE), "ahead"),
        (response(409, b"7\n"), "answer"),
        (response(409, b"many\n", SIZE), "answer"),
        (response(429, b""), "away"),
        (response(503, b""), "away"),
        (b"HTTP/1.1 200 X\r\nContent-Length: 90\r\n\r\n\xe2\x80\x94 w A", "away"),
        (b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "away"),
        (b"HTTP/1.1 200 X\r\n" + b"X: x\r\n" * 500, "away"),
        (b"SSH-2.0-OpenSSH\r\n", "away"),
        (b"", "away"),
    ],
)
def test_an_answer_that_proves_nothing_is_not_believed(
    running: RunningWitness, answer: bytes, expected: str
) -> None:
    with answering(changing(answer)) as url:
        witness = HttpWitness(
            name="w", key=running.verifier, endpoint=Endpoint(witness="w", url=url, timeout_s=5)
        )

        error = refusal(witness, HONEST.update(8))

    assert error.facts["reason"] == expected
    # A claim that comes without a cosigned checkpoint proves nothing.
    assert not error.facts.get("seen")


def changing(first: bytes) -> Callable[[socket.socket], None]:
    """Say it; a size that makes the client try again is another one the second time."""
    answers = iter([first, response(409, b"8\n", SIZE) if b"\r\n\r\n7\n" in first else first])

    def answer(sock: socket.socket) -> None:
        says(next(answers, b""))(sock)

    return answer


def test_a_cosignature_of_another_checkpoint_is_not_believed(running: RunningWitness) -> None:
    other = cosignature_of(running, HONEST, 5)

    with answering(says(response(200, other))) as url:
        witness = HttpWitness(
            name="w", key=running.verifier, endpoint=Endpoint(witness="w", url=url, timeout_s=5)
        )

        assert reason(witness, HONEST.update(8)) == "answer"


def test_a_checkpoint_of_another_log_is_not_shown_as_ours(running: RunningWitness) -> None:
    client_of(running).cosign(HONEST.update(5))
    seen = client_of(running).endpoint.get(f"/checkpoint/{hashlib.sha256(ORIGIN.encode()).hexdigest()}").body

    with answering(says(response(200, seen))) as url:
        witness = HttpWitness(
            name="w", key=running.verifier, endpoint=Endpoint(witness="w", url=url, timeout_s=5)
        )

        assert witness.seen(ORIGIN) == seen.decode()
        with pytest.raises(WitnessError, match="not cosigned"):
            witness.seen("logs.example.com/x")
