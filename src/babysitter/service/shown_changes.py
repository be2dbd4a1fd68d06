"""The parts of ``shown.md`` about code: what scanners found, what security tests cover, and the difference.

What is worst stands first; what is cut is said, with the digest of the whole; what was not scanned is never
silent. Pure: facts and the kept patch in, Markdown out.
"""

from typing import Any

from babysitter.changes.patches import body, is_binary, sections
from babysitter.changes.visible import decoded
from babysitter.model.changes import ChangedFile, ChangesScan, Difference
from babysitter.model.findings import Finding
from babysitter.model.security_tests import REPORT, TREE
from babysitter.model.values import Json

PATCH_SHOWN_BYTES_MAX = 192 * 1024
FINDINGS_SHOWN_MAX = 100
FILES_SHOWN_MAX = 500
LINE_SHOWN_MAX = 1000
NOT_SCANNED = "NOT SCANNED by"
_KINDS = {"120000": "a symbolic link", "100755": "a program", "160000": "a link to another repository"}


def scan_parts(scan: ChangesScan) -> list[str]:
    """Return what was not scanned, the findings on changed lines, and how many there are elsewhere."""
    parts = ["## Findings on changed lines"]
    bad = [run for run in scan.tools if run.state != "passed" or run.examined == 0]
    for run in bad:
        why = _one_line(run.why) or "it examined nothing"
        parts.append(f"{NOT_SCANNED} {run.tool}: {why}{' ' + _one_line(run.fix) if run.fix else ''}")
    if not scan.tools:
        parts.append(f"{NOT_SCANNED} anything: no tool was asked.")
    shown = scan.on_changed[:FINDINGS_SHOWN_MAX]
    if shown:
        parts.append("\n".join(_finding(found) for found in shown))
    if len(scan.on_changed) > len(shown):
        parts.append(f"… {len(scan.on_changed) - len(shown)} more on changed lines: see shown.json.")
    if not scan.on_changed:
        parts.append("None." if not bad else "None by the tools that ran, which is no all-clear.")
    if scan.elsewhere:
        parts.append(f"On other lines: {scan.elsewhere} more.")
    passed = [
        f"{run.tool} {run.version}".strip() + f" ({run.examined} {run.unit})"
        for run in scan.tools
        if run not in bad
    ]
    if passed:
        parts.append(f"Scanned by {', '.join(passed)}.")
    return parts


def without_report(findings: Json) -> Json:
    """Return findings without the lines that ``tests_parts`` shows."""
    return (
        {key: value for key, value in findings.items() if key not in (REPORT, TREE)}
        if isinstance(findings, dict)
        else findings
    )


def tests_parts(findings: Json) -> list[str]:
    """Return what security tests cover, where a report of them is part of the findings."""
    told = findings.get(REPORT) if isinstance(findings, dict) else None
    if not isinstance(told, list):
        return []
    return ["## Security tests", *(_one_line(line) for line in told if isinstance(line, str))]


def changes_parts(changes: Difference, patch: bytes) -> list[str]:
    """Return the difference: a summary, where all of it is, and each file's part, cut where it is long."""
    since = "the run began" if changes.since == "run" else changes.since
    parts = [f"## Changes since {since}", _summary(changes)]
    if changes.left_out:
        names = ", ".join(_one_line(name) for name in changes.left_out_names)
        more = changes.left_out - len(changes.left_out_names)
        parts.append(
            f"Not part of this, since .gitignore names them: {changes.left_out} files and folders "
            f"({names}{f', and {more} more' if more > 0 else ''})."
        )
    parts.append(
        f"The whole: {changes.patch.path}, {changes.patch.bytes} bytes, SHA-256 {changes.patch.sha256}."
    )
    if changes.tree:
        parts.append(f"An approval holds for the workspace in exactly this state: {changes.tree}.")
    found = sections(patch)
    rooms = _rooms([len(body(section)) for section in found], PATCH_SHOWN_BYTES_MAX)
    for number, file in enumerate(changes.files[:FILES_SHOWN_MAX]):
        parts.append(f"### {_heading(file)}")
        if file.kept and number < len(found):
            parts += _section(found[number], rooms[number])
    if len(changes.files) > FILES_SHOWN_MAX:
        parts.append(
            f"… {len(changes.files) - FILES_SHOWN_MAX} more files are not shown here; they are in the whole."
        )
    return parts


def fenced(text: str, language: str) -> str:
    """Return a fenced block whose fence the text can't close."""
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _finding(found: Finding) -> str:
    place = found.path if found.span is None else f"{found.path}:{found.span.line}"
    fix = f" {_one_line(found.fix)}" if found.fix else ""
    return (
        f"- {found.severity.upper()} {found.category} {_one_line(place)} [{found.tool} {found.rule}] "
        f"{_one_line(found.message)}{fix}"
    )


def _summary(changes: Difference) -> str:
    if not changes.files:
        return "Nothing has changed."
    counts = {
        kind: sum(file.change == kind for file in changes.files)
        for kind in ("added", "changed", "renamed", "deleted")
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    added = sum(file.added or 0 for file in changes.files)
    removed = sum(file.removed or 0 for file in changes.files)
    return f"{len(changes.files)} files: {told}; {added} lines added, {removed} removed."


def _heading(file: ChangedFile) -> str:
    name = f"{_one_line(file.was)} → {_one_line(file.path)}" if file.was else _one_line(file.path)
    notes = []
    if file.added is None:
        notes.append(f"binary, {file.bytes_before} → {file.bytes} bytes")
    else:
        notes.append(f"+{file.added} -{file.removed}")
    if file.mode_before != file.mode and file.mode_before and file.mode:
        notes.append(f"mode {file.mode_before} → {file.mode}")
    if (kind := _KINDS.get(file.mode or file.mode_before)) is not None:
        notes.append(kind)
    if not file.kept:
        notes.append(f"too large to keep: {file.bytes_before} → {file.bytes} bytes, NOT SHOWN anywhere")
    return f"{file.change} {name} ({'; '.join(notes)})"


def _section(section: bytes, room: int) -> list[str]:
    content = body(section)
    if not content:
        return []
    if is_binary(section):
        return ["(its bytes are in the whole)"]
    shown, left = _cut(content, room)
    parts = [fenced(shown, "diff")] if shown else []
    if left:
        parts.append(f"… {left} lines of this file are not shown here; they are in the whole.")
    return parts


def _cut(content: bytes, room: int) -> tuple[str, int]:
    """Return as many lines as there is room for, and how many are left; a long line is cut, and says so."""
    lines = content.rstrip(b"\n").split(b"\n")
    used = 0
    shown: list[str] = []
    for line in lines:
        text = decoded(line)
        if len(text) > LINE_SHOWN_MAX:
            more = len(text) - LINE_SHOWN_MAX
            text = f"{text[:LINE_SHOWN_MAX]} … ({more} more characters of this line are in the whole)"
        used += len(text.encode("utf-8", "surrogateescape")) + 1
        if used > room and shown:
            break
        shown.append(text)
    return "\n".join(shown), len(lines) - len(shown)


def _rooms(sizes: list[int], room: int) -> list[int]:
    """Share out room: whoever wants less than an equal share leaves the rest to those that want more."""
    rooms = [0] * len(sizes)
    left = room
    for done, number in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        rooms[number] = min(sizes[number] + 64, left // (len(sizes) - done))
        left -= rooms[number]
    return rooms


def _one_line(text: Any) -> str:  # noqa: ANN401 (text of tools and people)
    return " ".join(str(text).split())
