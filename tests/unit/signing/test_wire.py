"""SSH's data types have one encoding each, and no read leaves the data."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.signing.wire import Reader, WireError, put_mpint, put_string, put_u8, put_u32, put_u64

READS: tuple[Callable[[Reader], object], ...] = (
    Reader.u8,
    Reader.u32,
    Reader.u64,
    Reader.string,
    Reader.text,
    Reader.mpint,
    Reader.rest,
    Reader.done,
)


@given(st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.binary(), st.integers(0))
def test_what_is_put_is_read_back(small: int, middle: int, large: int, data: bytes, number: int) -> None:
    wire = put_u8(small) + put_u32(middle) + put_u64(large) + put_string(data) + put_mpint(number)

    reader = Reader(wire)
    read = (reader.u8(), reader.u32(), reader.u64(), reader.string(), reader.mpint())
    reader.done()

    assert read == (small, middle, large, data, number)


@pytest.mark.parametrize(
    ("number", "wire"),
    # The examples of RFC 4251, section 5.
    [(0, "00000000"), (0x9A378F9B2E332A7, "0000000809a378f9b2e332a7"), (0x80, "000000020080")],
)
def test_numbers_are_written_as_the_rfc_does(number: int, wire: str) -> None:
    assert put_mpint(number).hex() == wire


@pytest.mark.parametrize(
    "wire",
    ["00000001ff", "0000000100", "000000020001", "00000002edcc"],
    ids=["negative", "zero as a byte", "needless zero", "negative of the RFC"],
)
def test_a_number_has_no_second_form(wire: str) -> None:
    with pytest.raises(WireError):
        Reader(bytes.fromhex(wire)).mpint()


@given(st.binary(max_size=40), st.lists(st.sampled_from(READS), max_size=6))
def test_no_read_leaves_the_data_and_none_fails_otherwise(
    data: bytes, reads: list[Callable[[Reader], object]]
) -> None:
    reader = Reader(data)

    try:
        for read in reads:
            read(reader)
    except WireError:
        pass

    assert 0 <= reader.at <= len(data)


@pytest.mark.parametrize("text", [b"a\0b", b"a\0", b"\xff"])
def test_a_text_is_utf8_without_nul(text: bytes) -> None:
    with pytest.raises(WireError):
        Reader(put_string(text)).text()


def test_bytes_that_nobody_read_are_refused() -> None:
    reader = Reader(b"\1\2")
    reader.u8()

    with pytest.raises(WireError, match="1 bytes too many"):
        reader.done()
