"""The squeezed view: what wraps, colours or escapes a text leaves it in one piece, and can be put back."""

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from babysitter.secrets.squeeze import (
    GAP_BYTES_MAX,
    filled,
    gaps_of,
    is_gaps,
    is_plain,
    read_gaps,
    segments,
    skeleton,
    squeeze,
    squeeze_text,
    unfinished_at,
    write_gaps,
)

moderate = settings(max_examples=200, deadline=None)

GAPS = [
    "\n", "\r\n", "\t", " ", "\n        ", "\x00", "\x1b[31m", "\x1b[0m\n", "\x1b(B", "\u200b",
    "\ufeff", "\xad", "\xa0", "\u2060", "=\n", "=\r\n", "\\", "\\\\", "\\n", "\\r\\n", "\\\\n", "\\t",
    "\\u000a", "\\x0a", "\\u001b[1;32m", "\\x1b[m", "\\033[0m", "\\e[0m", "\\\n",
]  # fmt: skip
piece = st.one_of(
    st.sampled_from(GAPS),
    st.sampled_from(["n", "r", "u00", "e[", "x0", "[31m", "=", "m", "033", "(", "B"]),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
broken_text = st.lists(piece, max_size=8).map("".join)


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_is_left_out_whatever_stands_around_it(gap: str) -> None:
    assert squeeze_text(f"secret{gap}:value") == "secret:value"


@moderate
@given(broken_text)
@example("\\\x1b[31m")
@example("=\r\n=")
def test_the_json_of_a_text_is_squeezed_to_the_same(text: str) -> None:
    """So a line of the journal need not be taken apart to be searched."""
    once = orjson.dumps(text)[1:-1]
    twice = orjson.dumps(once.decode())[1:-1]

    expected = squeeze(text.encode()).replace(b'"', b"")

    assert squeeze(once).replace(b'"', b"") == expected
    assert squeeze(twice).replace(b'"', b"") == expected


@moderate
@given(broken_text)
def test_what_was_left_out_can_be_put_back(text: str) -> None:
    span = f"a{text}z"

    gaps = gaps_of(span.encode())

    assert filled(squeeze_text(span), gaps) == span
    assert read_gaps(write_gaps(gaps)) == gaps
    assert is_gaps(write_gaps(gaps))


def test_a_shorter_text_takes_the_gaps_that_are_left_behind_it() -> None:
    assert filled("ab", [(1, "\n"), (5, "\t")]) == "a\nb\t"


@pytest.mark.parametrize("blob", ["!", "AAAA", "W10=", "WzFd", "é"])
def test_what_is_no_list_of_gaps_is_told(blob: str) -> None:
    assert not is_gaps(blob)


@moderate
@given(broken_text)
def test_segments_lead_back_to_the_places_in_the_data(text: str) -> None:
    data = text.encode()

    (segment,) = segments(data)

    assert segment.text == squeeze(data)
    for position in range(len(segment.text)):
        place = segment.place(position)
        assert data[place : place + 1] == segment.text[position : position + 1]


def test_a_gap_that_is_too_long_separates() -> None:
    narrow, wide = b" " * GAP_BYTES_MAX, b" " * (GAP_BYTES_MAX + 1)

    assert [each.text for each in segments(b"ab" + narrow + b"cd")] == [b"abcd"]
    assert [each.text for each in segments(b"ab" + wide + b"cd")] == [b"ab", b"cd"]


@moderate
@given(broken_text, broken_text)
def test_before_what_is_unfinished_nothing_depends_on_what_follows(text: str, more: str) -> None:
    data = text.encode()
    end = unfinished_at(data)

    whole = squeeze(data + more.encode())

    assert whole == squeeze(data[:end]) + squeeze(data[end:] + more.encode())


@moderate
@given(broken_text)
def test_the_skeleton_of_the_squeezed_view_is_that_of_the_text(text: str) -> None:
    data = text.encode()

    if is_plain(data):
        assert skeleton(squeeze(data)) == skeleton(data)
