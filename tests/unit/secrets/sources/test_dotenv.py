"""The dotenv reader: exact where every reader agrees, and a refusal by line where they don't."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.secrets.sources.dotenv import DotenvError, parse_dotenv

values = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30)


def test_the_four_kinds_of_lines() -> None:
    text = (
        "# a comment\n\n"
        "PLAIN=up to the end   # a comment\n"
        "  export SPACED = x y \n"
        "SINGLE='as it stands: $HOME \\n # no comment'   # a comment\n"
        'DOUBLE="a\\nb \\"c\\" \\$d \\\\e"\n'
        "LINES='one\ntwo'\r\n"
        "EMPTY=\n"
        "HASH=a#b\n"
        "LAST=without a line end"
    )

    assert parse_dotenv(text) == {
        "PLAIN": "up to the end",
        "SPACED": "x y",
        "SINGLE": "as it stands: $HOME \\n # no comment",
        "DOUBLE": 'a\nb "c" $d \\e',
        "LINES": "one\ntwo",
        "EMPTY": "",
        "HASH": "a#b",
        "LAST": "without a line end",
    }


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["A", "B_2", "c.d", "E-F"]), values, max_size=4))
def test_what_is_written_in_quotes_comes_back(wanted: dict[str, str]) -> None:
    escapes = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$"})

    text = "".join(f'{name}="{value.translate(escapes)}"\n' for name, value in wanted.items())

    assert parse_dotenv(text) == wanted


@settings(max_examples=200, deadline=None)
@given(values.filter(lambda value: "'" not in value))
def test_single_quotes_keep_everything(value: str) -> None:
    assert parse_dotenv(f"A='{value}'\nB=2\n") == {"A": value, "B": "2"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nno assignment hunter2hunter2\n", 2),
        ("A=hunter2$HOME\n", 1),
        ("A=hunter2`id`\n", 1),
        ("A=hunter2\\n\n", 1),
        ('A="${hunter2}"\n', 1),
        ('A="hunter2\\q"\n', 1),
        ("\n\nA='hunter2\nhunter2\n", 3),
        ("A='x' hunter2\n", 1),
        ("A=hunter2\nA=hunter3\n", 2),
        ("1A=hunter2\n", 1),
    ],
)
def test_what_readers_read_differently_is_refused_by_line_and_not_shown(text: str, line: int) -> None:
    with pytest.raises(DotenvError) as caught:
        parse_dotenv(text)

    assert caught.value.line == line
    assert "hunter" not in str(caught.value)


def test_a_dollar_that_nothing_follows_is_a_dollar() -> None:
    assert parse_dotenv('A=pa$\nB="5 $ or $5"\n') == {"A": "pa$", "B": "5 $ or $5"}
