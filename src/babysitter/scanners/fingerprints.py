"""Makes findings of what tools report, with fingerprints that stay when lines move.

A fingerprint holds the tool, the rule, the file and the text of the lines, not their numbers. Where the
same rule finds the same text twice in a file, the second is told by its count.
"""

from collections import Counter
from collections.abc import Iterable

from babysitter.model.findings import Finding, fingerprint_of
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Seen

_LINES_MAX = 10
_MESSAGE_CHARS_MAX = 500


def findings_of(tool: str, version: str, seen: Iterable[Seen], ground: Ground) -> list[tuple[Finding, Seen]]:
    """Return each report as a finding, beside the report; in the order of their places."""
    lines: dict[str, list[str]] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    made = []
    for each in sorted(seen, key=_place):
        if each.path not in lines:
            lines[each.path] = ground.lines(each.path)
        text = _text(each, lines[each.path])
        same = (each.rule, each.path, " ".join(text.split()))
        made.append((_finding(tool, version, each, text, times[same]), each))
        times[same] += 1
    return made


def _place(seen: Seen) -> tuple[str, int, int, str]:
    span = seen.span
    return (seen.path, span.line if span else 0, span.column if span else 0, seen.rule)


def _text(seen: Seen, lines: list[str]) -> str:
    if seen.text is not None:
        return seen.text
    if seen.span is None:
        return seen.message
    last = max(seen.span.line, min(seen.span.end_line, seen.span.line + _LINES_MAX))
    return "\n".join(lines[seen.span.line - 1 : last])


def _finding(tool: str, version: str, seen: Seen, text: str, nth: int) -> Finding:
    message = " ".join(seen.message.split())
    if len(message) > _MESSAGE_CHARS_MAX:
        message = f"{message[: _MESSAGE_CHARS_MAX - 1]}…"
    return Finding(
        tool=tool,
        rule=seen.rule,
        category=seen.category,
        severity=seen.severity,
        path=seen.path,
        message=message,
        fingerprint=fingerprint_of(tool, seen.rule, seen.path, text, nth),
        version=version,
        span=seen.span,
        fix=seen.fix,
        help_uri=seen.help_uri,
    )
