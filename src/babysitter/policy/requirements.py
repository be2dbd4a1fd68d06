"""What a rule asks of a scan: at most so many findings of a severity, tests of the security categories.

A scan gives ``{"critical": 0, "high": 1, "securityTests": ["authentication"]}``. What it
does not say does not hold: nobody counted it.
"""

from babysitter.model.rules import Rule
from babysitter.model.values import Json


def findings_hold(rule: Rule, findings: Json) -> bool:
    """Tell whether the findings are within the rule's limits."""
    known = findings if isinstance(findings, dict) else {}
    return all(_count(known.get(severity)) <= most for severity, most in rule.findings.items())


def tests_hold(rule: Rule, findings: Json) -> bool:
    """Tell whether tests of every category that the rule wants were found and passed."""
    return set(rule.security_tests) <= _tested(findings)


def missing_findings(rule: Rule, findings: Json) -> tuple[str, ...]:
    """Return what the rule wants of a scan and does not get, in sentences."""
    known = findings if isinstance(findings, dict) else {}
    told = []
    for severity, most in rule.findings.items():
        count = _count(known.get(severity))
        if count == float("inf"):
            told.append(f"nobody has counted the {severity} findings")
        elif count > most:
            told.append(f"{count:g} {severity} findings are more than {most}")
    untested = [name for name in rule.security_tests if name not in _tested(findings)]
    if untested:
        told.append(f"no tests of {', '.join(untested)}")
    return tuple(told)


def _count(value: Json) -> float:
    return value if type(value) is int and value >= 0 else float("inf")


def _tested(findings: Json) -> set[str]:
    tested = findings.get("securityTests") if isinstance(findings, dict) else None
    return {name for name in tested if isinstance(name, str)} if isinstance(tested, list) else set()
