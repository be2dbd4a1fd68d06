"""A diagnosis as SARIF, so that a code host shows it beside the findings of other tools."""

from typing import Any

from babysitter.model.findings import Category, Finding, Scan, ToolRun, fingerprint_of, in_order
from babysitter.scanners.sarif import to_sarif
from babysitter.service.doctor.examining import CheckView, Diagnosis

TOOL = "babysitter-doctor"
_CATEGORY: dict[str, Category] = {
    "G04": "dependency",
    "G05": "permission",
    "G06": "credential",
    "G08": "credential",
    "G11": "credential",
    "G25": "permission",
}


def sarif_of(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the problems as results; what could not be checked makes the tool's run an unsuccessful one."""
    findings = (
        finding for view in diagnosis.checks if view.state == "problem" for finding in _findings(view)
    )
    unknown = [
        view for view in diagnosis.checks if view.state == "could-not-check" and view.severity != "low"
    ]
    run = ToolRun(
        tool=TOOL,
        state="failed" if unknown else "passed",
        version=diagnosis.version,
        examined=diagnosis.counts["ok"] + diagnosis.counts["problem"] + diagnosis.counts["note"],
        unit="checks",
        why=" ".join(f"{view.id}: {view.found}." for view in unknown),
        fix=" ".join(dict.fromkeys(view.fix for view in unknown if view.fix)),
    )
    return to_sarif(Scan(tools=(run,), findings=in_order(findings)))


def _findings(view: CheckView) -> list[Finding]:
    """Return one finding a place; a problem of the machine has the settings file as its place."""
    return [
        Finding(
            tool=TOOL,
            rule=view.id,
            category=_CATEGORY.get(view.promise, "other"),
            severity=view.severity,
            path=place,
            message=f"{view.found[:1].upper()}{view.found[1:]}: {view.why}",
            fingerprint=fingerprint_of(TOOL, view.id, place, view.title),
            fix=f"{view.fix} {view.command}".strip(),
        )
        for place in view.places or ("babysitter.toml",)
    ]
