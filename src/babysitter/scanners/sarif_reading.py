"""SARIF 2.1.0 as other tools write it: findings, what was looked at, how the tool ended.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 2020: 3.14 (runs), 3.20
(invocations), 3.24 (artifacts), 3.27 (results), 3.49 (rules).
"""

import math
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from babysitter.model.findings import Span
from babysitter.model.rules import Severity
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Seen
from babysitter.scanners.reading import failed, report_of, severity_of_score
from babysitter.scanners.weaknesses import category_named, category_of_cwe

_LEVEL: dict[str, Severity] = {"error": "high", "warning": "medium", "note": "low", "none": "low"}
_NO_FINDINGS = frozenset({"pass", "notApplicable"})


class _Run(msgspec.Struct):
    tool: dict[str, Any]
    results: list[dict[str, Any]] | None = None
    artifacts: list[dict[str, Any]] = []
    invocations: list[dict[str, Any]] = []


class _Log(msgspec.Struct):
    version: str
    runs: list[_Run]


class SarifRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a SARIF log says.

    artifacts: how many files it lists as looked at. trouble: why it did not come to its end, if it says so.
    """

    version: str
    artifacts: int
    seen: tuple[Seen, ...]
    trouble: str = ""


def read_sarif(report: object, tool: str, ground: Ground) -> SarifRead:
    """Return what the log says.

    Raises:
        ScannerError: it is no SARIF 2.1.0, or holds no run.
    """
    log: _Log = report_of(tool, report, _Log)
    if log.version != "2.1.0" or not log.runs:
        raise failed(tool, f"wrote SARIF {log.version!r} with {len(log.runs)} runs, not 2.1.0 with any")
    troubles = [trouble for run in log.runs if (trouble := _trouble(run))]
    driver = log.runs[0].tool.get("driver", {})
    return SarifRead(
        version=str(driver.get("semanticVersion") or driver.get("version") or ""),
        artifacts=sum(_looked_at(artifact) for run in log.runs for artifact in run.artifacts),
        seen=tuple(
            _seen(result, run, ground)
            for run in log.runs
            for result in run.results or ()
            if result.get("kind") not in _NO_FINDINGS and not _is_suppressed(result)
        ),
        trouble=" ".join(troubles),
    )


def _is_suppressed(result: dict[str, Any]) -> bool:
    """Tell whether somebody decided outside of the code that it does not count.

    A comment in the code suppresses nothing, whatever the tool thinks of it; a decision that is open or was
    refused is none (SARIF 3.27.23).
    """
    said = result.get("suppressions") or []
    return bool(said) and all(
        each.get("kind") == "external" and each.get("status", "accepted") == "accepted" for each in said
    )


def _trouble(run: _Run) -> str:
    if run.results is None:
        return "It lists no results, not even none."
    for invocation in run.invocations:
        notes = [
            *invocation.get("toolExecutionNotifications", []),
            *invocation.get("toolConfigurationNotifications", []),
        ]
        errors = [_text(note.get("message", {})) for note in notes if note.get("level") == "error"]
        if invocation.get("executionSuccessful") is False or errors:
            return " ".join(errors) or "The execution was not successful."
    return ""


def _looked_at(artifact: dict[str, Any]) -> bool:
    roles = artifact.get("roles")
    return "analysisTarget" in roles if roles else "location" in artifact


def _seen(result: dict[str, Any], run: _Run, ground: Ground) -> Seen:
    rule = _rule_of(result, run)
    properties = {**rule.get("properties", {}), **result.get("properties", {})}
    place = _first(result.get("locations")).get("physicalLocation", {})
    tags = [str(tag) for tag in properties.get("tags", ())]
    name = str(result.get("ruleId") or rule.get("id") or "unnamed")
    cwe = properties.get("cwe") or [tag for tag in tags if "cwe" in tag.lower()]
    return Seen(
        rule=name,
        category=category_named(properties.get("category")) or category_of_cwe(cwe),
        severity=_severity(result, rule, properties),
        path=_path(place.get("artifactLocation", {}), run, ground),
        message=_text(result.get("message", {})) or _text(rule.get("shortDescription", {})) or name,
        span=_span(place.get("region", {})),
        fix=_text(rule.get("help", {}))[:500],
        help_uri=str(rule.get("helpUri", "")),
    )


def _rule_of(result: dict[str, Any], run: _Run) -> dict[str, Any]:
    rules: list[dict[str, Any]] = run.tool.get("driver", {}).get("rules", [])
    index = result.get("ruleIndex", -1)
    if isinstance(index, int) and 0 <= index < len(rules):
        return rules[index]
    return next((rule for rule in rules if rule.get("id") == result.get("ruleId")), {})


def _severity(result: dict[str, Any], rule: dict[str, Any], properties: dict[str, Any]) -> Severity:
    """Return the severity: by CVSS-like number, as code hosts read it, else by level."""
    try:
        score = float(properties["security-severity"])
    except (KeyError, TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        level = result.get("level") or rule.get("defaultConfiguration", {}).get("level") or "warning"
        return _LEVEL.get(str(level), "medium")
    return severity_of_score(score)


def _path(location: dict[str, Any], run: _Run, ground: Ground) -> str:
    index = location.get("index", -1)
    if "uri" not in location and isinstance(index, int) and 0 <= index < len(run.artifacts):
        location = run.artifacts[index].get("location", {})
    uri = str(location.get("uri", ""))
    parts = urlsplit(uri)
    path = unquote(parts.path if parts.scheme == "file" else uri)
    return ground.relative(path) if path else "<unknown>"


def _span(region: dict[str, Any]) -> Span | None:
    line, column, end_line, end_column = (
        max(0, int(region.get(name, 0))) for name in ("startLine", "startColumn", "endLine", "endColumn")
    )
    return Span(line=line, column=column, end_line=end_line, end_column=end_column) if line else None


def _first(items: list[dict[str, Any]] | None) -> dict[str, Any]:
    return items[0] if items else {}


def _text(message: dict[str, Any]) -> str:
    return str(message.get("text") or message.get("markdown") or "")
