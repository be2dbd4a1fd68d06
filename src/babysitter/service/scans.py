"""Scanning a workspace beside its changes: the search for credentials, and whatever tools are asked for.

Each answers for itself. One that is not there, or fails, is told as such, and the whole is then no all-clear.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from babysitter.model.findings import Scan, ToolRun, in_order
from babysitter.scanners.catalog import scanner_names
from babysitter.service.credential_scanning import scan_tree
from babysitter.service.scanning import ScanAsked, scan_workspace
from babysitter.service.wiring import Workspace

CREDENTIALS = "credentials"
Scanner = Callable[[Sequence[str]], Scan]
"""Looks at files, given as paths below the workspace's root."""


def scanners_of(workspace: Workspace) -> dict[str, Scanner]:
    """Return all that can look at a workspace's files: the search for credentials, and every scanner."""

    def credentials(files: Sequence[str]) -> Scan:
        return scan_tree([workspace.root / file for file in files], workspace, root=workspace.root)

    def tool(name: str) -> Scanner:
        return lambda files: scan_workspace(
            workspace, ScanAsked(tools=(name,), paths=tuple(files)), lambda _: None
        )

    names = scanner_names(workspace.place.settings.scan)
    return {CREDENTIALS: credentials, **{name: tool(name) for name in names}}


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
