"""Scanning a workspace beside its changes: the search for credentials, and whatever tools are asked for.

Each answers for itself. One that is not there, or fails, is told as such, and the whole is then no all-clear.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from babysitter.model.findings import Scan, ToolRun, in_order

CREDENTIALS = "credentials"

Scanner = Callable[[Sequence[str]], Scan]
"""Looks at files, given as paths below the workspace's root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceScans:
    """See service.reviewing.Scans. ``scanners``: by name; ``credentials`` is always asked."""

    scanners: Mapping[str, Scanner]

    def scan(self, tools: Sequence[str], files: Sequence[str]) -> Scan:
        """See Scans."""
        scans = [self._one(name, files) for name in dict.fromkeys((CREDENTIALS, *tools))]
        return Scan(
            tools=tuple(run for scan in scans for run in scan.tools),
            findings=in_order(found for scan in scans for found in scan.findings),
        )

    def _one(self, name: str, files: Sequence[str]) -> Scan:
        scanner = self.scanners.get(name)
        if scanner is not None:
            return scanner(files)
        known = ", ".join(sorted(self.scanners)) or "none"
        run = ToolRun(
            tool=name, state="missing", why="there is no scanner of that name.", fix=f"Known here: {known}."
        )
        return Scan(tools=(run,), findings=())
