"""Findings as SARIF 2.1.0, the form that code hosts and other scanners read.

What is known by a baseline is ``unchanged``, what is let through is suppressed with its reason: neither is
left out, so that a reader sees what did not count.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 2020.
"""

from typing import Any
from urllib.parse import quote

from babysitter.model.findings import Finding, Scan, Span, Suppressed, ToolRun

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# The numbers by which code hosts sort; the bands are those of CVSS 3.1, section 5.
_SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}


def to_sarif(scan: Scan) -> dict[str, Any]:
    """Return one SARIF log with a run for each tool; a tool that did not pass says so in its invocation."""
    results = [(found, _standing(scan, is_known=False)) for found in scan.findings]
    results += [(found, _standing(scan, is_known=True)) for found in scan.known]
    results += [(each.finding, _suppression(each)) for each in scan.suppressed]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(run, [each for each in results if each[0].tool == run.tool]) for run in scan.tools],
    }


def _standing(scan: Scan, *, is_known: bool) -> dict[str, Any]:
    if not scan.baseline_sha256:
        return {}
    return {"baselineState": "unchanged" if is_known else "new"}


def _suppression(suppressed: Suppressed) -> dict[str, Any]:
    reason = f"{suppressed.reason} (until {suppressed.until})"
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": reason}]}


def _run(tool: ToolRun, results: list[tuple[Finding, dict[str, Any]]]) -> dict[str, Any]:
    rules = {found.rule: found for found, _ in results}
    driver: dict[str, Any] = {"name": tool.tool, "rules": [_rule(rule) for rule in rules.values()]}
    if tool.version:
        driver["version"] = tool.version
    invocation: dict[str, Any] = {"executionSuccessful": tool.state == "passed"}
    if tool.state != "passed":
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": f"{tool.why} {tool.fix}".strip() or tool.state}}
        ]
    order = list(rules)
    return {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [{**_result(found, order.index(found.rule)), **more} for found, more in results],
    }


def _rule(found: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": found.rule,
        "shortDescription": {"text": f"{found.rule} ({found.category})"},
        "properties": {"security-severity": _SCORE[found.severity], "tags": ["security", found.category]},
    }
    if found.help_uri:
        rule["helpUri"] = found.help_uri
    if found.fix:
        rule["help"] = {"text": found.fix}
    return rule


def _result(found: Finding, rule_index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(found.path)}}
    if found.span is not None:
        place["region"] = _region(found.span)
    return {
        "ruleId": found.rule,
        "ruleIndex": rule_index,
        "level": _LEVEL[found.severity],
        "message": {"text": found.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"babysitter/v1": found.fingerprint},
        "properties": {
            "category": found.category,
            "severity": found.severity,
            **({"also": [f"{same.tool} {same.rule}" for same in found.also]} if found.also else {}),
        },
    }


def _region(span: Span) -> dict[str, Any]:
    named = (("startLine", span.line), ("startColumn", span.column),
             ("endLine", span.end_line), ("endColumn", span.end_column))  # fmt: skip
    return {name: value for name, value in named if value}
