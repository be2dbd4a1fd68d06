"""How bad an advisory is: by its CVSS vector, else by its database's word, else medium, which is said."""

from typing import Any

import cvss

from babysitter.model.rules import Severity
from babysitter.scanners.osv.advisories import Advisory, Affected
from babysitter.scanners.reading import severity_of_score


def severity_of(advisory: Advisory, affected: Affected) -> tuple[Severity, bool]:
    """Return the severity, and whether the advisory gives one."""
    scores = [
        score for entry in (*affected.severity, *advisory.severity) if (score := _score(entry)) is not None
    ]
    if scores:
        return severity_of_score(max(scores)), True
    for said in (affected.ecosystem_specific, affected.database_specific, advisory.database_specific):
        if (known := _word(said)) is not None:
            return known, True
    return "medium", False


def _score(entry: dict[str, str]) -> float | None:
    kind, vector = entry.get("type", ""), entry.get("score", "")
    try:
        if kind == "CVSS_V4":
            return float(cvss.CVSS4(vector).base_score)
        if kind == "CVSS_V3":
            return float(cvss.CVSS3(vector).scores()[0])
    except cvss.CVSSError:
        # A vector that is none says nothing; another one, or the database's word, may.
        return None
    return None


def _word(said: dict[str, Any] | None) -> Severity | None:
    words: dict[str, Severity] = {
        "critical": "critical", "high": "high", "moderate": "medium", "medium": "medium", "low": "low",
    }  # fmt: skip
    return words.get(str((said or {}).get("severity", "")).lower())
