"""Whatever a chained journal says, the Atlas gives pages or refuses the run: no traceback, no bad id."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from babysitter.model.errors import CorruptJournalError
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.atlas.ids import prefix_of
from babysitter.service.atlas.vocabulary import KINDS
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.integration.audit.forging import chained
from tests.unit.service.runs import ROOT, resume, start, workspace
from tests.unit.service.signing import BOB, rule, sign, trusting
from tests.unit.service.test_hostile_audits import spoilt

JOURNAL = "journal/journal.jsonl"


def honest() -> tuple[FakeWorkspace, MemoryStore, list[dict[str, Any]]]:
    place = trusting(workspace(), rule())
    start(place, "deploying", ["here"])
    sign(place, BOB, "1-gate-deploy", comment="fine")
    resume(place)
    store = place.store
    assert isinstance(store, MemoryStore)
    return place, store, [json.loads(line) for line in store.runs["r"].files[JOURNAL].splitlines()]


PLACE, STORE, LINES = honest()


def look_at_everything(store: MemoryStore) -> None:
    atlas = Atlas(FakeWorkspace(ROOT / "atlas", store=store))
    for kind in ("Run", *sorted({each.kind for each in KINDS} - {"Page", "Document", "Run"})):
        for hit in atlas.search("", kind=kind, limit=500):
            assert prefix_of(hit.id)
            try:
                page = atlas.get(hit.id)
            except CorruptJournalError:
                assert hit.id == "run:r"
                continue
            json.loads(atlas.page_json(page.id))
            assert all(prefix_of(each.from_) and prefix_of(each.to) for each in page.outgoing_edges)
            assert all(prefix_of(each.from_) and prefix_of(each.to) for each in page.incoming_edges)


@settings(max_examples=60)
@example(None)
@given(st.data())
def test_a_line_with_anything_in_it_gives_pages_or_is_refused(drawn: st.DataObject | None) -> None:
    lines = LINES
    if drawn is not None:
        number = drawn.draw(st.integers(0, len(LINES) - 1))
        line = {**LINES[number], "data": spoilt(drawn, LINES[number]["data"])}
        lines = [*LINES[:number], line, *LINES[number + 1 :]]
    store = MemoryStore()
    store.create("r", dict(STORE.runs["r"].files), chained(lines))

    look_at_everything(store)


@settings(max_examples=30)
@given(st.permutations(LINES[1:]), st.integers(0, len(LINES)))
def test_lines_in_any_order_and_left_out_give_pages_or_are_refused(lines: list[Any], count: int) -> None:
    store = MemoryStore()
    store.create("r", dict(STORE.runs["r"].files), chained([LINES[0], *lines[:count]]))

    look_at_everything(store)


@pytest.mark.parametrize("facts", [b"", b"[]", b"{", b'{"entry": 1}', b"\xff", b"[" * 100_000])
def test_a_run_whose_summary_is_none_is_found_by_its_id_all_the_same(facts: bytes) -> None:
    store = MemoryStore()
    store.create("r", {**STORE.runs["r"].files, "run.json": facts}, chained(LINES))
    atlas = Atlas(FakeWorkspace(ROOT / "atlas", store=store))

    assert [hit.id for hit in atlas.search("", kind="Run")] == ["run:r"]
    assert atlas.get("run:r").attributes["status"] == "completed"
