"""What a reader gets of a value in which nothing was masked: as JSON gives it back."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from babysitter.journal.fields import settled
from babysitter.model.values import Json

leaves = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=3))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
    ),
    max_leaves=12,
)


def holds_tuple(value: Json) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, tuple) or any(map(holds_tuple, items))


@given(values)
def test_a_value_is_settled_as_json_gives_it_back_and_is_the_same_object_where_that_changes_nothing(
    value: Json,
) -> None:
    back = settled(value)

    assert back == orjson.loads(orjson.dumps(value))
    assert not holds_tuple(back)
    assert (back is value) is not holds_tuple(value)
