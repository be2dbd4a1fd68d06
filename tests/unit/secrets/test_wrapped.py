"""Secrets that were wrapped, spaced, coloured or escaped once more: found, and given back as they stood."""

import json
import textwrap

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.secrets.forms import encode, forms_of
from babysitter.secrets.squeeze import LEFT_CHARS_MAX, squeeze
from tests.unit.secrets.fakes import leaks, masker_of

moderate = settings(max_examples=150, deadline=None)

TOKEN = "ghp_Kq7wRz9xLmP2vJd8"
LONG = "pa\"ss\\w0rd/with=some+ünusual &<chars> $HOME 'x'"
GAPS = [
    "\n",
    "\r\n\t",
    "  ",
    "\n        ",
    "\x1b[0m\n\x1b[33m",
    "\u200b",
    "\u00a0",
    "\\n",
    "\\\n",
    "=\n",
    "\x00",
]

gap = st.sampled_from(GAPS)


def broken(text: str, data: st.DataObject, first: int = 4) -> str:
    """Return the text with gaps at some places, none of them within the first characters."""
    cuts = data.draw(st.sets(st.integers(first, len(text) - 1), min_size=1, max_size=5))
    return "".join(f"{data.draw(gap)}{char}" if at in cuts else char for at, char in enumerate(text))


@pytest.mark.promise("G08")
@moderate
@given(st.data(), st.sampled_from([TOKEN, LONG]))
def test_a_form_with_gaps_in_it_is_stored_as_a_reference_and_comes_back(
    data: st.DataObject, value: str
) -> None:
    forms = [text for name, text in forms_of(value) if not name.endswith("~")]
    written = broken(data.draw(st.sampled_from(forms)), data)
    masker = masker_of({"A": value})

    stored = masker.mask({"out": f"before: {written} :after", written: [written]})

    line = orjson.dumps(stored)
    assert leaks(line, {"A": value}) == []
    assert leaks(squeeze(line), {"A": value}) == []
    assert masker.unmask(orjson.loads(line)) == {"out": f"before: {written} :after", written: [written]}


@pytest.mark.promise("G08")
@moderate
@given(st.data(), st.sampled_from([TOKEN, LONG]))
def test_in_output_nothing_of_it_is_left_however_it_is_cut(data: st.DataObject, value: str) -> None:
    forms = [text for name, text in forms_of(value) if not name.endswith("~")]
    written = broken(data.draw(st.sampled_from(forms)), data, first=8).encode()
    masker = masker_of({"A": value})
    whole = b"some line\n" + written + b" and more\n"
    stream = masker.stream()

    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    fed = [stream.feed(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    output = b"".join([*fed, stream.flush()])

    assert output == masker.mask_bytes(whole)
    assert len(squeeze(output.partition(b"$")[0])) <= len(b"someline") + LEFT_CHARS_MAX
    assert squeeze(written)[:8] not in squeeze(output)


@pytest.mark.promise("G08")
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_json_in_json_is_found_at_any_depth(depth: int) -> None:
    written = LONG
    for _ in range(depth):
        written = json.dumps(written, ensure_ascii=depth % 2 == 0)
    masker = masker_of({"A": LONG})

    stored = masker.mask([written])

    assert "w0rd" not in json.dumps(stored)
    assert masker.unmask(stored) == [written]
    assert b"w0rd" not in masker.mask_bytes(written.encode())


def test_the_first_characters_before_a_line_end_stay_in_output_and_no_more() -> None:
    """They were shown before anybody could know; a stored value waits, and keeps none."""
    masker = masker_of({"A": TOKEN})

    assert masker.mask_bytes(b"gh\np_Kq7wRz9xLmP2vJd8\n") == b"gh\n${secret:env:A}\n"
    assert masker.mask_bytes(b"ghp_\nKq7wRz9xLmP2vJd8\n") == b"${secret:env:A}\n"
    assert "ghp" not in json.dumps(masker.mask("gh\np_Kq7wRz9xLmP2vJd8"))


def test_a_rotated_secret_takes_the_gaps_of_the_old_one() -> None:
    stored = masker_of({"A": TOKEN}).mask(["ghp_Kq7w\nRz9xLmP2\nvJd8"])

    assert masker_of({"A": "new-value-12"}).unmask(stored) == ["new-valu\ne-12\n"]


def test_a_question_to_a_person_is_not_held_back() -> None:
    """Each secret begins like one of these ends."""
    stream = masker_of({"A": "] abcdefgh", "B": "? 12345678", "C": "%longer-secret"}).stream()

    assert stream.feed(b"Continue? \n") == b"Continue? \n"
    assert stream.feed(b"Building ... 10%\n") == b"Building ... 10%\n"


@pytest.mark.promise("G08")
def test_utf16_and_latin1_output_of_an_unusual_secret_is_masked() -> None:
    masker = masker_of({"A": "pässwörd-日本語"})

    assert (
        masker.mask_bytes("k=pässwörd-日本語;".encode("utf-16-le"))
        == "k=".encode("utf-16-le") + b"${secret:env:A|utf16le};\0"
    )
    assert masker.mask_bytes("k=pässwörd-".encode("latin-1")) == b"k=${secret:env:A}"


def test_a_paragraph_is_not_taken_for_a_wrapped_word() -> None:
    masker = masker_of({"A": "abcdefgh12345678"})
    text = "abcdefgh" + "\n" * 200 + "12345678"

    assert masker.mask(text) is text
    assert masker.mask_bytes(text.encode()) == text.encode()


@pytest.mark.promise("G08")
def test_a_secret_in_a_file_wrapped_by_a_mailer_is_found() -> None:
    masker = masker_of({"A": TOKEN})
    for name in ("base64@1", "hex", "html-decimal", "quoted-printable"):
        written = textwrap.fill(encode(TOKEN, name) or "", 11)

        assert masker.mask_bytes(written.encode()).startswith(b"${secret:env:A")
        assert masker.unmask(masker.mask(written)) == written


def test_a_value_that_meets_nothing_is_itself() -> None:
    masker = masker_of({"A": TOKEN, "B": LONG})
    value = {"text": "line one\nline \\two\t\x1b[31mred\x1b[0m and \\u0007 \x07 = \n", "n": [1, 2.5, None]}

    assert masker.mask(value) is value
    assert not masker.changes(orjson.dumps(value))
