"""Whatever a tool writes becomes a report that says what was examined, or a state that is not passed.

Here the programs are fakes that say what tools say: as documented, for what can't be installed here, and as
no tool should. The true tools run in tests/integration/scanners.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from babysitter.model.runner import Program
from babysitter.model.scan_settings import SarifTable, ScanTable
from tests.unit.scanners.grounds import (
    NETWORK,
    Said,
    SayingRunner,
    ground_of,
    only_run,
    scan_with,
    toolbox,
    tools_folder,
)

PROGRAMS = "bandit eslint njsscan npm node osv-scanner pip-audit ruff semgrep sh snyk zizmor gosec".split()
FILES = {
    "a.py": "import pickle\n",
    "b.js": "eval(x)\n",
    "requirements.txt": "left==1.0\n",
    "package.json": "{}",
    "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
    ".github/workflows/ci.yml": "on: push\n",
}
SARIF = ScanTable(sarif=(SarifTable(name="gosec", argv=("gosec", "-fmt=sarif"), files=("*.py",)),))
SCANNERS = "bandit eslint njsscan npm-audit osv-scanner pip-audit ruff semgrep snyk zizmor gosec".split()


def said(status: int, stdout: bytes | str, stderr: bytes = b"") -> Said:
    """Return what a program says."""
    return status, stdout.encode() if isinstance(stdout, str) else stdout, stderr


def runner_that(status: int, stdout: Any, stderr: bytes = b"", version: str = "tool 1.2.3") -> SayingRunner:
    """Return a runner whose programs tell their version, and say this otherwise."""
    text = stdout if isinstance(stdout, str | bytes) else json.dumps(stdout)

    def says(program: Program) -> Said:
        return said(0, version) if "--version" in program.argv else said(status, text, stderr)

    return SayingRunner(says)


NO_REPORTS = [
    (0, ""),
    (0, "No known vulnerabilities found"),
    (0, "{}"),
    (0, "[]"),
    (0, "null"),
    (0, '{"results": [], "errors": []}'),
    (0, '{"version": "2.1.0", "runs": []}'),
    (1, ""),
    (1, '{"error": "no"}'),
    (2, "[]"),
    (127, ""),
    (0, '[{"nobody": 1}]'),
    (0, '{"ok": true}'),
    (0, b"\xff\xfe"),
]


@pytest.mark.promise("G17")
@pytest.mark.parametrize("name", SCANNERS)
@pytest.mark.parametrize(("status", "stdout"), NO_REPORTS)
def test_what_is_no_report_is_never_a_pass(tmp_path: Path, name: str, status: int, stdout: str) -> None:
    """``pip-audit`` and ``snyk`` say nothing wrong with status 0 when they could not look."""
    tools = toolbox(runner_that(status, stdout), tools_folder(tmp_path, *PROGRAMS), SARIF, NETWORK)

    scan = scan_with(name, ground_of(tmp_path / "w", FILES), tools)

    assert only_run(scan).state in ("failed", "offline")
    assert only_run(scan).why
    assert only_run(scan).fix
    assert scan.counts() == {}


@pytest.mark.promise("G17")
@pytest.mark.parametrize("name", SCANNERS)
def test_a_tool_that_is_missing_is_no_all_clear_and_says_how_to_get_it(tmp_path: Path, name: str) -> None:
    tools = toolbox(runner_that(0, "[]"), tools_folder(tmp_path), SARIF, NETWORK)

    scan = scan_with(name, ground_of(tmp_path / "w", FILES), tools)

    assert only_run(scan).state == "missing"
    assert only_run(scan).fix
    assert scan.counts() == {}


@pytest.mark.promise("G17")
@pytest.mark.parametrize("name", [n for n in SCANNERS if n != "gosec"])
def test_a_tool_with_nothing_to_look_at_has_not_passed(tmp_path: Path, name: str) -> None:
    tools = toolbox(runner_that(0, "[]"), tools_folder(tmp_path, *PROGRAMS), SARIF, NETWORK)

    scan = scan_with(name, ground_of(tmp_path / "w", {"notes.txt": "nothing"}), tools)

    assert only_run(scan).state == "failed"
    assert "examined nothing" in only_run(scan).why


@pytest.mark.parametrize("name", ["npm-audit", "osv-scanner", "pip-audit", "snyk"])
def test_a_tool_that_asks_a_service_is_not_started_without_a_network(tmp_path: Path, name: str) -> None:
    runner = runner_that(0, "[]")

    scan = scan_with(
        name, ground_of(tmp_path / "w", FILES), toolbox(runner, tools_folder(tmp_path, *PROGRAMS))
    )

    assert only_run(scan).state == "offline"
    assert "--network" in only_run(scan).fix
    assert runner.programs == []


def osv_report(*vulnerabilities: dict[str, Any], score: str = "9.8") -> dict[str, Any]:
    """Return a report of osv-scanner 2, as it is documented."""
    ids = [each["id"] for each in vulnerabilities]
    return {
        "results": [
            {
                "source": {"path": "requirements.txt", "type": "lockfile"},
                "packages": [
                    {
                        "package": {"name": "left", "version": "1.0", "ecosystem": "PyPI"},
                        "vulnerabilities": list(vulnerabilities),
                        "groups": [{"ids": ids, "aliases": ids, "max_severity": score}] if ids else [],
                    },
                    {"package": {"name": "right", "version": "2.0", "ecosystem": "PyPI"}},
                ],
            }
        ]
    }


def osv_scan(tmp_path: Path, status: int, report: Any, stderr: bytes = b"") -> Any:
    """Return what osv-scanner finds in one lock file."""
    tools = toolbox(
        runner_that(status, report, stderr, version="osv-scanner version: 2.3.3"),
        tools_folder(tmp_path, "osv-scanner"),
        sandbox=NETWORK,
    )
    return scan_with("osv-scanner", ground_of(tmp_path / "w", {"requirements.txt": "left==1.0\n"}), tools)


def test_osv_scanner_counts_each_package_that_it_names(tmp_path: Path) -> None:
    scan = osv_scan(tmp_path, 0, osv_report())

    assert (only_run(scan).state, only_run(scan).examined, only_run(scan).unit) == ("passed", 2, "packages")
    assert only_run(scan).version == "2.3.3"


def test_osv_scanner_tells_an_advisory_with_its_severity(tmp_path: Path) -> None:
    scan = osv_scan(tmp_path, 1, osv_report({"id": "GHSA-x", "aliases": ["CVE-1"], "summary": "Bad."}))

    (found,) = scan.findings
    assert (found.rule, found.severity, found.category, found.path) == (
        "GHSA-x",
        "critical",
        "dependency",
        "requirements.txt",
    )


def test_an_advisory_without_a_severity_is_medium_and_says_so(tmp_path: Path) -> None:
    scan = osv_scan(tmp_path, 1, osv_report({"id": "GHSA-x"}, score=""))

    (found,) = scan.findings
    assert found.severity == "medium"
    assert "no severity given" in found.message


@pytest.mark.parametrize(
    ("status", "stderr", "state"),
    [
        (128, b"No package sources found", "failed"),
        (127, b"dial tcp: lookup api.osv.dev: no such host", "offline"),
    ],
)
def test_osv_scanner_that_found_no_packages_or_no_service_has_not_passed(
    tmp_path: Path, status: int, stderr: bytes, state: str
) -> None:
    assert only_run(osv_scan(tmp_path, status, "", stderr)).state == state


def test_a_lock_file_in_which_osv_scanner_saw_no_package_is_named(tmp_path: Path) -> None:
    report = osv_report()
    report["results"][0]["source"]["path"] = "other.lock"

    run = only_run(osv_scan(tmp_path, 0, report))

    assert run.state == "failed"
    assert "requirements.txt" in run.why


def snyk_scan(tmp_path: Path, status: int, report: Any) -> Any:
    """Return what snyk finds in one lock file."""
    tools = toolbox(runner_that(status, report), tools_folder(tmp_path, "snyk", "node"), sandbox=NETWORK)
    return scan_with("snyk", ground_of(tmp_path / "w", {"package-lock.json": "{}"}), tools)


def test_snyk_says_how_many_dependencies_it_tested(tmp_path: Path) -> None:
    scan = snyk_scan(tmp_path, 0, {"ok": True, "vulnerabilities": [], "dependencyCount": 7})

    assert (only_run(scan).state, only_run(scan).examined) == ("passed", 7)


def test_snyk_tells_what_it_found(tmp_path: Path) -> None:
    found = {
        "id": "SNYK-JS-LEFT-1",
        "title": "Prototype Pollution",
        "severity": "high",
        "packageName": "left",
        "version": "1.0.0",
        "fixedIn": ["1.0.1"],
        "identifiers": {"CVE": ["CVE-1"], "CWE": ["CWE-1321"]},
    }

    scan = snyk_scan(tmp_path, 1, {"ok": False, "vulnerabilities": [found], "dependencyCount": 7})

    (finding,) = scan.findings
    assert (finding.rule, finding.severity, finding.category) == ("SNYK-JS-LEFT-1", "high", "dependency")
    assert finding.fix == "Take left 1.0.1."


def test_snyk_without_a_token_has_not_passed(tmp_path: Path) -> None:
    scan = snyk_scan(tmp_path, 2, {"ok": False, "error": "Authentication failed.", "path": "/w"})

    assert only_run(scan).state == "failed"
    assert "Authentication failed" in only_run(scan).why


def npm_report(total: int, via: list[Any]) -> dict[str, Any]:
    """Return a report of npm audit, version 2."""
    return {
        "auditReportVersion": 2,
        "vulnerabilities": {"left": {"name": "left", "severity": "high", "via": via, "fixAvailable": True}},
        "metadata": {"vulnerabilities": {"high": 1}, "dependencies": {"prod": total, "total": total}},
    }


def npm_scan(tmp_path: Path, status: int, report: Any) -> Any:
    """Return what npm audit finds."""
    tools = toolbox(runner_that(status, report), tools_folder(tmp_path, "npm", "node", "sh"), sandbox=NETWORK)
    return scan_with("npm-audit", ground_of(tmp_path / "w", {"package-lock.json": "{}"}), tools)


def test_npm_audit_tells_each_advisory_once_however_far_it_reaches(tmp_path: Path) -> None:
    advisory = {
        "source": 1,
        "name": "left",
        "dependency": "left",
        "title": "Bad.",
        "url": "https://github.example/advisories/GHSA-y",
        "severity": "moderate",
        "range": "<2.0.0",
    }
    report = npm_report(3, [advisory])
    report["vulnerabilities"]["up"] = {
        "name": "up",
        "severity": "high",
        "via": ["left"],
        "fixAvailable": False,
    }

    scan = npm_scan(tmp_path, 1, report)

    (found,) = scan.findings
    assert (found.rule, found.severity, only_run(scan).examined) == ("GHSA-y", "medium", 3)


def test_npm_audit_of_a_lock_without_packages_is_no_all_clear(tmp_path: Path) -> None:
    assert only_run(npm_scan(tmp_path, 0, npm_report(0, []))).state == "failed"


@pytest.mark.parametrize(
    "report",
    [
        {"message": "request to https://r.example/ failed, reason: getaddrinfo EAI_AGAIN", "error": {}},
        {"message": "404 Not Found - POST https://r.example/-/npm/v1/security", "statusCode": 404},
    ],
)
def test_a_registry_that_is_away_or_has_no_audit_endpoint_is_offline(tmp_path: Path, report: Any) -> None:
    assert only_run(npm_scan(tmp_path, 1, report)).state == "offline"


def pip_audit_scan(tmp_path: Path, status: int, report: Any, stderr: bytes = b"") -> Any:
    """Return what pip-audit finds."""
    tools = toolbox(runner_that(status, report, stderr), tools_folder(tmp_path, "pip-audit"), sandbox=NETWORK)
    return scan_with("pip-audit", ground_of(tmp_path / "w", {"requirements.txt": "left==1.0\n"}), tools)


@pytest.mark.promise("G17")
def test_a_package_that_pip_audit_skipped_was_not_audited(tmp_path: Path) -> None:
    """This is its answer to a 404 of its service, under "No known vulnerabilities found" and status 0."""
    skipped = {
        "name": "left",
        "skip_reason": "Dependency not found on PyPI and could not be audited: left (1.0)",
    }

    run = only_run(
        pip_audit_scan(tmp_path, 0, {"dependencies": [skipped]}, b"No known vulnerabilities found")
    )

    assert (run.state, run.examined) == ("failed", 0)
    assert "skipped left" in run.why


def test_pip_audit_tells_an_advisory_with_its_fix(tmp_path: Path) -> None:
    vuln = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": ["CVE-1"], "description": "Bad.\nMore."}
    report = {"dependencies": [{"name": "left", "version": "1.0", "vulns": [vuln]}], "fixes": []}

    scan = pip_audit_scan(tmp_path, 1, report)

    (found,) = scan.findings
    assert (found.rule, found.fix) == ("PYSEC-1", "Take left 2.0.")
    assert only_run(scan).state == "passed"


@pytest.mark.parametrize(
    ("name", "options"),
    [("snyk", ["--ignore-policy"]), ("osv-scanner", ["--config"]), ("ruff", ["--isolated"])],
)
def test_settings_of_the_workspace_are_overruled(tmp_path: Path, name: str, options: list[str]) -> None:
    """What the true tools do with theirs is looked at in tests/integration/scanners/test_tools.py."""
    runner = runner_that(0, "[]")

    scan_with(
        name,
        ground_of(tmp_path / "w", FILES),
        toolbox(runner, tools_folder(tmp_path, *PROGRAMS), sandbox=NETWORK),
    )

    assert all(option in runner.programs[-1].argv for option in options)


def semgrep_scan(tmp_path: Path, status: int, **parts: Any) -> Any:
    """Return what semgrep finds in one file."""
    report = {"version": "1.172.0", "results": [], "errors": [], "paths": {"scanned": ["a.py"]}, **parts}
    tools = toolbox(runner_that(status, report), tools_folder(tmp_path, "semgrep"))
    return scan_with("semgrep", ground_of(tmp_path / "w", {"a.py": "x = 1\n"}), tools)


def test_semgrep_that_scanned_all_it_was_given_has_passed(tmp_path: Path) -> None:
    assert only_run(semgrep_scan(tmp_path, 0)).state == "passed"


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (0, {"paths": {"scanned": []}}),
        (0, {"paths": {"scanned": ["other.py"]}}),
        (0, {"errors": [{"level": "warn", "message": "Syntax error", "path": "a.py"}]}),
        (0, {"errors": [{"level": "error", "message": "Rule parse error", "rule_id": "x"}]}),
        (7, {"errors": [{"level": "error", "message": "Invalid YAML file own.yaml"}]}),
        (2, {}),
    ],
)
def test_semgrep_that_left_out_a_file_a_rule_or_a_part_has_not_passed(
    tmp_path: Path, status: int, parts: dict[str, Any]
) -> None:
    assert only_run(semgrep_scan(tmp_path, status, **parts)).state == "failed"
