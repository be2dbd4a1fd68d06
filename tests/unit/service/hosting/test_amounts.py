"""Durations and figures in words: short, and never wrong by more than what they leave out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.service.hosting.amounts import duration, figure


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (-1, "0 ms"),
        (0.0404, "40 ms"),
        (3.24, "3.2 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (8 * 3600 + 36 * 60 + 50, "8 h 36 min"),
        (2 * 86_400 + 3 * 3600, "2 d 3 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.floats(0, 1e10))
def test_every_duration_has_words(seconds: float) -> None:
    assert 0 < len(duration(seconds)) < 20


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (48_210.0, "48\u202f210"), (0.84, "0.84"), (1234.5678, "1\u202f235")]
)
def test_a_figure_has_the_digits_that_say_something(number: float, said: str) -> None:
    assert figure(number) == said
