"""A record is given in one form, and what comes in that form goes out as it came."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import RefusedError
from babysitter.service.atlas.records import Edge, Page, as_json, page_bytes, read_page
from tests.unit.service.atlas.pages import FOREIGN, foreign_records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EDGES = st.builds(Edge, from_=st.text(), to=st.text(), kind=st.text())
PAGES = st.builds(
    Page,
    id=st.text(),
    kind=st.text(),
    file=st.text(),
    cluster=st.text(),
    attributes=st.dictionaries(st.text(), JSON, max_size=4),
    outgoing_edges=st.lists(EDGES, max_size=2).map(tuple),
    incoming_edges=st.lists(EDGES, max_size=2).map(tuple),
)


@pytest.mark.promise("G29")
@pytest.mark.parametrize("record", foreign_records())
def test_a_record_of_another_atlas_is_read_and_written_to_the_same_bytes(record: bytes) -> None:
    assert page_bytes(read_page(record)) == record


@given(PAGES)
def test_every_page_is_read_back_as_it_was_written(page: Page) -> None:
    written = page_bytes(page)

    assert read_page(written) == page
    assert page_bytes(read_page(written)) == written
    assert list(json.loads(written)) == [
        "id",
        "_kind",
        "_file",
        "_cluster",
        "attributes",
        "outgoingEdges",
        "incomingEdges",
    ]


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    record = FOREIGN.replace(b"Keys", b"\\ud83d")

    assert page_bytes(read_page(record)) == record


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": 1}',
        FOREIGN.replace(b'"attributes": {', b'"attributes": [', 1),
        b"[" * 100_000,
        FOREIGN.replace(b"[]", b"[NaN]", 1),
        FOREIGN.replace(b"[]", b"[-Infinity]", 1),
        FOREIGN.replace(b"[]", b"[1e999]", 1),
    ],
)
def test_what_is_no_record_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_page(record)


def test_what_is_nested_too_deep_to_be_written_is_refused() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(RefusedError):
        as_json(deep)
