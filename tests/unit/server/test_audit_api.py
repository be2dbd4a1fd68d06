"""Auditing and scanning through the API: the file given verifies, nothing outside is looked at."""

import io
import tarfile
from pathlib import Path

import pytest

from babysitter.service.auditing import audit_folder
from babysitter.service.handing_over import unpack
from babysitter.service.runs import RunService
from tests.unit.server.served import Server


@pytest.fixture
def server(tmp_path: Path) -> Server:
    served = Server(tmp_path)
    RunService(served.place).start("processes.py#asking", None, run_id="r")
    served.hosting.home.catalogue.look()
    return served


def test_the_export_is_an_attachment_that_holds_the_runs_and_is_in_the_access_log(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("babysitter.server.app._PIECE_BYTES", 1000)

    reply = server.client("auditor").get("/api/v1/audit/export")

    assert reply.headers["content-type"] == "application/x-tar"
    assert reply.headers["content-disposition"].startswith("attachment")
    (tmp_path / "audit.tar").write_bytes(reply.content)
    folder = unpack(tmp_path / "audit.tar", tmp_path / "out")
    store, given = server.place.store, folder / "runs" / "r"
    wanted = [path for path in store.paths("r") if not path.startswith(("state/", "mail/"))]
    assert wanted
    assert all((given / path).read_bytes() == store.read_file("r", path) for path in wanted)
    assert [view.run_id for view in audit_folder(folder).runs] == ["r"]
    assert b'"audit.export"' in server.access_lines()


def test_a_run_that_is_not_named_is_said_to_be_left_out(server: Server) -> None:
    RunService(server.place).start("processes.py#asking", None, run_id="s")

    reply = server.client("auditor").get("/api/v1/audit/export?runs=s")

    with tarfile.open(fileobj=io.BytesIO(reply.content)) as tar:
        names = tar.getnames()
    assert "audit/left-out" in names
    assert not [name for name in names if name.startswith("audit/runs/r/")]
    assert server.client("auditor").get("/api/v1/audit/export?runs=none").status_code == 404


def test_a_workspace_is_not_verified_twice_at_once(server: Server) -> None:
    client = server.client("auditor")
    with server.hosting.home.verified.whole:
        assert client.post("/api/v1/audit/verification").status_code == 409

    reply = client.post("/api/v1/audit/verification")

    assert [view["runId"] for view in reply.json()["runs"]] == ["r"]


@pytest.mark.parametrize("path", ["../server/served.py", "/etc/passwd", "\x00", "not-there"])
def test_a_scan_does_not_leave_the_workspace(server: Server, path: str) -> None:
    reply = server.client("operator").post("/api/v1/scan", json={"paths": [path]})

    assert reply.status_code == 400
    assert "passwd:" not in reply.text


def test_a_scan_says_what_it_looked_with(server: Server) -> None:
    reply = server.client("operator").post("/api/v1/scan", json={"paths": ["processes.py"]})

    assert reply.status_code == 200
    assert reply.json()["tools"]


def test_a_report_is_a_page_that_is_kept_and_not_shown(server: Server) -> None:
    client = server.client("auditor")

    reply = client.get("/api/v1/audit/report?runs=r")

    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="report.html"'
    assert "Report on 1 run of here" in reply.text
    assert client.get("/api/v1/audit/report?since=2000-01-01").status_code == 200
    assert client.get("/api/v1/audit/report").status_code == 400
    assert client.get("/api/v1/audit/report?runs=r&since=2000").status_code == 400
    assert client.get("/api/v1/audit/report?runs=none").status_code == 404
