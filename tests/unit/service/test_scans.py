"""Scans beside the changes: our scanners and the tools, of which none that could not look is an all-clear."""

from collections.abc import Sequence
from pathlib import Path

from babysitter.model.effects import Sandbox
from babysitter.model.findings import Finding, Scan, ToolRun
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.ground import Ground
from babysitter.scanners.scanning import Scanning
from babysitter.service.scans import ToolsOnFiles, WorkspaceScans
from babysitter.testing.clocks import FakeClock
from tests.unit.scanners.grounds import SayingRunner, ground_of, tools_folder

REPORT = b"""{"errors": [], "metrics": {"./a.py": {}, "_totals": {}}, "results": [{"filename": "./a.py",
 "test_id": "B301", "issue_text": "Bad.", "issue_severity": "HIGH", "line_number": 1}]}"""


def credentials(files: Sequence[str]) -> Scan:
    """Search for credentials and find one."""
    found = Finding(
        tool="credentials",
        rule="pat",
        category="credential",
        severity="critical",
        path=files[0],
        message="m",
        fingerprint="f",
    )
    return Scan(tools=(ToolRun(tool="credentials", state="passed", examined=len(files)),), findings=(found,))


def scans(tmp_path: Path) -> WorkspaceScans:
    """Return the scans of a workspace with one Python file and bandit."""
    ground = ground_of(tmp_path / "w", {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    settings = ScanTable(path=(str(tools_folder(tmp_path, "bandit")),))
    says = SayingRunner(lambda p: (0, b"bandit 1" if "--version" in p.argv else REPORT, b""))
    tools = ToolsOnFiles(
        scanning=Scanning(root=ground.root, settings=settings, clock=FakeClock()),
        runner=lambda: says,
        sandbox=Sandbox(),
    )
    return WorkspaceScans(scanners={"credentials": credentials}, tools=tools)


def test_credentials_are_searched_for_whatever_tools_are_asked(tmp_path: Path) -> None:
    found = scans(tmp_path).scan((), ("a.py",))

    assert [run.tool for run in found.tools] == ["credentials"]
    assert found.counts()["critical"] == 1


def test_the_tools_look_at_the_files_that_they_are_given(tmp_path: Path) -> None:
    found = scans(tmp_path).scan(("bandit",), ("a.py",))

    assert [(run.tool, run.state, run.examined) for run in found.tools] == [
        ("credentials", "passed", 1),
        ("bandit", "passed", 1),
    ]
    assert [each.rule for each in found.findings] == ["pat", "B301"]


def test_a_file_that_a_tool_left_out_leaves_the_whole_without_counts(tmp_path: Path) -> None:
    found = scans(tmp_path).scan(("bandit",), ("a.py", "b.py"))

    assert len(found.findings) == 2
    assert found.counts() == {}


def test_a_name_that_there_is_no_scanner_of_is_told_beside_the_others(tmp_path: Path) -> None:
    found = scans(tmp_path).scan(("bandit", "bandid"), ("a.py",))

    assert [(run.tool, run.state) for run in found.tools] == [
        ("credentials", "passed"),
        ("bandid", "missing"),
        ("bandit", "passed"),
    ]
    assert found.counts() == {}


def test_links_and_what_is_gone_are_no_ground(tmp_path: Path) -> None:
    ground = ground_of(tmp_path, {"a.py": ""})
    (tmp_path / "link.py").symlink_to("a.py")
    (tmp_path / "out.py").symlink_to("/etc/passwd")

    assert Ground.of_files(ground.root, ("a.py", "link.py", "out.py", "gone.py", "../up.py")).files == (
        "a.py",
    )
    assert Ground.of_files(ground.root, ()).files == ()
