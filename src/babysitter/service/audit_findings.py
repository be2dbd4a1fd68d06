"""What an audit finds: facts with a severity and a stable code, and what can't be shown either way."""

from dataclasses import dataclass, field
from typing import Literal

from babysitter.service.views import View

Severity = Literal["error", "warning"]


class Finding(View, frozen=True, kw_only=True):
    """Something that is wrong. ``where``: a run, a breakpoint, the log; ``code``: a stable word."""

    severity: Severity
    code: str
    where: str
    text: str


@dataclass(slots=True)
class Findings:
    """Collects findings, and sentences about what can't be shown, each once."""

    found: list[Finding] = field(default_factory=list)
    unproven: dict[str, None] = field(default_factory=dict)

    def error(self, code: str, where: str, text: str) -> None:
        """Note that something is wrong."""
        self.found.append(Finding(severity="error", code=code, where=where, text=text))

    def warning(self, code: str, where: str, text: str) -> None:
        """Note something that an honest crash explains, and that should be mended."""
        self.found.append(Finding(severity="warning", code=code, where=where, text=text))

    def cannot_show(self, sentence: str) -> None:
        """Note what nothing here can show."""
        self.unproven[sentence] = None
