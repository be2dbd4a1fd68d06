"""Ids name one thing each, survive an address, and give the name back."""

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.service.atlas.ids import name_in, page_id, prefix_of, process_page_id, run_in

NAMES = st.text(min_size=1, max_size=40) | st.sampled_from(
    ["a.json", "..", "../..", "a//b", "/", "a/", "~2E", "a b", "ü", "x?y#z", "%2e%2e", "a.json/b"]
)


@given(NAMES)
def test_a_name_is_read_back_from_its_id(name: str) -> None:
    assert name_in(page_id("person", name)) == name


@given(NAMES, NAMES)
def test_two_names_never_have_one_id(one: str, other: str) -> None:
    assert (page_id("person", one) == page_id("person", other)) == (one == other)


@given(NAMES)
def test_an_id_stands_in_an_address_as_it_is(name: str) -> None:
    node_id = page_id("person", name)

    path = urlsplit(f"https://x/atlas/{node_id}").path
    assert path == f"/atlas/{node_id}"
    assert quote(node_id, safe="/:@+!,=~") == node_id
    assert not {"", ".", ".."} & set(node_id.split(":", 1)[1].split("/"))
    assert not node_id.endswith(".json")
    assert prefix_of(node_id) == "person"


def test_what_is_in_a_run_tells_which_run() -> None:
    assert page_id("effect", "r.1", "4.0.1-build") == "effect:r.1/4.0.1-build"
    assert run_in("effect:r.1/4.0.1-build") == "r.1"
    assert process_page_id("a/b.py#release") == "process:a/b.py:release"


@pytest.mark.parametrize("text", ["", "run", "run:", "RUN:x", "run:a b", "run:" + "x" * 2000, "run:\n", ":x"])
def test_what_is_no_id_has_no_prefix(text: str) -> None:
    assert prefix_of(text) == ""
