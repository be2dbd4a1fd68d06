"""The port through which a review finds credentials in code, and the rules that need no detector.

A value that is none is allowed by its print, in the settings, never by a comment in the code.
"""

import hashlib
import re
from collections.abc import Callable, Iterable

from babysitter.model.findings import Finding, Span, fingerprint_of

ScanText = Callable[[str, str], Iterable[Finding]]
"""Finds credentials in a text: its name, and itself."""
TOOL = "credentials"
_RULES = (
    ("private-key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")),
    ("aws-access-key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("github-token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b")),
    ("url-password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}]+:[^\s/@'\"{}]{6,}@")),
    (
        "assigned-credential",
        re.compile(
            r"(?i)\b\w*(?:password|passwd|secret|token|api_?key)\w*\s*[:=]\s*[\"'](?=[^\"']*[0-9])"
            r"[A-Za-z0-9+/=_.~-]{16,}[\"']"
        ),
    ),
)


class PlainCredentials:
    """Looks for credentials of well-known forms. ``allowed``: prints of values that are none."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(allowed)

    def scan_text(self, name: str, text: str) -> list[Finding]:
        """Return the credentials in a text, by place, never with their values."""
        found: list[Finding] = []
        for number, line in enumerate(text.split("\n"), start=1):
            for rule, pattern in _RULES:
                for match in pattern.finditer(line):
                    printed = _print_of(rule, match[0].encode("utf-8", "surrogatepass"))
                    if printed not in self._allowed:
                        nth = sum(each.rule == rule for each in found)
                        place = Span(line=number, column=match.start() + 1)
                        found.append(_finding(name, rule, place, (printed, nth)))
        return found


def _finding(name: str, rule: str, place: Span, told: tuple[str, int]) -> Finding:
    printed, nth = told
    return Finding(
        tool=TOOL,
        rule=rule,
        category="credential",
        severity="critical",
        path=name,
        message=f"{rule} in clear text.",
        fingerprint=fingerprint_of(TOOL, rule, name, printed, nth),
        span=place,
        fix="Revoke it where it was issued, then name it as a secret instead. "
        f'If it is none, allow it in babysitter.toml: [secrets] allow = ["{printed}"].',
    )


def _print_of(rule: str, value: bytes) -> str:
    """Return the 32 hex characters by which a value may be allowed; slow, against guessing."""
    return hashlib.pbkdf2_hmac("sha256", value, b"babysitter credential " + rule.encode(), 10_000, 16).hex()
