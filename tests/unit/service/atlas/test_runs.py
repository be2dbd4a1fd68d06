"""Runs as pages: what their journals tell, with edges that say the same from both ends."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.model.errors import CorruptJournalError, NotFoundError
from babysitter.model.findings import Finding, Scan, ToolRun
from babysitter.model.rules import AutoApproval
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.atlas.records import Edge, Page
from babysitter.service.runs import RunService
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.atlas.pages import every_page
from tests.unit.service.processes import HARD_CODED
from tests.unit.service.runs import answer, resume, start, workspace
from tests.unit.service.signing import BOB, rule, sign, trusting

SHAPES: list[tuple[str, Any]] = [
    ("building", "a"),
    ("deploying", ["here"]),
    ("asking", None),
    ("failing", None),
    ("parent", {"child": "doubling", "inputs": 3}),
    ("parent", {"child": "failing", "inputs": None}),
    ("listening", 1),
    ("taking_values", None),
    ("building_with_a_credential", None),
    ("side_by_side", ["a", "b"]),
]


class CountingStore(MemoryStore):
    """A store that tells whose journals were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.whole: list[str] = []

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        self.read.append(run_id)
        if not offset:
            self.whole.append(run_id)
        return super().read_journal(run_id, offset=offset)


def many(store: MemoryStore, names: list[str]) -> FakeWorkspace:
    place = workspace(store)
    for name in names:
        RunService(place).start("processes.py#doubling", 1, run_id=name)
    return place


def gated() -> FakeWorkspace:
    place = trusting(workspace(), rule())
    start(place, "deploying", ["here"])
    sign(place, BOB, "1-gate-deploy", comment="fine")
    resume(place)
    return place


def edges(page: Page) -> set[tuple[str, str, str]]:
    return {(edge.from_, edge.kind, edge.to) for edge in (*page.outgoing_edges, *page.incoming_edges)}


def assert_both_ends_agree(atlas: Atlas) -> None:
    pages = {page.id: page for page in every_page(atlas)}
    for page in pages.values():
        assert len(set(page.outgoing_edges)) == len(page.outgoing_edges)
        for edge in page.outgoing_edges:
            assert edge.from_ == page.id
            assert edge in pages[edge.to].incoming_edges, f"{edge} is not told at its end"
        for edge in page.incoming_edges:
            assert edge.to == page.id
            assert edge in pages[edge.from_].outgoing_edges, f"{edge} is not told at its beginning"


@pytest.mark.promise("G29")
@settings(max_examples=12)
@given(st.lists(st.sampled_from(SHAPES), max_size=4))
def test_an_edge_is_told_from_both_of_its_ends(shapes: list[tuple[str, Any]]) -> None:
    place = workspace()
    for number, (name, inputs) in enumerate(shapes):
        RunService(place).start(f"processes.py#{name}", inputs, run_id=f"r{number}")

    assert_both_ends_agree(Atlas(place))


@pytest.mark.promise("G29")
def test_an_approved_deployment_can_be_walked_from_the_person_to_what_started() -> None:
    place = gated()
    atlas = Atlas(place)

    asked = atlas.get("breakpoint:r/1-gate-deploy")
    effect = atlas.get("effect:r/1-deploy")

    assert asked.attributes["state"] == "released"
    assert asked.attributes["answers"][0]["comment"] == "fine"
    assert {
        (f"person:{BOB}", "answered", asked.id),
        (asked.id, "decided_by", "rule:production"),
        (asked.id, "covers", "task:deploy"),
        (asked.id, "guards", effect.id),
        (effect.id, "let_through_by", asked.id),
        ("run:r", "has_breakpoint", asked.id),
    } <= edges(asked)
    assert (effect.id, "of_task", "task:deploy") in edges(atlas.get("task:deploy"))
    assert ("rule:production", "names", f"person:{BOB}") in edges(atlas.get("rule:production"))
    assert atlas.get("rule:production").attributes["inForce"] is True
    assert atlas.get(f"person:{BOB}").attributes["roles"] == ["managers"]
    assert_both_ends_agree(atlas)


def test_a_rule_that_answers_in_a_persons_place_is_a_page_beside_one_of_the_same_name() -> None:
    place = trusting(workspace(), auto_approve=(AutoApproval(id="go"),))
    start(place, "asking", None)
    resume(place)
    atlas = Atlas(place)

    page = atlas.get("rule:auto/go")

    assert ("rule:auto/go", "answered", "breakpoint:r/1-go") in edges(page)
    assert_both_ends_agree(atlas)


def test_a_rule_of_an_old_journal_is_a_page_that_says_that_it_is_not_in_force() -> None:
    place = gated()
    place.policy = workspace().policy

    page = Atlas(place).get("rule:production")

    assert page.attributes["inForce"] is False
    assert [edge.kind for edge in page.incoming_edges] == ["decided_by"]


@pytest.mark.promise("G29")
def test_a_page_of_a_run_is_read_from_that_runs_journal_alone() -> None:
    store = CountingStore()
    place = many(store, ["a", "b", "c"])
    atlas = Atlas(place)
    store.read.clear()
    store.whole.clear()

    for page_id in ("run:b", "effect:b/1-double"):
        atlas.get(page_id)
        atlas.page_json(page_id)
        atlas.neighbors(page_id)
        atlas.breadcrumb(page_id)

    assert set(store.read) == {"b"}
    assert store.whole == ["b"]


def test_a_search_for_runs_reads_no_journal_and_one_for_the_rest_those_of_the_newest() -> None:
    store = CountingStore()
    place = many(store, [f"r{number:02}" for number in range(12)])
    atlas = Atlas(place, runs_read=3)
    store.read.clear()

    runs = atlas.search("doubling", kind="Run", limit=500)
    assert (len(runs), store.read) == (12, [])

    effects = atlas.search("double", kind="Effect", limit=500)
    assert {hit.id.split("/")[0] for hit in effects} == {"effect:r09", "effect:r10", "effect:r11"}
    assert set(store.read) == {"r09", "r10", "r11"}


def test_what_many_runs_speak_of_says_how_many_of_them_were_read() -> None:
    atlas = Atlas(many(MemoryStore(), [f"r{number}" for number in range(5)]), runs_read=2)

    page = atlas.get("task:double")

    assert (page.attributes["runs"], page.attributes["runsRead"]) == (5, 2)
    assert {edge.from_.split("/")[0] for edge in page.incoming_edges if edge.kind == "of_task"} == {
        "effect:r3",
        "effect:r4",
    }
    assert Atlas(many(MemoryStore(), ["old", "new"]), runs_read=0).get("person:alice").attributes["runs"] == 2


def test_a_run_that_goes_on_is_read_again_and_one_that_is_gone_is_no_page() -> None:
    place = workspace()
    atlas = Atlas(place)
    start(place, "asking", None)
    assert atlas.get("run:r").attributes["status"] == "waiting"

    answer(place, "1-go", "approve")
    resume(place)
    assert atlas.get("run:r").attributes["status"] == "completed"
    assert atlas.get("run:r").attributes["status"] == "completed"

    store = place.store
    assert isinstance(store, MemoryStore)
    del store.runs["r"]
    start(place, "failing", None)
    assert atlas.get("run:r").attributes["status"] == "failed"

    del store.runs["r"]
    with pytest.raises(NotFoundError):
        atlas.get("run:r")
    assert atlas.search("", kind="Run") == []


def test_a_journal_that_does_not_verify_is_refused_and_named_where_others_are_read() -> None:
    store = MemoryStore()
    atlas = Atlas(many(store, ["good", "bad"]))
    journal = store.runs["bad"].files["journal/journal.jsonl"]
    store.runs["bad"].files["journal/journal.jsonl"] = journal.replace(b"doubling", b"troubling", 1)

    with pytest.raises(CorruptJournalError):
        atlas.get("run:bad")
    assert atlas.get("task:double").attributes["runsUnreadable"] == ["bad"]


def test_a_scan_and_a_masked_credential_are_findings_of_the_run() -> None:
    found = Finding(
        tool="bandit",
        rule="B608",
        category="sql-injection",
        severity="high",
        path="shop.py",
        message="A query is put together from text.",
        fingerprint="f" * 32,
    )
    scan = Scan(tools=(ToolRun(tool="bandit", state="passed", examined=1),), findings=(found,))
    place = FakeWorkspace(Path(__file__).parent)
    place.script = {"security_scan": lambda _, __: msgspec.to_builtins(scan)}
    RunService(place).start("scanning.py", None, run_id="r")
    atlas = Atlas(place)

    page = atlas.get(f"finding:r/bandit/{'f' * 32}")

    assert page.attributes["severity"] == "high"
    assert page.attributes["sourcePath"] == "shop.py"
    assert ("effect:r/1-security_scan", "has_finding", page.id) in edges(page)
    assert [hit.id for hit in atlas.search("put together", kind="Finding")] == [page.id]
    assert_both_ends_agree(atlas)


def test_what_was_masked_is_a_finding_without_the_value() -> None:
    place = workspace()
    start(place, "building_with_a_credential", None)
    atlas = Atlas(place)

    [hit] = atlas.search("", kind="Finding")
    page = atlas.get(hit.id)

    assert page.attributes["tool"] == "masking"
    assert page.attributes["rule"] == "github-pat"
    assert ("run:r", "has_finding", page.id) in edges(page)
    shown = b"".join(atlas.page_json(each.id) for each in every_page(atlas))
    assert HARD_CODED.encode() not in shown


@pytest.mark.parametrize(
    "page_id",
    ["run:x", "run:r/x", "effect:r", "effect:r/9-x", "breakpoint:x/y", "person:nobody", "task:x", "rule:x",
     "process:x", "page:x", "document:x", "x:y", "", "run:../../etc", "finding:r/a/b"],
)  # fmt: skip
def test_a_page_that_is_not_there_is_told_with_what_to_do(page_id: str) -> None:
    place = workspace()
    start(place, "doubling", 1)

    with pytest.raises(NotFoundError, match="atlas search"):
        Atlas(place).get(page_id)


def test_the_way_to_an_effect_leads_through_its_run() -> None:
    place = workspace()
    start(place, "doubling", 1)

    way = Atlas(place).breadcrumb("effect:r/1-double")

    assert [(crumb.id, crumb.kind) for crumb in way] == [
        ("", ""),
        ("", "Effect"),
        ("run:r", "Run"),
        ("effect:r/1-double", "Effect"),
    ]


def test_neighbours_are_what_the_edges_name() -> None:
    place = gated()
    atlas = Atlas(place)

    found = {(each.direction, each.edge, each.id) for each in atlas.neighbors("breakpoint:r/1-gate-deploy")}

    page = atlas.get("breakpoint:r/1-gate-deploy")
    assert found == {("out", edge.kind, edge.to) for edge in page.outgoing_edges} | {
        ("in", edge.kind, edge.from_) for edge in page.incoming_edges
    }
    assert Edge(from_=f"person:{BOB}", to=page.id, kind="answered") in page.incoming_edges
