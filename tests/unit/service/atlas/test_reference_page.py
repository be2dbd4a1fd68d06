"""docs/reference/atlas.md says what the code has: kinds, ids, edges, limits, and the form of a record."""

import ast
import json
import re
from pathlib import Path

import pytest

from babysitter.service.atlas.files import FILE_BYTES_MAX, FILES_MAX
from babysitter.service.atlas.graph import Graph
from babysitter.service.atlas.history import RUNS_READ
from babysitter.service.atlas.ids import prefix_of
from babysitter.service.atlas.processes import PROCESSES_MAX
from babysitter.service.atlas.records import page_bytes, read_page
from babysitter.service.atlas.vocabulary import EDGE_KINDS, KINDS

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "reference" / "atlas.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, but for its head."""
    body = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_has_every_kind_with_an_id_of_its_form() -> None:
    told = [
        (kind, prefix_of(example.replace("…", "")), cluster, means)
        for kind, example, cluster, means in rows("Kinds")
    ]

    assert told == [(each.kind, each.prefix, each.cluster, each.means) for each in KINDS]


def test_the_page_has_every_kind_of_edge() -> None:
    told = dict(rows("Edges"))

    assert list(told) == list(EDGE_KINDS)
    assert all(told[kind].startswith(means) for kind, means in EDGE_KINDS.items())


def test_no_edge_is_of_a_kind_that_the_vocabulary_does_not_have_and_each_kind_is_made() -> None:
    with pytest.raises(AssertionError):
        Graph().join("run:a", "relates_to", "run:b")

    files = [
        file for file in (ROOT / "src/babysitter/service/atlas").glob("*.py") if file.stem != "vocabulary"
    ]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    words = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert set(EDGE_KINDS) <= words


def test_the_example_is_a_record_in_the_form_that_is_described() -> None:
    [example] = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)

    assert page_bytes(read_page(example.encode())) == example.encode()
    assert [row[0] for row in rows("The record")] == list(json.loads(example))


def test_the_limits_are_those_of_the_code() -> None:
    told = PAGE.split("## What is read", 1)[1]

    assert told.count(f"newest {RUNS_READ} runs") == 2
    assert f"first {PROCESSES_MAX} processes" in told
    assert f"{FILES_MAX:,} files of at most {FILE_BYTES_MAX // 1024 // 1024} MiB" in told
