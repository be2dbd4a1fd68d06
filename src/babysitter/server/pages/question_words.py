"""How a question's page says things: its history in sentences, findings by class, sizes, what is granted."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from babysitter.changes.visible import visible
from babysitter.model.changes import ChangesScan
from babysitter.model.findings import SEVERITIES, Finding
from babysitter.model.security_tests import REPORT
from babysitter.model.values import Json
from babysitter.service.views import EventView

CLASSES = (
    ("credential", "Credentials"),
    ("sql-injection", "SQL injection"),
    ("xss", "Cross-site scripting"),
    ("dependency", "Vulnerable dependencies"),
)
"""The security guide's four classes; everything else stands behind them."""
GRANTS: Mapping[str, str] = {
    "devices": "devices",
    "env": "environment variables",
    "network": "network",
    "read": "may read",
    "write": "may write",
}
_TONE = {"critical": "bad", "high": "bad", "medium": "warn", "low": ""}
_DONE = {"approve": "approved", "reject": "rejected", "defer": "deferred"}
_METHODS = {
    "ssh": "signed with an SSH key",
    "passkey": "signed with a passkey",
    "token": "unsigned, signed in",
    "local": "unsigned, at the terminal of the run",
    "rule": "by a rule of the settings",
}
_PLAIN = {
    "BREAKPOINT_REQUESTED": ("asked", "", ""),
    "BREAKPOINT_INFO_REQUESTED": ("asked for more", "question", "warn"),
    "BREAKPOINT_INFO_GIVEN": ("replied", "answer", ""),
    "BREAKPOINT_RELEASED": ("approved: the run goes on", "", "good"),
    "BREAKPOINT_REJECTED": ("rejected: the run is told no", "", "bad"),
    "BREAKPOINT_EXPIRED": ("expired: nobody answered in time, which means no", "", "bad"),
    "BREAKPOINT_LAPSED": ("the approval lapsed", "reason", "bad"),
}
"""By the type of a line: what is said, where its words are, and the tone."""
_STATES = {
    "open": ("waiting", "warn"),
    "released": ("approved", "good"),
    "approved": ("approved", "good"),
    "rejected": ("rejected", "bad"),
    "expired": ("expired", "bad"),
    "lapsed": ("lapsed", "bad"),
    "cancelled": ("cancelled", ""),
}


_LOOK_FOR: Mapping[str, frozenset[str]] = {
    "credential": frozenset({"credentials"}),
    "sql-injection": frozenset({"bandit", "ruff", "semgrep", "njsscan", "snyk"}),
    "xss": frozenset({"bandit", "ruff", "semgrep", "njsscan", "eslint", "snyk"}),
    "dependency": frozenset({"osv", "osv-scanner", "pip-audit", "npm-audit", "snyk"}),
}
"""Which tools look for a class at all; of one that no such tool looked for, nothing is known."""


class FindingsOfClass(NamedTuple):
    """A class of findings by its heading; ``found``: the worst first. ``looked``: some tool looked for it."""

    heading: str
    found: tuple[Finding, ...]
    looked: bool


class Told(NamedTuple):
    """A line of the history. ``tone``: good, bad, warn or empty; ``text``: what they wrote."""

    at: str
    who: str
    did: str
    text: str = ""
    tone: str = ""
    how: str = ""


def by_class(scan: ChangesScan) -> list[FindingsOfClass]:
    """Return findings on changed lines by the guide's classes, all four, and whatever else there is."""
    ran = {run.tool for run in scan.tools if run.state == "passed" and run.examined > 0}
    known = [name for name, _ in CLASSES]
    groups = [
        FindingsOfClass(
            heading,
            tuple(each for each in scan.on_changed if each.category == name),
            bool(ran & _LOOK_FOR[name]),
        )
        for name, heading in CLASSES
    ]
    others = tuple(each for each in scan.on_changed if each.category not in known)
    return [*groups, FindingsOfClass("Other weaknesses", others, looked=True)] if others else groups


def tone(severity: str) -> str:
    """Return how loudly a severity is said."""
    return _TONE.get(severity, "")


def counts(findings: Json) -> list[tuple[str, int]]:
    """Return how many findings of each severity the rules count; empty: no scan was made for them."""
    if not isinstance(findings, dict):
        return []
    return [(name, findings[name]) for name in SEVERITIES if isinstance(findings.get(name), int)]


def security_tests(findings: Json) -> list[str]:
    """Return the lines of a report of security tests."""
    told = findings.get(REPORT) if isinstance(findings, dict) else None
    return [visible(line) for line in told if isinstance(line, str)] if isinstance(told, list) else []


def other_findings(findings: Json) -> Json:
    """Return what ``findings`` holds besides counts and the report of tests; None: nothing."""
    if not isinstance(findings, dict):
        return findings
    return {key: value for key, value in findings.items() if key not in (REPORT, *SEVERITIES)} or None


def state_of(state: str) -> tuple[str, str]:
    """Return how a question's state is said, and in which tone."""
    return _STATES.get(state, (state, ""))


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.1f} KiB" if count < 1024**2 else f"{count / 1024**2:.1f} MiB"


def history(events: Iterable[EventView]) -> list[Told]:
    """Return what happened to a question, in order."""
    return [told for told in (_told(event) for event in events) if told is not None]


def _told(event: EventView) -> Told | None:
    data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
    if event.type == "BREAKPOINT_RESPONDED":
        return _responded(event.recorded_at, data)
    if event.type == "BREAKPOINT_REASSIGNED":
        did, words, tone = f"passed it on to {', '.join(map(str, data['to']))}", "reason", ""
    elif event.type in _PLAIN:
        did, words, tone = _PLAIN[event.type]
    else:
        return None
    return Told(event.recorded_at, str(data.get("by", "")), did, visible(str(data.get(words, ""))), tone)


def _responded(at: str, data: Mapping[str, Any]) -> Told:
    did = _DONE.get(str(data["decision"]), str(data["decision"]))
    if data.get("breakGlass"):
        did += ", breaking the glass"
    if data.get("onBehalfOf"):
        did += f" in the place of {data['onBehalfOf']}"
    tones = {"approve": "good", "reject": "bad"}
    return Told(
        at,
        str(data["approver"]),
        did,
        visible(str(data.get("comment", ""))),
        tones.get(str(data["decision"]), ""),
        _METHODS.get(str(data["method"]), str(data["method"])),
    )
