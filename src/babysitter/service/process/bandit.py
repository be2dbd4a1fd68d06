"""Bandit, the true tool, over a process's files, in the sandbox; a comment in the code does not silence it.

It passed only with a report that says it examined every file that it was given. Whatever else happens is
told as not checked, with the fix.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import msgspec

from babysitter.model.effects import Sandbox
from babysitter.model.errors import BabysitterError
from babysitter.model.findings import Category, Finding, Span, ToolRun, fingerprint_of
from babysitter.model.rules import Severity
from babysitter.model.runner import Program, Runner

TOOL = "bandit"
_FIX = "Install it beside Babysitter: pip install bandit"
_TIMEOUT_S = 300.0
_REPORT_BYTES_MAX = 64 * 1024 * 1024
_SEVERITY: dict[str, Severity] = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
_CATEGORY: dict[str, Category] = {
    **dict.fromkeys(("B105", "B106", "B107"), "credential"),
    **dict.fromkeys(
        ("B102", "B307", "B602", "B603", "B604", "B605", "B606", "B607", "B609"), "command-injection"
    ),
    **dict.fromkeys(("B301", "B302", "B403", "B506", "B614"), "deserialization"),
    **dict.fromkeys(("B608", "B610", "B611"), "sql-injection"),
    **dict.fromkeys(("B701", "B702", "B703", "B704"), "xss"),
}


class _Sink:
    """Keeps what a program writes, up to a size. See model.runner.OutputSink."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def write(self, chunk: bytes) -> None:
        """Keep the chunk, as long as there is room."""
        self.kept += chunk[: max(0, _REPORT_BYTES_MAX + 1 - len(self.kept))]

    def tail(self, count: int) -> str:
        """Return the end."""
        return bytes(self.kept[-4 * count :]).decode(errors="replace")[-count:]


class _NeverStops:
    """A StopToken that nobody sets."""

    def is_set(self) -> bool:
        """Return False."""
        return False

    def on_set(self, call: Callable[[], None]) -> None:
        """Never call."""


def check_with_bandit(
    runner: Callable[[], Runner], files: Sequence[str], read: Callable[[str, int], str]
) -> tuple[ToolRun, tuple[Finding, ...]]:
    """Return how bandit fared and what it found.

    Args:
        runner: gives the sandbox; not having one is an error of this check.
        files: relative to the workspace.
        read: gives a line of a file, for fingerprints.
    """
    version = _version()
    if not version:
        return _not_checked("missing", "bandit is not installed here.", _FIX), ()
    argv = (sys.executable, "-I", "-m", "bandit", "-q", "-f", "json", "--exit-zero", "--ignore-nosec", "--")
    program = Program(argv=(*argv, *files), env={"PYTHONDONTWRITEBYTECODE": "1"}, timeout_s=_TIMEOUT_S)
    out, err = _Sink(), _Sink()
    try:
        ended = runner().run(program, Sandbox(), out, err, _NeverStops())
    except BabysitterError as error:
        return _not_checked("failed", error.message, error.hint, version), ()
    if ended.why != "exit" or ended.status != 0:
        return _not_checked(
            "failed", f"bandit ended by {ended.why} {ended.status}: {err.tail(300)}", "", version
        ), ()
    try:
        report: dict[str, Any] = msgspec.json.decode(bytes(out.kept))
        found = tuple(_finding(each, version, read) for each in report["results"])
        examined = {_path(name) for name in report["metrics"] if name != "_totals"}
        errors = [f"{_path(each['filename'])}: {each['reason']}" for each in report["errors"]]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        return _not_checked(
            "failed", f"bandit's report can't be read: {type(error).__name__}.", "", version
        ), ()
    missed = [*errors, *(f"{name} was not examined" for name in sorted(set(files) - examined))]
    if missed:
        return _not_checked("failed", "; ".join(missed[:3]) + ".", "Mend these files.", version), found
    return ToolRun(tool=TOOL, state="passed", version=version, examined=len(examined), unit="files"), found


def _version() -> str:
    try:
        return metadata.version("bandit")
    except metadata.PackageNotFoundError:
        return ""


def _not_checked(state: Any, why: str, fix: str, version: str = "") -> ToolRun:  # noqa: ANN401 (a ToolState)
    return ToolRun(tool=TOOL, state=state, version=version, why=why, fix=fix)


def _path(name: str) -> str:
    return name.removeprefix("./")


def _finding(each: dict[str, Any], version: str, read: Callable[[str, int], str]) -> Finding:
    path, line = _path(each["filename"]), int(each["line_number"])
    rule = str(each["test_id"])
    category = _CATEGORY.get(rule, "other")
    return Finding(
        tool=TOOL,
        rule=rule,
        category=category,
        severity=_SEVERITY.get(each["issue_severity"], "medium"),
        path=path,
        # Bandit quotes the password that it suspects.
        message="Possible hard-coded password." if category == "credential" else str(each["issue_text"]),
        fingerprint=fingerprint_of(TOOL, rule, path, read(path, line)),
        version=version,
        span=Span(line=line, column=int(each.get("col_offset", -1)) + 1),
        help_uri=str(each.get("more_info", "")),
    )
