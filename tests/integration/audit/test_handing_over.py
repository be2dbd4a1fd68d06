"""What an auditor is handed: everything to verify elsewhere and no key, or one event and no more."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.audit.conftest import Workspace

pytestmark = [pytest.mark.promise("G24"), pytest.mark.needs("bash", "jq", "openssl", "ssh-keygen", "xxd")]


@pytest.fixture
def tar(honest: Workspace, tmp_path: Path) -> Path:
    path = tmp_path / "audit.tar"
    honest.babysitter("audit", "export", "--output", str(path))
    return path


def test_what_was_handed_over_verifies_without_the_workspace(
    honest: Workspace, tar: Path, tmp_path: Path
) -> None:
    report = json.loads(
        honest.babysitter("audit", "verify", str(tar), "--trust", str(honest.trust), "--json")
    )
    with tarfile.open(tar) as archive:
        archive.extractall(tmp_path, filter="data")
    script = ["bash", str(tmp_path / "audit" / "audit.sh"), str(tmp_path / "audit"), str(honest.trust)]
    done = subprocess.run(script, check=False, capture_output=True, text=True)

    assert report["ok"]
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "OK  3 runs, 10 lines of log")


def test_no_key_and_nothing_that_waits_is_handed_over(tar: Path) -> None:
    with tarfile.open(tar) as archive:
        names = archive.getnames()

    assert "audit/log/log.vkey" in names
    assert not [name for name in names if name.endswith(".key") or "/state/" in name or "/mail/" in name]


def test_the_same_workspace_gives_the_same_bytes(honest: Workspace, tar: Path, tmp_path: Path) -> None:
    honest.babysitter("audit", "export", "--output", str(tmp_path / "again.tar"))

    assert (tmp_path / "again.tar").read_bytes() == tar.read_bytes()


def test_runs_that_were_left_out_are_said_and_are_no_finding(honest: Workspace, tmp_path: Path) -> None:
    honest.babysitter("audit", "export", "one", "--output", str(tmp_path / "one.tar"))

    report = json.loads(honest.babysitter("audit", "verify", str(tmp_path / "one.tar"), "--json"))

    assert report["ok"]
    assert [view["runId"] for view in report["runs"]] == ["one"]
    assert {"Run two was left out on purpose.", "Run open was left out on purpose."} <= set(
        report["unproven"]
    )


def test_a_change_of_what_was_handed_over_shows(honest: Workspace, tar: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.tar"
    with tarfile.open(tar) as archive, tarfile.open(changed, "w") as other:
        for entry in archive:
            found = archive.extractfile(entry)
            assert found is not None
            data = found.read().replace(b"deployed here", b"deployed herr")
            other.addfile(entry, io.BytesIO(data))

    assert "WRONG" in honest.babysitter("audit", "verify", str(changed), status=1)


def hostile(name: str) -> Callable[[tarfile.TarFile], None]:
    def add(archive: tarfile.TarFile) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))

    return add


def link(archive: tarfile.TarFile) -> None:
    entry = tarfile.TarInfo("audit/runs")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
    archive.addfile(entry)


@pytest.mark.parametrize(
    "add", [hostile("/etc/x"), hostile("audit/../../x"), link], ids=["absolute", "above", "link"]
)
def test_an_archive_that_would_leave_its_folder_is_refused(
    honest: Workspace, tmp_path: Path, add: Callable[[tarfile.TarFile], None]
) -> None:
    with tarfile.open(tmp_path / "hostile.tar", "w") as archive:
        add(archive)

    honest.babysitter("audit", "verify", str(tmp_path / "hostile.tar"), status=4)

    assert not (tmp_path / "x").exists()


def test_what_is_no_archive_is_refused_with_a_sentence(honest: Workspace, tmp_path: Path) -> None:
    (tmp_path / "odd.tar").write_bytes(b"nothing of the kind")

    said = json.loads(honest.babysitter("audit", "verify", str(tmp_path / "odd.tar"), "--json", status=4))

    assert "is no archive of runs" in said["error"]["message"]


@pytest.fixture
def event(honest: Workspace, tmp_path: Path) -> Path:
    listed = json.loads(honest.babysitter("audit", "approvals", "--json"))["approvals"]
    seq = next(view["seq"] for view in listed if view["runId"] == "one")
    path = tmp_path / "event.json"
    honest.babysitter("journal", "export", "one", "--event", str(seq), "--output", str(path))
    return path


def test_one_event_is_shown_and_proven_without_the_rest(honest: Workspace, event: Path) -> None:
    shown = json.loads(
        honest.babysitter("audit", "verify", str(event), "--trust", str(honest.trust), "--json")
    )

    assert (shown["runId"], shown["approver"], shown["decision"]) == ("one", "bob@example.com", "approve")
    assert shown["signed"]
    assert "EFFECT_RESOLVED" not in event.read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("approve", "reject"),
        ("bob@example.com", "eve@example.com"),
        ('"index":', '"index":1'),
        ("run.opened", "run.sealed"),
        ("fine", "fime"),
    ],
)
def test_a_changed_proof_of_an_event_proves_nothing(
    honest: Workspace, event: Path, old: str, new: str
) -> None:
    text = event.read_text()
    event.write_text(text.replace(old, new) if old in text else text[:-40])

    honest.babysitter("audit", "verify", str(event), "--trust", str(honest.trust), "--json", status=4)


def test_a_line_that_the_log_does_not_know_by_itself_is_not_exported(
    honest: Workspace, tmp_path: Path
) -> None:
    target = str(tmp_path / "no.json")
    said = honest.babysitter(
        "journal", "export", "one", "--event", "1", "--output", target, "--json", status=2
    )

    assert "only answers that approve or reject can" in json.loads(said)["error"]["message"]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ((), 3),
        (("--by", "bob@example.com"), 3),
        (("--by", "alice@example.com"), 0),
        (("--rule", "production", "--environment", "production"), 3),
        (("--since", "2999"), 0),
        (("--decision", "reject"), 0),
        (("--process", "release"), 3),
    ],
)
def test_approvals_are_listed_by_what_is_asked(
    honest: Workspace, filters: tuple[str, ...], count: int
) -> None:
    assert len(json.loads(honest.babysitter("audit", "approvals", *filters, "--json"))["approvals"]) == count


def test_a_report_is_a_page_that_needs_nothing_else(honest: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    honest.babysitter("audit", "report", "--since", "2020", "--output", str(page))

    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "Report on 3 runs since 2020" in text
    assert "://" not in text
    assert "src=" not in text
