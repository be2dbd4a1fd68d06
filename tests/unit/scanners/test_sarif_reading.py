"""Any scanner through SARIF: what it found, and whether it says that it looked and came to its end."""

import json
from pathlib import Path
from typing import Any

import pytest

from babysitter.model.findings import Finding, Scan, Span, Suppressed, ToolRun
from babysitter.model.scan_settings import SarifTable, ScanTable
from babysitter.scanners.ground import Ground
from babysitter.scanners.sarif import to_sarif
from babysitter.scanners.sarif_reading import read_sarif
from tests.unit.scanners.grounds import SayingRunner, ground_of, only_run, scan_with, toolbox, tools_folder

FILES = {"src/a.go": "package a\n", "src/b.go": "package b\n", "c.txt": ""}
RULE = {
    "id": "G101",
    "properties": {"tags": ["security", "external/cwe/cwe-089"], "security-severity": "8.1"},
    "helpUri": "https://rules.example/G101",
}


def log(results: Any = (), **run: Any) -> dict[str, Any]:
    """Return a SARIF log of one run."""
    driver = {"name": "gosec", "semanticVersion": "2.1.0", "rules": [RULE]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def result(**more: Any) -> dict[str, Any]:
    """Return a result in ``src/a.go``."""
    place = {"artifactLocation": {"uri": "src/a.go"}, "region": {"startLine": 1, "startColumn": 3}}
    return {
        "ruleId": "G101",
        "message": {"text": "Bad."},
        "locations": [{"physicalLocation": place}],
        **more,
    }


def scan(tmp_path: Path, report: Any, *, status: int = 0, **table: Any) -> Scan:
    """Return what a tool of the settings finds."""
    content = report if isinstance(report, bytes) else json.dumps(report).encode()
    options = {"name": "gosec", "argv": ("gosec", "-fmt=sarif"), "files": ("*.go",), **table}
    settings = ScanTable(sarif=(SarifTable(**options),))
    tools = toolbox(
        SayingRunner(lambda _p: (status, content, b"")), tools_folder(tmp_path, "gosec"), settings
    )
    return scan_with("gosec", ground_of(tmp_path / "w", FILES), tools)


def test_a_result_becomes_a_finding_with_its_place_category_and_severity(tmp_path: Path) -> None:
    found = scan(tmp_path, log([result()]))

    (finding,) = found.findings
    assert (finding.tool, finding.rule, finding.category, finding.severity) == (
        "gosec",
        "G101",
        "sql-injection",
        "high",
    )
    assert (finding.path, finding.span) == ("src/a.go", Span(line=1, column=3))
    assert (only_run(found).state, only_run(found).examined, only_run(found).version) == (
        "passed",
        2,
        "2.1.0",
    )


@pytest.mark.parametrize(
    ("level", "severity"), [("error", "high"), ("warning", "medium"), ("note", "low"), (None, "medium")]
)
def test_without_a_number_the_level_is_the_severity(tmp_path: Path, level: str | None, severity: str) -> None:
    said = {"ruleId": "other", "message": {"text": "Bad."}} | ({"level": level} if level else {})

    (finding,) = scan(tmp_path, log([said])).findings

    assert finding.severity == severity


def test_what_passed_or_was_suppressed_is_no_finding(tmp_path: Path) -> None:
    accepted = [{"kind": "external"}, {"kind": "external", "status": "accepted"}]
    results = [result(kind="pass"), result(suppressions=accepted), result(kind="notApplicable")]

    assert scan(tmp_path, log(results)).findings == ()


@pytest.mark.promise("G15")
@pytest.mark.parametrize(
    "suppressions",
    [
        [{"kind": "inSource"}],
        [{"kind": "external"}, {"kind": "inSource"}],
        [{"kind": "external", "status": "underReview"}],
        [{"kind": "external", "status": "rejected"}],
        [{}],
    ],
)
def test_what_the_code_or_nobody_suppressed_is_a_finding(tmp_path: Path, suppressions: Any) -> None:
    """A comment in the code never suppresses anything, whatever the tool thinks of it."""
    assert len(scan(tmp_path, log([result(suppressions=suppressions)])).findings) == 1


def test_a_number_that_is_none_makes_nothing_low(tmp_path: Path) -> None:
    said = result(properties={"security-severity": "nan"}, level="error")

    (finding,) = scan(tmp_path, log([said])).findings

    assert finding.severity == "high"


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    "results",
    [
        [result(locations=[{"physicalLocation": {"region": {"startLine": "x"}}}])],
        [result(locations=[{"physicalLocation": 5}])],
        [result(message="text")],
        [result(properties={"tags": None})],
        [result(suppressions=["external"])],
    ],
)
def test_a_report_that_is_none_deep_inside_is_a_tool_that_failed(tmp_path: Path, results: Any) -> None:
    found = scan(tmp_path, log([result(), *results]))

    assert only_run(found).state == "failed"
    assert "none of its documented form" in only_run(found).why
    assert found.counts() == {}


def test_artifacts_that_were_looked_at_are_what_was_examined(tmp_path: Path) -> None:
    artifacts = [
        {"location": {"uri": "src/a.go"}, "roles": ["analysisTarget"]},
        {"location": {"uri": "c.txt"}, "roles": ["attachment"]},
    ]

    run = only_run(scan(tmp_path, log(artifacts=artifacts), files=()))

    assert (run.state, run.examined) == ("passed", 1)


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    ("report", "table"),
    [
        (log(), {"files": ()}),
        (log(), {"files": ("*.rs",)}),
        (log(invocations=[{"executionSuccessful": False}]), {}),
        (log(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [
            {"level": "error", "message": {"text": "could not build"}}]}]), {}),
        (log(invocations=[{"executionSuccessful": True, "toolConfigurationNotifications": [
            {"level": "error", "message": {"text": "no such rule"}}]}]), {}),
        ({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": None}]}, {}),
        ({"version": "2.0.0", "runs": [{"tool": {}, "results": []}]}, {}),
        ({"version": "2.1.0", "runs": []}, {}),
        (b"no json", {}),
        (log(), {"file": "also.sarif"}),
        (log(), {"argv": ()}),
    ],
)  # fmt: skip
def test_a_log_that_does_not_say_that_it_looked_is_no_pass(
    tmp_path: Path, report: Any, table: dict[str, Any]
) -> None:
    found = scan(tmp_path, report, **table)

    assert only_run(found).state == "failed"
    assert found.counts() == {}


def test_a_status_that_the_settings_do_not_name_is_no_pass(tmp_path: Path) -> None:
    assert only_run(scan(tmp_path, log(), status=2)).state == "failed"
    assert only_run(scan(tmp_path, log(), status=2, ok_statuses=(2,))).state == "passed"


def test_a_report_that_is_there_already_is_read(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "codeql.sarif").write_text(json.dumps(log([result()])), encoding="utf-8")

    found = scan(tmp_path, b"", argv=(), file="codeql.sarif")

    assert len(found.findings) == 1
    assert only_run(scan(tmp_path, b"", argv=(), file="gone.sarif")).state == "missing"


def test_what_we_write_we_read(tmp_path: Path) -> None:
    finding = Finding(
        tool="a",
        rule="r",
        category="xss",
        severity="critical",
        path="a b.py",
        message="Bad.",
        fingerprint="f",
        span=Span(line=2, column=3, end_line=4, end_column=5),
    )
    ours = to_sarif(Scan(tools=(ToolRun(tool="a", state="passed", examined=1),), findings=(finding,)))

    (seen,) = read_sarif(ours, "a", Ground(tmp_path.resolve())).seen

    assert (seen.rule, seen.category, seen.severity, seen.path, seen.span, seen.message) == (
        finding.rule,
        finding.category,
        finding.severity,
        finding.path,
        finding.span,
        finding.message,
    )


def test_what_did_not_count_stands_in_our_log_with_why() -> None:
    finding = Finding(
        tool="a", rule="r", category="xss", severity="low", path="a", message="m", fingerprint="f"
    )
    whole = Scan(
        tools=(ToolRun(tool="a", state="passed", examined=1),),
        findings=(),
        known=(finding,),
        suppressed=(Suppressed(finding=finding, reason="It is fine.", until="2027-01-01"),),
        baseline_sha256="0" * 64,
    )

    known, suppressed = to_sarif(whole)["runs"][0]["results"]

    assert known["baselineState"] == "unchanged"
    assert suppressed["suppressions"][0]["justification"] == "It is fine. (until 2027-01-01)"
