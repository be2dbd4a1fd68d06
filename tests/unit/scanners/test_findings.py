"""One model for what scanners report: a scan that is not whole counts nothing, and SARIF says so too."""

import pytest

from babysitter.model.findings import Finding, Scan, Span, ToolRun, ToolState, fingerprint_of, in_order
from babysitter.model.rules import Severity
from babysitter.scanners.sarif import to_sarif


def found(rule: str, severity: Severity, *, line: int = 1, path: str = "a b.py") -> Finding:
    """Return one finding of ``lint``."""
    return Finding(
        tool="lint",
        rule=rule,
        category="sql-injection",
        severity=severity,
        path=path,
        message="A query is put together from text.",
        fingerprint=fingerprint_of("lint", rule, path, f"line {line}"),
        span=Span(line=line, column=3),
    )


def scan(*findings: Finding, state: ToolState = "passed", examined: int = 2) -> Scan:
    """Return a scan by one tool."""
    run = ToolRun(tool="lint", state=state, version="1.2", examined=examined, why="It is not there.")
    return Scan(tools=(run,), findings=findings)


def test_a_whole_scan_counts_each_severity_those_without_findings_too() -> None:
    whole = scan(found("a", "high"), found("b", "high"), found("c", "low"))

    assert whole.counts() == {"critical": 0, "high": 2, "medium": 0, "low": 1}


@pytest.mark.parametrize("state", ["missing", "offline", "failed"])
def test_a_scan_whose_tool_did_not_pass_counts_nothing_not_even_zero(state: ToolState) -> None:
    assert scan(state=state).counts() == {}


def test_a_tool_that_examined_nothing_is_no_all_clear() -> None:
    assert not scan(examined=0).complete


def test_a_scan_by_no_tool_is_no_all_clear() -> None:
    assert not Scan(tools=(), findings=()).complete


def test_findings_stand_once_each_the_worst_first() -> None:
    low, worst = found("b", "low"), found("a", "critical", line=9)

    assert in_order([low, worst, low]) == (worst, low)


def test_a_fingerprint_stays_when_the_white_space_changes() -> None:
    assert fingerprint_of("t", "r", "p", "a  = 1") == fingerprint_of("t", "r", "p", "a =\n1")


def test_sarif_names_the_place_the_rule_and_the_level() -> None:
    log = to_sarif(scan(found("a", "medium", line=7)))

    (run,) = log["runs"]
    (result,) = run["results"]
    assert result["level"] == "warning"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.py"},
        "region": {"startLine": 7, "startColumn": 3},
    }
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "a"


def test_sarif_says_of_a_tool_that_failed_that_it_did() -> None:
    log = to_sarif(scan(state="failed"))

    (run,) = log["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "It is not there." in invocation["toolExecutionNotifications"][0]["message"]["text"]
