"""``bandit``: faults of Python code. It names each file that it looked at, and each that it could not parse.

Comments that switch it off (``# nosec``) do not count: a finding is let through by the settings alone.
Tested with 1.9.4. Report: bandit's JSON formatter.
"""

from typing import Any

import msgspec

from babysitter.model.findings import Span
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import json_of, left_out, report_of, severity_named
from babysitter.scanners.toolbox import Toolbox
from babysitter.scanners.weaknesses import category_of_bandit, category_of_cwe

GET = "Install it: pipx install bandit, or name its folder in [scan] path."


class _Error(msgspec.Struct):
    filename: str
    reason: str


class _Result(msgspec.Struct):
    filename: str
    test_id: str
    issue_text: str
    issue_severity: str
    line_number: int
    line_range: list[int] = []
    col_offset: int = -1
    end_col_offset: int = -1
    issue_cwe: dict[str, Any] = {}
    more_info: str = ""


class _Report(msgspec.Struct):
    errors: list[_Error]
    metrics: dict[str, Any]
    results: list[_Result]


class Bandit:
    """See interface.Scanner."""

    name = "bandit"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        files = ground.ending(".py", ".pyw")
        if not files:
            return Report(version="", examined=0)
        version = tools.call(program, "--version").stdout.decode(errors="replace").split()[1:2]
        options = ("--format", "json", "--quiet", "--ignore-nosec", "--exclude", "")
        called = tools.call(program, *options, "--", *(f"./{file}" for file in files))
        report: _Report = report_of(self.name, json_of(self.name, called, statuses=(0, 1)), _Report)
        broken = {ground.relative(error.filename): error.reason for error in report.errors}
        examined = {ground.relative(file) for file in report.metrics if file != "_totals"} - broken.keys()
        return Report(
            version="".join(version),
            examined=len(examined),
            seen=tuple(_seen(result, ground) for result in report.results),
            problems=(
                *(f"bandit could not examine {file}: {reason}." for file, reason in sorted(broken.items())),
                *left_out(self.name, files, examined | broken.keys()),
            ),
        )


def _seen(result: _Result, ground: Ground) -> Seen:
    last = max([result.line_number, *result.line_range])
    return Seen(
        rule=result.test_id,
        category=category_of_bandit(result.test_id[1:]) or category_of_cwe(result.issue_cwe.get("id", "")),
        severity=severity_named(result.issue_severity, "medium"),
        path=ground.relative(result.filename),
        message=result.issue_text,
        span=Span(
            line=result.line_number,
            column=result.col_offset + 1,
            end_line=last if last > result.line_number else 0,
            end_column=result.end_col_offset + 1,
        ),
        help_uri=result.more_info,
        names=frozenset({result.test_id}),
    )
