"""Requests of the witness protocol: what is written is read back, and nothing else is read at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.log.witness.protocol import (
    PROOF_HASHES_MAX,
    AddCheckpoint,
    format_request,
    parse_request,
    parse_size,
)
from babysitter.model.errors import WitnessError

HASH = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
NOTE = "example.com/log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 example.com/log AAAA\n"


@given(
    st.integers(0, 10**18),
    st.lists(st.binary(min_size=32, max_size=32), max_size=PROOF_HASHES_MAX),
    st.text(),
)
def test_a_request_is_read_as_it_was_written(old_size: int, proof: list[bytes], note: str) -> None:
    note = note.encode("utf-8", "replace").decode()

    read = parse_request(format_request(old_size, proof, note))

    assert read == AddCheckpoint(old_size=old_size, proof=tuple(proof), note=note)


def test_the_body_is_the_one_of_the_standard() -> None:
    body = format_request(3, [bytes(32)], NOTE)

    assert body == b"old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n" + NOTE.encode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "old 3\n",
        "old 03\n\n" + NOTE,
        "old -3\n\n" + NOTE,
        "old 3 \n\n" + NOTE,
        "old ٣\n\n" + NOTE,
        "OLD 3\n\n" + NOTE,
        "old 3\r\n\r\n" + NOTE,
        f"old 3\n{HASH[:-1]}\n\n{NOTE}",
        f"old 3\n{HASH[:-2]}J=\n\n{NOTE}",
        f"old 3\n {HASH}\n\n{NOTE}",
        "old 3\nAAAA\n\n" + NOTE,
        "old 99999999999999999999\n\n" + NOTE,
        "old 3\n" + f"{HASH}\n" * 64 + "\n" + NOTE,
    ],
)
def test_what_is_no_request_is_refused(body: str) -> None:
    with pytest.raises(WitnessError):
        parse_request(body.encode())


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    try:
        parse_request(body)
    except WitnessError:
        return


@pytest.mark.parametrize(
    ("body", "size"), [(b"7\n", 7), (b"0\n", 0), (b"7", None), (b"07\n", None), (b"-1\n", None), (b"", None)]
)
def test_a_size_is_a_decimal_and_a_newline(body: bytes, size: int | None) -> None:
    assert parse_size(body) == size
