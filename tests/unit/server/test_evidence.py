"""What an approver's own program is given to check: the very bytes, in pieces, and nothing else of a run."""

from pathlib import Path

import pytest

from babysitter.service.hosting.evidence import PIECE_BYTES_MAX
from babysitter.service.runs import RunService
from tests.unit.server.served import Server

ASKED = "1-go"
RUN = "/api/v1/runs/r"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    served = Server(tmp_path)
    RunService(served.place).start("processes.py#asking", None, run_id="r")
    return served


def test_the_journal_is_given_byte_for_byte_in_pieces(server: Server) -> None:
    client, whole = server.client("viewer"), server.place.store.read_journal("r")

    first = client.get(f"{RUN}/journal?until=100")
    rest = client.get(f"{RUN}/journal?offset=100")
    after = client.get(f"{RUN}/journal?offset={len(whole)}")

    assert (first.content, rest.content, after.content) == (whole[:100], whole[100:], b"")
    assert first.headers["content-type"] == "application/octet-stream"
    assert first.headers["content-disposition"].startswith("attachment")
    assert first.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "piece", ["offset=-1", "offset=5&until=5", "offset=5&until=4", f"until={PIECE_BYTES_MAX + 1}", "until=x"]
)
def test_a_piece_that_is_none_or_too_large_is_refused(server: Server, piece: str) -> None:
    for path in (f"{RUN}/journal", f"{RUN}/breakpoints/{ASKED}/files/breakpoints/{ASKED}/shown.md"):
        reply = server.client("viewer").get(f"{path}?{piece}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")


@pytest.mark.parametrize("name", ["shown.md", "shown.json"])
def test_what_a_question_shows_is_given_byte_for_byte(server: Server, name: str) -> None:
    path = f"breakpoints/{ASKED}/{name}"
    kept = server.place.store.read_file("r", path)

    reply = server.client("approver").get(f"{RUN}/breakpoints/{ASKED}/files/{path}")
    end = server.client("approver").get(f"{RUN}/breakpoints/{ASKED}/files/{path}?offset=7&until=20")

    assert (reply.content, end.content) == (kept, kept[7:20])
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment")


@pytest.mark.promise("G19")
@pytest.mark.parametrize(
    "path",
    [
        "run.json",
        "journal/journal.jsonl",
        "breakpoints/2-other/shown.md",
        f"breakpoints/{ASKED}/../../run.json",
        f"breakpoints/{ASKED}/%2e%2e/%2e%2e/run.json",
        "%2Fetc%2Fpasswd",
        f"breakpoints/{ASKED}/shown.md%00",
    ],
)
def test_no_other_file_of_a_run_is_given(server: Server, path: str) -> None:
    reply = server.client("admin").get(f"{RUN}/breakpoints/{ASKED}/files/{path}")

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "usage.not_found")


def test_a_question_that_was_never_asked_shows_nothing(server: Server) -> None:
    path = f"breakpoints/{ASKED}/shown.md"
    reply = server.client("viewer").get(f"{RUN}/breakpoints/9-never/files/{path}")

    assert reply.status_code == 404
