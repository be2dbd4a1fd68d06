"""What scanners report: one model for every tool, so that rules, people and SARIF see the same.

A scan is good news only where each tool that was asked says how much it examined, and that is more than
nothing. Everything else (missing, offline, failed) leaves the scan incomplete, and rules treat it as no scan.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from babysitter.model.rules import Severity
from babysitter.model.values import sha256_hex

Category = Literal[
    "credential", "sql-injection", "xss", "dependency", "command-injection", "path-traversal", "ssrf",
    "deserialization", "determinism", "permission", "other",
]  # fmt: skip
ToolState = Literal["passed", "missing", "offline", "failed"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
"""The worst first."""


class Span(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Part of a file: lines and columns (characters) count from 1; 0 stands for what the tool did not say.

    end_column: the first column after the part.
    """

    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0


class Same(Struct, frozen=True, kw_only=True, rename="camel"):
    """The same weakness at the same place, as another tool or rule reports it."""

    tool: str
    rule: str
    fingerprint: str


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One thing that a scanner holds against something.

    rule: the tool's own name for it, without the tool: ``B608``, ``github-pat``.
    category: what kind of weakness it is, whatever the tool.
    path: relative to the root that was scanned, with ``/``; or a name: ``<stdin>``, a package.
    message: one sentence, never with the credential that was found.
    fingerprint: the same while the finding stays, though lines move; ``fingerprint_of`` makes it.
    fix: what to do about it, where the tool knows.
    also: who else reports the same weakness there; see docs/adr/0036-one-finding-a-weakness.md.
    """

    tool: str
    rule: str
    category: Category
    severity: Severity
    path: str
    message: str
    fingerprint: str
    version: str = ""
    span: Span | None = None
    fix: str = ""
    help_uri: str = ""
    also: tuple[Same, ...] = ()


class ToolRun(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """How one tool fared.

    examined: how many ``unit`` (files, packages, lines) it says it looked at; never guessed.
    why, fix: for each state but ``passed``: what happened, and what to do.
    """

    tool: str
    state: ToolState
    version: str = ""
    examined: int = 0
    unit: str = "files"
    why: str = ""
    fix: str = ""


class Suppressed(Struct, frozen=True, kw_only=True, rename="camel"):
    """A finding that does not count, because the settings say why not, and until which day."""

    finding: Finding
    reason: str
    until: str


class Scan(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the tools found, each finding once, the worst first.

    findings: those that count.
    known: those that stand in the baseline. suppressed: those that the settings let through for a time.
    baseline_sha256: the digest of the baseline, where there was one.
    notes: what a reader has to know besides: suppressions that have expired.
    """

    tools: tuple[ToolRun, ...]
    findings: tuple[Finding, ...]
    known: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    baseline_sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True when there is a tool, and every tool examined something and came to its end."""
        return bool(self.tools) and all(run.state == "passed" and run.examined > 0 for run in self.tools)

    def counts(self) -> dict[str, int]:
        """Return how many findings each severity has; empty when the scan is not complete."""
        if not self.complete:
            return {}
        return {severity: sum(f.severity == severity for f in self.findings) for severity in SEVERITIES}


def fingerprint_of(tool: str, rule: str, path: str, text: str, nth: int = 0) -> str:
    """Return 32 hex characters that stay while a finding stays.

    Args:
        tool: who found it.
        rule: what it is.
        path: where, without the line.
        text: the code that it is about, white space squeezed; for a credential an HMAC of it, never itself.
        nth: which one it is of those that are otherwise the same, from 0.
    """
    return sha256_hex("\0".join((tool, rule, path, " ".join(text.split()), str(nth))).encode())[:32]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without repetition, the worst first, then by place."""
    once = {(found.tool, found.fingerprint): found for found in findings}
    return tuple(
        sorted(
            once.values(),
            key=lambda f: (
                SEVERITIES.index(f.severity),
                f.path,
                f.span.line if f.span else 0,
                f.tool,
                f.rule,
            ),
        )
    )
