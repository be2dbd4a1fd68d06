"""``njsscan``: faults of Node code and of templates. Its report does not say how many files it looked at.

So the files that it takes are handed to it by name, and with them one of ours with a planted fault. Unless
it reports that one, nothing counts: without semgrep on its PATH it finds nothing and leaves with status 0.
Files that it leaves out by lists of its own are named as not examined; comments that switch it off can't be
overruled and are looked for by us. Tested with 1.0.2. Report: ``--json``.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from babysitter.model.findings import Span
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import failed, json_of, left_out, report_of, severity_named
from babysitter.scanners.toolbox import Toolbox
from babysitter.scanners.weaknesses import category_of_cwe

GET = "Install it together with semgrep (pipx install njsscan), or name its folder in [scan] path."
PLANTED = Path(__file__).resolve().parent / "rules" / "njsscan" / "planted.js"
SETTINGS = PLANTED.with_name("njsscan.yaml")
_SUFFIXES = (
    ".js",
    ".html",
    ".mustache",
    ".hbs",
    ".vue",
    ".ejs",
    ".dust",
    ".tpl",
    ".tmpl",
    ".pug",
    ".haml",
    ".jade",
)
# Its own lists, which its settings can only make longer: libsast 3.1.10, njsscan/settings.py.
_PARTS = "__MACOSX node_modules bower_components fixtures jquery spec example .min.js .git .svn".split()
_NAMES = frozenset(
    "jquery.js axios.js bootstrap-tour.js raphael-min.js react.js tinymce.js vue.js codemirror-compressed.js "
    "codemirror.js bootstrap.js angular.js react-dom.production.js react.production.js".split()
)


class _Rule(msgspec.Struct):
    metadata: dict[str, Any]
    files: list[dict[str, Any]] = []


class _Report(msgspec.Struct):
    njsscan_version: str
    errors: list[Any]
    nodejs: dict[str, _Rule]
    templates: dict[str, _Rule]


class NJSScan:
    """See interface.Scanner."""

    name = "njsscan"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        semgrep = tools.find("semgrep", GET)
        files = ground.ending(*_SUFFIXES)
        if not files:
            return Report(version="", examined=0)
        taken = tuple(file for file in files if not _is_left_out(file))
        called = tools.call(
            program,
            *("--json", "--config", str(SETTINGS)),
            *(f"./{file}" for file in taken),
            str(PLANTED),
            with_=(semgrep,),
            read=(str(PLANTED.parent),),
        )
        report: _Report = report_of(self.name, json_of(self.name, called, statuses=(0, 1)), _Report)
        seen = [
            (rule, place, _seen(rule, found, place, ground))
            for rule, found in {**report.templates, **report.nodejs}.items()
            for place in found.files
        ]
        if not any(place["file_path"] == str(PLANTED) for _, place, _ in seen):
            why = "; ".join(str(error) for error in report.errors) or "its rules did not run"
            raise failed(self.name, "does not report a fault that we planted", why)
        return Report(
            version=report.njsscan_version,
            examined=len(taken),
            seen=tuple(each for _, place, each in seen if place["file_path"] != str(PLANTED)),
            problems=(
                *(_problem(error) for error in report.errors),
                *left_out(self.name, files, taken),
                *_switched_off(ground, taken),
            ),
        )


def _is_left_out(file: str) -> bool:
    path = PurePosixPath(file)
    # It looks for these anywhere in the path: specials.js is left out because of spec.
    return path.name in _NAMES or any(part in file for part in _PARTS)


def _problem(error: object) -> str:
    if isinstance(error, dict):
        message = " ".join(str(error.get("message")).split())
        return f"njsscan could not read {error.get('path', 'a file')}: {message}."
    return f"njsscan: {error}."


def _switched_off(ground: Ground, files: tuple[str, ...]) -> tuple[str, ...]:
    found = [file for file in files if any(_obeyed(line) for line in ground.lines(file))]
    return tuple(f"{file} switches njsscan off in a comment, which it obeys." for file in found)


def _obeyed(line: str) -> bool:
    return "njsscan-ignore:" in line or "nosem" in line


def _seen(rule: str, found: _Rule, place: dict[str, Any], ground: Ground) -> Seen:
    (line, end_line), (column, end_column) = place["match_lines"], place["match_position"]
    return Seen(
        rule=rule,
        category=category_of_cwe(str(found.metadata.get("cwe", "")).partition(":")[0]),
        severity=severity_named(
            str(found.metadata.get("severity", "")), "medium", error="high", warning="medium", info="low"
        ),
        path=ground.relative(place["file_path"]),
        message=str(found.metadata.get("description", rule)),
        span=Span(line=line, column=column, end_line=end_line, end_column=end_column) if line else None,
    )
