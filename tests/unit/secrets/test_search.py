"""The search: leftmost, then longest, ties by name; and what may still become a match."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.secrets.references import Reference
from babysitter.secrets.search import FormIndex, leftmost_longest
from babysitter.secrets.squeeze import segments
from tests.unit.secrets.fakes import secret_values, text

moderate = settings(max_examples=100, deadline=None)


def found(index: FormIndex, data: bytes) -> list[tuple[Reference, bytes]]:
    return [(index.references[number], data[begin:end]) for number, begin, end in index.find(data)]


def test_the_leftmost_match_comes_first() -> None:
    index = FormIndex({"env:A": "abcdefghij", "env:B": "fghijklmnopqrst"})

    assert found(index, b"abcdefghijklmnopqrst") == [(Reference("env:A"), b"abcdefghij")]


def test_of_two_that_begin_together_the_longest_wins() -> None:
    index = FormIndex({"env:A": "abcdefgh", "env:B": "abcdefghijkl"})

    assert found(index, b"x abcdefghijkl") == [(Reference("env:B"), b"abcdefghijkl")]


def test_one_text_of_several_secrets_belongs_to_the_first_by_name() -> None:
    index = FormIndex({"env:B": "same-value-1", "env:A": "same-value-1"})

    assert found(index, b"same-value-1") == [(Reference("env:A"), b"same-value-1")]


def test_a_form_of_one_that_is_the_value_of_another_belongs_to_the_first_by_name() -> None:
    index = FormIndex({"env:B": b"plain text".hex(), "env:A": "plain text"})

    assert found(index, b"plain text".hex().encode()) == [
        (Reference("env:A", "hex"), b"plain text".hex().encode())
    ]


@moderate
@given(st.data())
def test_what_does_not_matter_holds_no_form_and_nothing_to_escape(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    index = FormIndex({f"env:{name}": value for name, value in secrets.items()})
    forms = [pattern.decode() for pattern in index.patterns]
    value = "".join(
        data.draw(
            st.lists(st.one_of(text, st.integers(0, len(forms) - 1).map(lambda n: forms[n])), max_size=4)
        )
    )

    if not index.may_matter(orjson.dumps(value)):
        assert not any(form in value for form in forms)
        assert "${secret:" not in value


@moderate
@given(st.data())
def test_open_ends_are_the_places_where_a_form_has_begun(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    index = FormIndex({f"env:{name}": value for name, value in secrets.items()})
    form = data.draw(st.integers(0, len(index.patterns) - 1).map(lambda number: index.patterns[number]))
    buffer = data.draw(text).encode() + form[: data.draw(st.integers(0, len(form)))]

    expected = [
        place
        for place in range(len(buffer))
        if any(len(each) > len(buffer) - place and each.startswith(buffer[place:]) for each in index.patterns)
    ]

    assert index.open_ends(buffer) == expected


def test_no_secrets_match_nothing() -> None:
    index = FormIndex({})

    assert index.find(b"anything") == []
    assert index.open_ends(b"anything") == []
    assert not index.may_matter(b'{"a":1}')
    assert index.may_matter(b'{"$secret":1}')


@pytest.mark.parametrize("value", ["nnnnrrrrtttt", "密码是一个很长的句子", "ä ö ü ß ä ö ü ß", "n=r=t=" * 4])
def test_a_secret_that_is_made_of_what_skeletons_leave_out_is_found(value: str) -> None:
    index = FormIndex({"env:A": value})
    wrapped = value[:5] + "\u200b" + value[5:]

    assert index.may_matter(orjson.dumps([f"x{value}y"]))
    assert index.may_matter(orjson.dumps([f"x{wrapped}y"]))
    assert not index.may_matter(orjson.dumps(["another text altogether"]))


def test_the_automaton_of_all_forms_is_made_when_something_is_found() -> None:
    index = FormIndex({"env:A": "abcdefgh12345678"})

    assert index.find(b"nothing to see here") == []
    assert index._find is None
    assert index.find(b"x abcdefgh12345678") != []
    assert index._find is not None


@moderate
@given(st.data())
def test_no_match_of_the_squeezed_view_is_missed_by_the_quick_search(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    index = FormIndex({f"env:{name}": value for name, value in secrets.items()})
    form = data.draw(
        st.integers(0, len(index.patterns) - 1).map(lambda number: index.patterns[number].decode())
    )
    gaps = data.draw(
        st.lists(st.sampled_from(["\n", "=\r\n", "\\", "\\n", "\x1b[1m", "\u200b", "\x07"]), max_size=3)
    )
    for gap in gaps:
        at = data.draw(st.integers(0, len(form)))
        form = form[:at] + gap + form[at:]
    whole = data.draw(text) + form

    find = leftmost_longest(index.patterns)
    stands = find(whole.encode()) or any(find(segment.text) for segment in segments(whole.encode()))

    if stands:
        assert index.may_stand_in(whole.encode())
        assert index.may_matter(orjson.dumps({"k": [whole]}))
        assert index.covering(whole.encode())
