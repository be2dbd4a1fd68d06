"""``semgrep`` with the rules that stand in ``rules/semgrep``, and those that the settings name besides.

No network, no metrics, no registry: rules are files. Comments that switch a rule off (``nosemgrep``) and
ignore files of the workspace do not count. Semgrep goes on where a rule or a file does not parse and leaves
with status 0, so each error of its report is a problem here. Tested with 1.172.0. Report: ``--json``.
"""

from pathlib import Path
from typing import Any

import msgspec

from babysitter.model.findings import Category, Span
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import failed, json_of, left_out, report_of, severity_named
from babysitter.scanners.toolbox import Toolbox
from babysitter.scanners.weaknesses import category_named, category_of_cwe

GET = "Install it: pipx install semgrep, or name its folder in [scan] path."
RULES = Path(__file__).resolve().parent / "rules" / "semgrep"
SUFFIXES = (".py", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx")
"""What our rules are about; all of it must have been looked at."""

_OPTIONS = (
    *("--metrics", "off", "--disable-version-check", "--quiet", "--json", "--no-git-ignore"),
    *("--disable-nosem", "--no-rewrite-rule-ids", "--max-target-bytes", "0", "--timeout", "60"),
)
_QUIET = {"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}


class _Place(msgspec.Struct):
    line: int
    col: int


class _Extra(msgspec.Struct):
    message: str
    severity: str
    metadata: dict[str, Any] = {}


class _Result(msgspec.Struct):
    check_id: str
    path: str
    start: _Place
    end: _Place
    extra: _Extra


class _Error(msgspec.Struct):
    level: str = "error"
    message: str = ""
    path: str = ""
    rule_id: str = ""


class _Report(msgspec.Struct):
    version: str
    results: list[_Result]
    errors: list[_Error]
    paths: dict[str, Any]


class Semgrep:
    """See interface.Scanner."""

    name = "semgrep"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        own = [(ground.root / place).resolve() for place in tools.settings.semgrep_rules]
        wanted = ground.ending(*SUFFIXES)
        files = ground.files if own else wanted
        if not files:
            return Report(version="", examined=0)
        configs = [part for place in (RULES, *own) for part in ("--config", str(place))]
        called = tools.call(
            program,
            "scan",
            *_OPTIONS,
            *configs,
            "--",
            *(f"./{file}" for file in files),
            env=_QUIET,
            read=(str(RULES),),
        )
        report: _Report = report_of(self.name, json_of(self.name, called, statuses=tuple(range(8))), _Report)
        if called.status != 0 and not report.errors:
            raise failed(self.name, f"left with exit status {called.status}")
        examined = {ground.relative(path) for path in report.paths.get("scanned", ())}
        return Report(
            version=report.version,
            examined=len(examined),
            seen=tuple(_seen(result, ground) for result in report.results),
            problems=(*(_problem(error) for error in report.errors), *left_out(self.name, wanted, examined)),
        )


def _problem(error: _Error) -> str:
    about = error.path or error.rule_id
    lines = [" ".join(line.split()) for line in error.message.splitlines() if line.strip()]
    message = " ".join(lines[:2])[:300]
    return f"semgrep could not read {about}: {message}." if about else f"semgrep: {message}."


def _seen(result: _Result, ground: Ground) -> Seen:
    metadata = result.extra.metadata
    category: Category = category_named(metadata.get("category")) or category_of_cwe(metadata.get("cwe", ""))
    return Seen(
        rule=result.check_id,
        category=category,
        severity=severity_named(result.extra.severity, "medium", error="high", warning="medium", info="low"),
        path=ground.relative(result.path),
        message=result.extra.message,
        span=Span(
            line=result.start.line,
            column=result.start.col,
            end_line=result.end.line,
            end_column=result.end.col,
        ),
        fix=str(metadata.get("fix", "")),
        help_uri=str(metadata.get("references", [""])[0]) if metadata.get("references") else "",
    )
