"""Small gzip members in output: searched like what was printed, cut anywhere, else left as they are."""

import gzip
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.secrets.gunzip import MEMBER_BYTES_MAX, UNPACKED_BYTES_MAX
from tests.unit.secrets.fakes import masker_of

SECRET = {"TOKEN": "ghp_abcdefghijklmnop"}
PACKED = gzip.compress(b'{"token": "ghp_abcdefghijklmnop"}', mtime=0)
CLEAN = gzip.compress(b"nothing to see here", mtime=0)

PIECES = [PACKED, CLEAN, PACKED[:20], b"\x1f\x8b", b"\x08", b"text ", b"ghp_abcdefghijklmnop"]


@pytest.mark.promise("G08")
def test_a_member_that_holds_a_secret_becomes_a_mark() -> None:
    masked = masker_of(SECRET).mask_bytes(b"before " + PACKED + b" after " + CLEAN)

    assert masked == b"before ${secret:env:TOKEN} after " + CLEAN


@pytest.mark.promise("G08")
def test_any_form_in_it_counts() -> None:
    packed = gzip.compress(b"ghp_abcdefghijklmnop".hex(" ").encode(), mtime=0)

    assert gzip.compress(b"", mtime=0)[:3] not in masker_of(SECRET).mask_bytes(packed)


def test_what_only_looks_like_gzip_stays_as_it_is() -> None:
    data = b"\x1f\x8b\x08 no gzip at all \x1f\x8b\x08" + CLEAN[:-3] + b"\x1f\x8b"

    assert masker_of(SECRET).mask_bytes(data) is data


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.randoms(use_true_random=False))
def test_cut_anywhere_the_result_is_the_same(pieces: list[bytes], dice: random.Random) -> None:
    masker = masker_of(SECRET)
    whole = b"".join(pieces)
    stream = masker.stream()
    fed = b""
    position = 0

    while position < len(whole):
        step = dice.choice([1, 2, 7, 50])
        fed += stream.feed(whole[position : position + step])
        position += step

    assert fed + stream.flush() == masker.mask_bytes(whole)


@pytest.mark.promise("G08")
def test_of_a_large_member_the_beginning_is_looked_into() -> None:
    filler = random.Random(1).randbytes(3 * MEMBER_BYTES_MAX)
    packed = gzip.compress(b"ghp_abcdefghijklmnop" + filler, mtime=0)
    stream = masker_of(SECRET).stream()

    output = (
        b"".join(stream.feed(packed[at : at + 5000]) for at in range(0, len(packed), 5000)) + stream.flush()
    )

    assert output == b"${secret:env:TOKEN}" + packed[MEMBER_BYTES_MAX:]


def test_what_unpacks_without_end_is_not_searched_without_end() -> None:
    """A bomb of 60 KiB, which unpacks to 60 MiB: the part behind the limit is not looked into."""
    packed = gzip.compress(
        b"\0" * (UNPACKED_BYTES_MAX + 1) + b"ghp_abcdefghijklmnop" + b"\0" * 60_000_000, mtime=0
    )

    assert masker_of(SECRET).mask_bytes(packed) is packed


def test_random_bytes_stay_as_they_are() -> None:
    data = os.urandom(100_000)

    assert masker_of(SECRET).mask_bytes(data) == data
