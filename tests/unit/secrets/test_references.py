"""References: written and read back, and told apart from data that looks like them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.model.errors import SecretError
from babysitter.secrets.references import (
    Part,
    Reference,
    Veil,
    escape_key,
    escape_text,
    parse_text,
    parse_value,
    unescape_key,
    write_inline,
    write_text,
    write_value,
)
from tests.unit.secrets.fakes import text

moderate = settings(max_examples=300, deadline=None)
references = st.builds(
    Reference,
    st.sampled_from(["env:A", "env:API_KEY", 'file:/run/"x"/é', "env:A|hex", "vault:a/b#c d"]),
    st.sampled_from(["raw", "base64@1", "hex", "line2", "line12.url-lower"]),
)


veils = st.builds(Veil, st.sampled_from(["0.W10", "12.abc-_"]))


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    """Return literals and references, no two literals side by side and none empty."""
    drawn: list[Part] = []
    for part in draw(st.lists(st.one_of(references, veils, text.filter(bool)), max_size=6)):
        if not isinstance(part, str) or not drawn or not isinstance(drawn[-1], str):
            drawn.append(part)
    return drawn


@moderate
@given(parts())
def test_parts_are_read_back_as_they_were_written(given_parts: list[Part]) -> None:
    assert parse_text(write_text(given_parts)) == given_parts


@moderate
@given(text)
def test_data_is_never_read_as_a_reference(data: str) -> None:
    assert parse_text(escape_text(data)) == ([data] if data else [])


@given(references)
def test_a_whole_value_is_read_back(reference: Reference) -> None:
    assert parse_value(write_value(reference)) == reference


def test_the_form_is_left_out_when_it_is_the_value_itself() -> None:
    assert write_value(Reference("env:K")) == {"$secret": "env:K"}
    assert write_value(Reference("env:K", "base64@1")) == {"$secret": "env:K", "as": "base64@1"}
    assert write_inline(Reference("env:K")) == "${secret:env:K}"
    assert write_inline(Reference("env:K", "base64@1")) == "${secret:env:K|base64@1}"


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        ("${secret:env:K}", "$${secret:env:K}"),
        ("$${secret:", "$$$${secret:"),
        ("${$v:0.W10}", "$${$v:0.W10}"),
        ("{secret:env:K}", "{secret:env:K}"),
        ("$5 and ${HOME}", "$5 and ${HOME}"),
    ],
)
def test_dollars_before_the_notation_are_doubled(data: str, stored: str) -> None:
    assert escape_text(data) == stored


def test_a_dollar_that_touches_a_reference_stays_data() -> None:
    stored = write_text(["costs $", Reference("env:K"), "$"])

    assert stored == "costs $$${secret:env:K}$"
    assert parse_text(stored) == ["costs $", Reference("env:K"), "$"]


def test_a_text_of_nothing_but_dollars_takes_no_quadratic_time() -> None:
    """Were it quadratic, this would not end within the suite's time limit."""
    dollars = "$" * 3_000_000

    assert parse_text(escape_text(f"${{secret:{dollars}")) == [f"${{secret:{dollars}"]
    assert write_text([dollars, Reference("env:K")]).startswith(dollars * 2)


@pytest.mark.parametrize("word", ["secret", "masked", "sealed", "v"])
@pytest.mark.parametrize("dollars", [1, 2, 3])
def test_reserved_keys_are_escaped_and_come_back(word: str, dollars: int) -> None:
    key = "$" * dollars + word

    assert escape_key(key) == "$" + key
    assert unescape_key(escape_key(key)) == key


@pytest.mark.parametrize("key", ["secret", "$secrets", "$$", "$ref", "a$secret", "$secret ", "$secret\n"])
def test_other_keys_stay(key: str) -> None:
    assert escape_key(key) == key
    assert unescape_key(key) == key


@pytest.mark.parametrize(
    "stored",
    [
        "${secret:env:K",
        "${$v:0.W10",
        "${$v:0.W${secret:env:K}",
        "${secret:env:K${secret:env:K}",
        "${secret:}",
        "${secret:K}",
        "${secret:env:K|}",
        "${secret:env:K|rot14}",
        "${secret:env:K|raw~!}",
        "${secret:env:K|raw~AAAA}",
        "${secret:env:${x}",
        "x${secret:a\nb:c}",
    ],
)
def test_a_text_that_the_writer_never_wrote_is_an_error_that_does_not_show_it(stored: str) -> None:
    with pytest.raises(SecretError) as caught:
        parse_text(stored)

    assert stored not in str(caught.value)


@pytest.mark.parametrize(
    "stored",
    [
        {"$secret": 1},
        {"$secret": "env:K", "x": 1},
        {"$secret": "K"},
        {"$secret": "env:K", "as": None},
        {"$secret": "env:K", "as": "rot14"},
        {"$secret": "env:K", "as": "raw", "x": 1},
    ],
)
def test_an_object_that_the_writer_never_wrote_is_an_error(stored: dict[str, object]) -> None:
    with pytest.raises(SecretError):
        parse_value(stored)
