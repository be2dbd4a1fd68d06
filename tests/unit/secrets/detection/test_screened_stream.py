"""Output in chunks: a credential across their borders, what is held back, and a search that fails."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import DetectionError
from babysitter.secrets.detection.screening import Screen, ScreeningMasker
from tests.unit.secrets.detection.test_screening import DECLARED, SEALER, TOKEN, Broken, masker
from tests.unit.secrets.detection.tokens import made, word
from tests.unit.secrets.fakes import masker_of

DICE = random.Random(8)
KEY = (
    "-----BEGIN OPENSSH PRIV" + "ATE KEY-----\n"
    + "\n".join(made("{b64:70}", DICE) for _ in range(6))
    + "\n-----END OPENSSH PRIV" + "ATE KEY-----\n"
)  # fmt: skip
PASSWORD = word(DICE, 14)
OUTPUT = (
    f"building\nfetching with {TOKEN} now\npass" + f"word: {PASSWORD}\nsecret {DECLARED}\n{KEY}done: 100 %\n"
).encode()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = sorted({0, len(data), *(place % len(data) for place in places)})
    return [data[begin:end] for begin, end in pairwise(borders)]


@pytest.mark.promise("G08")
@given(places=st.lists(st.integers(0, 10_000), max_size=30))
def test_wherever_it_is_cut_no_credential_comes_out(places: list[int]) -> None:
    stream = masker().stream()

    out = b"".join([*(stream.feed(chunk) for chunk in cut(OUTPUT, places)), stream.flush()])

    for value in (TOKEN, PASSWORD, DECLARED, *KEY.splitlines()[1:-1]):
        assert value.encode() not in out
    assert out.startswith(b"building\nfetching with [masked:github-pat:")
    assert out.endswith(b"done: 100 %\n")
    assert {each.rule for each in stream.take_detections()} >= {"github-pat", "private-key"}


def test_a_line_of_progress_goes_out_at_once() -> None:
    stream = masker().stream()

    assert stream.feed(b"step 1 of 9\r") == b"step 1 of 9\r"
    assert stream.feed(b"Continue? ") == b"Continue? "


def test_a_word_without_end_is_not_held_for_ever() -> None:
    stream = masker().stream()

    out = b"".join(stream.feed(b"ab" * 4096) for _ in range(64))

    assert len(out) > 256 << 10
    assert out + stream.flush() == b"ab" * 4096 * 64


def test_a_search_that_fails_gives_nothing_out() -> None:
    stream = ScreeningMasker(masker_of({"K": DECLARED}), Screen(Broken(), SEALER)).stream()

    with pytest.raises(DetectionError):
        stream.feed(b"anything at all\n")
    assert stream.flush() == b""
