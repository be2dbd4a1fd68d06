"""JSON values: what is refused, and what canonical bytes are."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import InvalidValueError
from babysitter.model.values import canonical_json, check_json

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    _LEAVES | _TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=20
)


@given(_VALUES)
def test_canonical_bytes_are_those_of_the_reference_implementation(value: Any) -> None:
    """The fast path is taken only where it agrees."""
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (float("nan"), "value"),
        ({"a": [1, float("inf")]}, "value.a[1]"),
        ([2**53], "value[0]"),
        ({"a": "\ud800"}, "value.a"),
        ({"\ud800": 1}, "value"),
        ({1: 2}, "value"),
        ({"a": {"b": object()}}, "value.a.b"),
        ([b"bytes"], "value[0]"),
    ],
)
def test_what_does_not_survive_a_round_trip_is_refused_with_its_path(value: object, path: str) -> None:
    """NaN, infinities, large integers, lone surrogates, other keys and other types."""
    with pytest.raises(InvalidValueError) as refusal:
        check_json(value)

    assert refusal.value.facts["path"] == path


def test_a_value_nested_too_deep_is_refused_instead_of_overflowing() -> None:
    """A task could return it."""
    value: object = 1
    for _ in range(10_000):
        value = [value]

    with pytest.raises(InvalidValueError):
        check_json(value)
