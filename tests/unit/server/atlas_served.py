"""What the tests of the Atlas's pages share: records that mean harm, and a server that has them."""

import json
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from babysitter.model.atlas_settings import AtlasTable
from babysitter.server.headers import Ground
from babysitter.service.ports import SystemClock
from babysitter.service.runs import RunService
from babysitter.testing.workspace import SETTINGS, FakeWorkspace
from tests.unit.server.served import PROCESSES, Server, ground

HOSTILE = "<script>window.ran=1</script><img src=x onerror=ran()>\"'&"
NONE: Mapping[str, str] = {}


def foreign(id_: str, **attributes: object) -> bytes:
    """Return a record of another atlas, on several lines that end as Windows ends them."""
    record = {
        "id": id_,
        "_kind": HOSTILE,
        "_file": HOSTILE,
        "_cluster": HOSTILE,
        "attributes": {"title": HOSTILE, HOSTILE: HOSTILE, "many": [HOSTILE, 10**30, "\u202e"], **attributes},
        "outgoingEdges": [
            {"from": id_, "to": HOSTILE, "kind": HOSTILE},
            {"from": id_, "to": "", "kind": "x"},
        ],
        "incomingEdges": [],
    }
    return b"\n" + json.dumps(record, indent=2).replace("\n", "\r\n").encode()


def workspace(root: Path, records: list[bytes], documents: Mapping[str, str]) -> FakeWorkspace:
    """Return a workspace with these records, and documents by name, and the processes of the tests."""
    settings = replace(SETTINGS, atlas=AtlasTable(documents=("*.md",), pages=("atlas/*.json",)))
    (root / "atlas").mkdir(parents=True)
    (root / "processes.py").write_bytes((PROCESSES / "processes.py").read_bytes())
    for number, record in enumerate(records):
        (root / "atlas" / f"{number}.json").write_bytes(record)
    for name, text in documents.items():
        (root / f"{name}.md").write_text(text)
    return FakeWorkspace(root, clock=SystemClock(), settings=settings)


def served(
    folder: Path, records: list[bytes], documents: Mapping[str, str] = NONE, *, stands: Ground | None = None
) -> Server:
    """Return a server over such a workspace, which has a run that waits for an answer.

    stands: where it does, if a browser is to reach it.
    """
    place = workspace(folder / "workspace", records, documents)
    server = Server(folder, place=place, ground=stands or ground())
    RunService(place).start("processes.py#asking", None, run_id="r")
    return server
