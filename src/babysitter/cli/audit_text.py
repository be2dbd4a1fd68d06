"""What verification found, as text: a line a run, a line a finding, and what can't be shown."""

from typing import TYPE_CHECKING

from babysitter.cli.plain import plain
from babysitter.cli.terminal import style

if TYPE_CHECKING:
    from babysitter.service.auditing import AuditReport
    from babysitter.service.verifying import VerificationView


def audit_text(report: "AuditReport") -> str:
    """Return a whole audit as text."""
    wrong = {found.where.partition("/")[0] for found in report.findings if found.severity == "error"}
    lines = [run_line(view, is_wrong=view.run_id in wrong) for view in report.runs]
    for found in report.findings:
        colour = "red" if found.severity == "error" else "yellow"
        head = style(found.severity.upper(), fg=colour, bold=True)
        lines.append(f"{head}  {plain(found.where)}  {plain(found.text)}  [{found.code}]")
    lines += [f"  not shown: {plain(text)}" for text in report.unproven]
    errors = sum(found.severity == "error" for found in report.findings)
    if report.ok:
        seen = f", {report.log_lines} lines of log" if report.log_lines else ""
        lines.append(style(f"OK  {len(report.runs)} runs{seen}", fg="green", bold=True))
    else:
        lines.append(style(f"WRONG  {errors} findings", fg="red", bold=True))
    return "\n".join(lines)


def run_line(view: "VerificationView", *, is_wrong: bool = False) -> str:
    """Return one run as a line, with what is wrong with its journal below."""
    bad = is_wrong or not view.ok
    word = style("WRONG", fg="red", bold=True) if bad else style("verified", fg="green")
    lines = [f"{view.run_id}  {word}  {view.lines} lines"]
    lines += [f"  not shown by a journal alone: {plain(text)}" for text in view.unproven if not bad]
    return "\n".join(lines)
