"""What a question hands to the rules, made of scans and reports of security tests."""

from collections.abc import Iterable, Mapping
from typing import Any

from babysitter.model.findings import Scan
from babysitter.model.security_tests import SecurityReport

Findings = Mapping[str, Any] | Scan | SecurityReport
"""What ``findings=`` takes one of, or several."""


def told_to_rules(findings: Findings | Iterable[Findings] | None) -> Mapping[str, Any] | None:
    """Return the counts of a scan, the categories of a report, what is said by hand, or several together."""
    if findings is None or isinstance(findings, Mapping):
        return findings
    if isinstance(findings, Scan):
        return findings.counts()
    if isinstance(findings, SecurityReport):
        return findings.findings()
    told: dict[str, Any] = {}
    for each in findings:
        told |= told_to_rules(each) or {}
    return told
