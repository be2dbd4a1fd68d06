"""Patterns match as OpenSSH's do, in bounded time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.signing.patterns import literal_names, matches


@given(st.text("ab@", max_size=8), st.text("ab@*?", max_size=6))
def test_a_pattern_matches_what_its_regular_expression_matches(name: str, pattern: str) -> None:
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")

    assert matches(name, pattern) == bool(re.fullmatch(translated, name))


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("alice", "bob,alice", True),
        ("alice", "*,!alice", False),
        ("alice", "!alice,*", False),
        ("alice", "!bob", False),
        ("alice", "", False),
        ("", "", True),
        ("[a]", "[a]", True),
        ("a", "[a]", False),
        ("é", "??", True),
    ],
)
def test_a_list_says_yes_when_one_matches_and_no_negated_one_does(
    name: str, patterns: str, *, expected: bool
) -> None:
    assert matches(name, patterns) == expected


def test_many_stars_cost_no_more_than_the_product_of_the_lengths() -> None:
    assert not matches("a" * 2000, "*a" * 500 + "b")


def test_only_names_that_are_spelt_out_are_names() -> None:
    assert literal_names("alice@example.com,*@example.com,!bob,c?rol,,dave") == ("alice@example.com", "dave")
