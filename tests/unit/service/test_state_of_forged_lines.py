"""A journal chains, and yet a line of it says what no driver writes: the run is refused as corrupt."""

import json

import pytest

from babysitter.model.errors import CorruptJournalError
from babysitter.service.reading import read_state
from babysitter.testing.memory_store import MemoryStore
from tests.integration.audit.forging import chained
from tests.unit.service.runs import start, workspace


@pytest.mark.parametrize(
    ("started_at", "finished_at"),
    [("", "2026-01-31T10:15:30.000000Z"), ("x" * 19, "x" * 19), ("yesterday", "2026-01-31T10:15:30.000000Z")],
)
def test_a_time_that_is_none_is_refused_as_corrupt(started_at: str, finished_at: str) -> None:
    place = workspace()
    start(place, "building", "a")
    store = place.store
    assert isinstance(store, MemoryStore)
    lines = [json.loads(line) for line in store.read_journal("r").splitlines()]
    [resolved] = [line for line in lines if line["type"] == "EFFECT_RESOLVED"]
    resolved["data"] |= {"startedAt": started_at, "finishedAt": finished_at}
    store.runs["r"].files["journal/journal.jsonl"] = chained(lines)

    with pytest.raises(CorruptJournalError, match="has a time that is none"):
        read_state(store, "r")
