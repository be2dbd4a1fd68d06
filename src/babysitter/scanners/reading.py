"""Reading reports of tools: JSON that is what it should be, or a tool that failed."""

from collections.abc import Iterable
from typing import Any

import msgspec

from babysitter.model.findings import SEVERITIES
from babysitter.model.rules import Severity
from babysitter.model.runner import Called
from babysitter.scanners.toolbox import ScannerError

_TOLD_CHARS_MAX = 400
_NAMED_MAX = 5


def json_of(tool: str, called: Called, *, statuses: tuple[int, ...]) -> Any:  # noqa: ANN401 (each tool has its own)
    """Return the JSON that a tool wrote.

    Raises:
        ScannerError: it left with another status, or wrote no JSON.
    """
    try:
        report = msgspec.json.decode(called.stdout)
    except msgspec.DecodeError as error:
        what = "wrote no report" if not called.stdout.strip() else f"wrote no JSON: {error}"
        raise failed(tool, f"{what} (exit status {called.status})", told(called)) from None
    if called.status not in statuses:
        raise failed(tool, f"left with exit status {called.status}", told(called) or str(report))
    return report


def report_of(tool: str, report: object, kind: type[Any]) -> Any:  # noqa: ANN401 (of that kind)
    """Return a report as what it should be.

    Raises:
        ScannerError: it is not; the tool is of a version whose reports we do not know.
    """
    try:
        return msgspec.convert(report, kind, strict=False)
    except msgspec.ValidationError as error:
        raise failed(
            tool, f"wrote a report that is none of its documented form: {error}", "See the tested versions."
        ) from None


def failed(tool: str, what: str, said: str = "") -> ScannerError:
    """Return the error of a tool that ran and gave no report that counts."""
    said = " ".join(said.split())[:_TOLD_CHARS_MAX]
    return ScannerError(
        "failed",
        f"{tool} {what}{': ' + said if said else ''}.".replace("..", "."),
        "docs/reference/scanners.md has the version that is tested and what it needs.",
    )


def told(called: Called) -> str:
    """Return the end of what a tool wrote for people."""
    return called.stderr.decode(errors="replace").strip()[-_TOLD_CHARS_MAX:]


def left_out(tool: str, wanted: Iterable[str], examined: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence about the files that a tool was given and does not say it looked at, if any."""
    missing = sorted(set(wanted) - set(examined))
    if not missing:
        return ()
    named = ", ".join(missing[:_NAMED_MAX]) + (", …" if len(missing) > _NAMED_MAX else "")
    return (f"{tool} did not examine {len(missing)} of the files it was given: {named}.",)


def severity_of_score(score: float) -> Severity:
    """Return the severity of a CVSS score. Source: CVSS 3.1, section 5."""
    if score >= 9:
        return "critical"
    if score >= 7:
        return "high"
    return "medium" if score >= 4 else "low"


def severity_named(word: str, otherwise: Severity, **others: Severity) -> Severity:
    """Return the severity that a tool's word stands for; ``others``: words of its own, in lower case."""
    lower = word.lower()
    known: dict[str, Severity] = {each: each for each in SEVERITIES}
    return (known | others).get(lower, otherwise)
