"""``osv``: lock files against a database on disk, each weakness once, and nothing that could not be told."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from babysitter.model.findings import Scan
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.osv.advisories import read_database
from babysitter.scanners.osv.matching import match_packages
from babysitter.scanners.osv.packages import Package
from tests.unit.scanners.grounds import (
    SayingRunner,
    ground_of,
    only_run,
    scan_with,
    toolbox,
    tools_folder,
)

DATABASE = Path(__file__).parent / "database"
GOOD = "fine-package==1.0\nmade-up-parser==1.4.2\ninvented-sessions==1.0\n"
BAD = "Made.Up_Parser==1.4.1\ninvented-sessions==1.0.post1\n"


def scan(tmp_path: Path, files: dict[str, str], database: Path = DATABASE) -> Scan:
    """Return what the database has about these files."""
    tools = toolbox(
        SayingRunner(lambda _p: (70, b"", b"nothing is started")),
        tools_folder(tmp_path),
        ScanTable(osv=str(database)),
    )
    return scan_with("osv", ground_of(tmp_path / "w", files), tools)


@pytest.mark.promise("G15")
def test_packages_without_an_advisory_are_a_pass_that_counts_them(tmp_path: Path) -> None:
    found = scan(tmp_path, {"requirements.txt": GOOD})

    run = only_run(found)
    assert (run.state, run.examined, run.unit, run.version) == ("passed", 3, "packages", "2026-11-02")
    assert found.counts() == {"critical": 0, "high": 0, "medium": 0, "low": 0}


@pytest.mark.promise("G15")
def test_an_insecure_dependency_is_found_once_under_all_its_names(tmp_path: Path) -> None:
    """Two databases tell of CVE-2026-90001; the one with a severity says more."""
    found = scan(tmp_path, {"requirements.txt": BAD})

    assert [(f.rule, f.severity, f.fix) for f in found.findings] == [
        ("MADE-2026-0001", "critical", "Take Made.Up_Parser 1.4.2 or 2.1."),
        ("MADE-2026-0003", "medium", ""),
    ]
    assert "no severity given" in found.findings[1].message


def test_two_advisories_that_share_a_name_are_one_match() -> None:
    package = Package(ecosystem="PyPI", name="made-up-parser", version="1.0")

    (match,) = match_packages([package], read_database(DATABASE)).matches

    assert match.names == {"MADE-2026-0001", "MADE-2026-0002", "CVE-2026-90001"}
    assert match.advisory.id == "MADE-2026-0001"


def test_packages_of_npm_are_held_against_theirs(tmp_path: Path) -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "node_modules/@made-up/left-over": {"version": "1.9.3"},
            "node_modules/slow-words": {"version": "2.4.0"},
            "node_modules/fine-package": {"version": "1.0.0"},
        },
    }

    found = scan(tmp_path, {"web/package-lock.json": json.dumps(lock)})

    assert [(f.rule, f.severity, f.path) for f in found.findings] == [
        ("MADE-2026-0005", "high", "web/package-lock.json"),
        ("MADE-2026-0006", "low", "web/package-lock.json"),
    ]


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements.txt": ""},
        {"requirements.txt": "fine-package\n"},
        {"requirements.txt": GOOD, "uv.lock": "{"},
        {"requirements.txt": GOOD, "package-lock.json": '{"lockfileVersion": 3, "packages": {}}'},
        {"requirements.txt": "made-up-parser==odd-version\n"},
    ],
)
def test_a_lock_file_that_can_t_be_read_or_holds_nothing_is_no_pass(
    tmp_path: Path, files: dict[str, str]
) -> None:
    found = scan(tmp_path, files)

    assert only_run(found).state == "failed"
    assert found.counts() == {}


def test_without_a_database_nothing_was_scanned(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    for place in (Path(), empty, tmp_path / "no-such"):
        found = scan(tmp_path, {"requirements.txt": GOOD}, place)
        assert only_run(found).state in ("missing", "failed")
        assert found.counts() == {}


def test_an_advisory_that_can_t_be_read_is_named(tmp_path: Path) -> None:
    database = tmp_path / "database"
    shutil.copytree(DATABASE, database)
    (database / "PyPI" / "torn.json").write_text('{"id": "MADE', encoding="utf-8")

    run = only_run(scan(tmp_path, {"requirements.txt": GOOD}, database))

    assert run.state == "failed"
    assert "PyPI/torn.json" in run.why


def test_a_zip_file_holds_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "exported" / "PyPI"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for file in (DATABASE / "PyPI").glob("*.json"):
            archive.write(file, file.name)

    zipped, plain = read_database(folder.parent), read_database(DATABASE / "PyPI")

    package = Package(ecosystem="PyPI", name="made-up-parser", version="1.0")
    assert zipped.count == plain.count == 4
    assert zipped.about("PyPI", package.name) == plain.about("PyPI", package.name)
    assert read_database(folder / "all.zip").count == 4


def test_an_ecosystem_whose_versions_we_can_t_compare_is_told() -> None:
    matched = match_packages(
        [Package(ecosystem="crates.io", name="left", version="1.0.0")], read_database(DATABASE)
    )

    assert (matched.compared, len(matched.problems)) == (0, 1)


@pytest.mark.parametrize(
    ("entry", "severity", "given"),
    [
        (
            {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]},
            "low",
            True,
        ),
        ({"severity": [{"type": "CVSS_V3", "score": "broken"}]}, "medium", False),
        ({"database_specific": {"severity": "MODERATE"}}, "medium", True),
        ({"database_specific": {"severity": "CRITICAL"}}, "critical", True),
        ({}, "medium", False),
    ],
)
def test_a_severity_comes_from_a_vector_else_a_word_else_is_said_to_be_unknown(
    tmp_path: Path, entry: dict[str, Any], severity: str, given: bool
) -> None:
    affected = {"package": {"ecosystem": "PyPI", "name": "left"}, "versions": ["1.0"]}
    advisory = {"id": "MADE-1", "modified": "2026-01-01T00:00:00Z", "affected": [affected], **entry}
    (tmp_path / "one.json").write_text(json.dumps(advisory), encoding="utf-8")

    matched = match_packages([Package(ecosystem="PyPI", name="left", version="1.0")], read_database(tmp_path))

    (match,) = matched.matches
    assert (match.severity, match.has_severity) == (severity, given)
