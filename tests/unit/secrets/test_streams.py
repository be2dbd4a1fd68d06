"""Streams: however the output is cut, what comes out is the whole output masked at once."""

import gzip
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.secrets.fakes import all_forms, leaks, masker_of, secret_values, text

SECRETS = {
    "TOKEN": "ghp_abcdefghijklmnop",
    "PASSWORD": "p@ss:w/rd \"quoted\" 'n' $HOME",
    "INSIDE": "abcdefghijkl",
    "KEY": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwgg\n-----END KEY-----\n",
    "UNICODE": "schlüssel-日本語-😀",
}


@pytest.mark.promise("G08")
def test_a_thousand_cuttings_of_every_form_leak_nothing() -> None:
    """Each cutting covers all forms; the seed is the cutting's number."""
    masker = masker_of(SECRETS)
    forms = [form.encode() for form in all_forms(SECRETS)]
    packed = [gzip.compress(value.encode(), mtime=0) for value in SECRETS.values()]
    broken = [b"\x1b[0m\n    ".join([form[:9], form[9:]]) for form in forms if len(form) > 20]

    for seed in range(1000):
        dice = random.Random(seed)
        dice.shuffle(forms)
        glue = [b"", b" ", b"\n", b"\xff\xfe", b"-----BEGIN", b"ghp_abc", b"$", b"="]
        pieces = [*forms, *packed, *dice.sample(broken, 50)]
        whole = b"".join(form + dice.choice(glue) for form in pieces)
        cuts = sorted(dice.choices(range(len(whole)), k=dice.choice([1, 5, 40, 200])))
        stream = masker.stream()

        fed = [stream.feed(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        output = b"".join([*fed, stream.flush()])

        assert output == masker.mask_bytes(whole), f"seed {seed}"
        if seed % 50 == 0:
            assert leaks(output, SECRETS) == [], f"seed {seed}"


@pytest.mark.promise("G08")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_cutting_of_anything_gives_the_whole_masked_at_once(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    masker = masker_of(secrets)
    values = sorted(secrets.values())
    piece = st.one_of(
        text.map(str.encode),
        st.binary(max_size=5),
        st.sampled_from([value.encode() for value in values]),
        st.sampled_from([value.encode()[:-1] for value in values]),
        st.sampled_from([value.encode()[:5] for value in values]),
    )
    chunks = data.draw(st.lists(piece, max_size=10))
    stream = masker.stream()

    output = b"".join([*(stream.feed(chunk) for chunk in chunks), stream.flush()])

    assert output == masker.mask_bytes(b"".join(chunks))
    assert leaks(output, secrets) == []


def test_byte_by_byte_every_form_is_masked() -> None:
    masker = masker_of(SECRETS)

    for form in all_forms(SECRETS):
        whole = b"before " + form.encode() + b" after"
        stream = masker.stream()
        output = b"".join([*(stream.feed(whole[at : at + 1]) for at in range(len(whole))), stream.flush()])

        assert output == masker.mask_bytes(whole)
        assert form.encode() not in output


def test_nothing_is_held_back_that_can_become_no_secret() -> None:
    stream = masker_of(SECRETS).stream()

    assert stream.feed(b"Building ... 10%\n") == b"Building ... 10%\n"


def test_what_is_held_back_is_less_than_twice_the_longest_form() -> None:
    """Once as it is, and once more in the squeezed view of what stands before that."""
    masker = masker_of(SECRETS)
    longest = max(len(form.encode()) for form in all_forms(SECRETS))
    stream = masker.stream()
    fed = given = 0

    for chunk in [form.encode() for form in all_forms(SECRETS)] * 2:
        given += len(chunk[:-1])
        stream.feed(chunk[:-1])
        fed = given - stream.held_bytes
        assert given - fed < 2 * longest


def test_a_flushed_stream_begins_anew() -> None:
    stream = masker_of({"A": "abcdefgh"}).stream()

    assert stream.feed(b"abcd") == b""
    assert stream.flush() == b"abcd"
    assert stream.feed(b"efgh") + stream.flush() == b"efgh"
