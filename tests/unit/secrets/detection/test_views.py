"""Other readings of a text, and the way back from each."""

import base64
import json
from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from babysitter.secrets.detection.views import DECODED_BYTES_MAX, decodings, padded, unescaped

WORDS = st.text("abcXYZ019/+=:@ ", min_size=1, max_size=30)


@given(word=WORDS, before=WORDS)
def test_a_span_of_what_was_escaped_stands_for_the_same(word: str, before: str) -> None:
    text = f"no line of escapes\na %20 {quote(before, safe='')}{quote(word, safe='')} b\nno more\n"

    read = unescaped(text.encode())

    at = read.text.index(f"a   {before}{word}".encode()) + 4 + len(before)
    begin, end = read.span(at, at + len(word))
    assert unquote(text[begin:end])[-len(word) :] == word


@given(text=st.text(max_size=80))
def test_undoing_escapes_in_place_keeps_the_length(text: str) -> None:
    data = json.dumps(json.dumps(text)).encode()

    flat = padded(data)

    assert flat is None or len(flat) == len(data)


@given(st.text("\\\"'nrtx a", max_size=40))
def test_padding_is_undoing_one_escape_after_the_other(text: str) -> None:
    data = expected = text.encode()
    for _ in range(3):
        expected = expected.replace(b"\\\\", b" \\")
    for letter, meant in zip(b"\"nrt'", b"\"\n\r\t'", strict=True):
        expected = expected.replace(b"\\%c" % letter, b" %c" % meant)

    assert padded(data) == (expected if b"\\" in data else None)


def test_escapes_beside_words_are_undone_however_often_they_were_escaped() -> None:
    text = 'x "key": "value"\nnext'
    for _ in range(4):
        text = json.dumps({"a": text})
        flat = padded(text.encode())
        assert flat is not None
        assert b'"value' in flat
        assert b"\nnext" in flat
        assert b"nnext" not in flat


@given(
    text=st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), min_size=18, max_size=200)
)
def test_base64_of_plain_text_is_decoded_and_found_whole(text: str) -> None:
    coded = base64.b64encode(text.encode())

    found = list(decodings(b"= " + coded + b" ."))

    assert any(decoded == text.encode() and begin == 2 for begin, _, decoded in found) or not found
    if text.isalnum():
        assert found


def test_digests_are_no_base64() -> None:
    assert list(decodings(("9f86d081884c7d659a2feaa0c55ad015" * 2).encode())) == []


def test_a_stretch_is_decoded_up_to_a_bound() -> None:
    coded = base64.b64encode(b"plain text " * 200_000)

    assert max(len(decoded) for _, _, decoded in decodings(coded)) <= DECODED_BYTES_MAX
