"""A scanner: looks at files with one tool and says what it saw, and at how many things it looked.

Nothing is guessed: what a tool does not say was not examined. A tool that is missing, out of reach or in
trouble raises ``toolbox.ScannerError``; one that could not look at everything it was given says so in
``problems``. Neither is ever taken for good news (``scanning.py`` decides that, once for all tools).

To add one: a file beside this one, a line in ``catalog.py``, a row in docs/reference/scanners.md.
"""

from dataclasses import dataclass
from typing import Protocol

from babysitter.model.findings import Category, Span
from babysitter.model.rules import Severity
from babysitter.scanners.ground import Ground
from babysitter.scanners.toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing that a tool reports; ``fingerprints.py`` makes it a finding.

    path: relative to the root, with ``/``.
    text: what its fingerprint is made of; None: the lines of the span.
    package: what a finding about a dependency is about.
    names: what the same thing is called by anybody: an advisory and its aliases, another tool's same rule.
    """

    rule: str
    category: Category
    severity: Severity
    path: str
    message: str
    span: Span | None = None
    fix: str = ""
    help_uri: str = ""
    text: str | None = None
    package: str = ""
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one tool reports.

    examined: how many ``unit`` it says it looked at.
    problems: what it was asked to look at and did not, in sentences; with any, it has not passed.
    """

    version: str
    examined: int
    seen: tuple[Seen, ...] = ()
    unit: str = "files"
    problems: tuple[str, ...] = ()


class Scanner(Protocol):
    """Looks at a ground with one tool. Decides nothing.

    name: what findings and settings call it.
    needs_network: it asks a service; without a grant it is not started.
    """

    name: str
    needs_network: bool

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """Return what the tool reports of the ground.

        Raises:
            ScannerError: there is no report.
        """
        ...
