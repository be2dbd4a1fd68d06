"""Makes findings of what tools report, with fingerprints that stay when lines move.

A fingerprint holds the tool, the rule, the file and the text of the lines, not their numbers. Where the
same rule finds the same text twice in a file, the second is told by its count.

It must never be another finding's: whoever let one through would have let through the other. So where the
text can't be had it holds what the tool says; and where tools could count lines in two ways, and the text of
any line could be put in the place of another's, it holds the line and the whole file.
"""

import re
from collections import Counter
from collections.abc import Iterable

from babysitter.model.findings import Finding, fingerprint_of
from babysitter.model.values import sha256_hex
from babysitter.scanners.ground import Ground, lines_of
from babysitter.scanners.interface import Seen

_LINES_MAX = 10
_COUNTED_IN_TWO_WAYS = re.compile("\r(?!\n)|[\u2028\u2029]")
"""Line ends to some: to JavaScript, to Python, not to all tools."""
_MESSAGE_CHARS_MAX = 500


def findings_of(tool: str, version: str, seen: Iterable[Seen], ground: Ground) -> list[tuple[Finding, Seen]]:
    """Return each report as a finding, beside the report; in the order of their places."""
    texts: dict[str, str] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    made = []
    for each in sorted(seen, key=_place):
        if each.path not in texts:
            texts[each.path] = ground.text(each.path)
        text = _text(each, texts[each.path])
        same = (each.rule, each.path, " ".join(text.split()))
        made.append((_finding(tool, version, each, text, times[same]), each))
        times[same] += 1
    return made


def _place(seen: Seen) -> tuple[str, int, int, str]:
    span = seen.span
    return (seen.path, span.line if span else 0, span.column if span else 0, seen.rule)


def _text(seen: Seen, content: str) -> str:
    if seen.text is not None:
        return seen.text
    if seen.span is None:
        return seen.message
    if _COUNTED_IN_TWO_WAYS.search(content):
        return f"{seen.span.line} {sha256_hex(content.encode('utf-8', 'surrogatepass'))}"
    last = max(seen.span.line, min(seen.span.end_line, seen.span.line + _LINES_MAX))
    text = "\n".join(lines_of(content)[seen.span.line - 1 : last])
    return text if text.strip() else seen.message


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
