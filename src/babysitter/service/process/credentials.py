"""The port through which a review finds credentials in code, and the few rules that need no detector."""

import re
from collections.abc import Callable, Iterable

from babysitter.model.findings import Finding, Span, fingerprint_of
from babysitter.model.values import sha256_hex

ScanText = Callable[[str, str], Iterable[Finding]]
"""Finds credentials in a text: its name, and itself."""
TOOL = "babysitter-credentials"
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


def scan_text(name: str, text: str) -> list[Finding]:
    """Return the credentials in a text, never with their values."""
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        for rule, pattern in _RULES:
            for match in pattern.finditer(line):
                found.append(
                    Finding(
                        tool=TOOL,
                        rule=rule,
                        category="credential",
                        severity="critical",
                        path=name,
                        message="a credential stands in the code",
                        fingerprint=fingerprint_of(TOOL, rule, name, sha256_hex(match[0].encode())),
                        span=Span(line=number, column=match.start() + 1),
                        fix='Pass it as secret("env:NAME"), and have it revoked where it was issued.',
                    )
                )
    return found
