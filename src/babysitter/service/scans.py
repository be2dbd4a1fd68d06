"""Scanning a workspace beside its changes: the search for credentials, and whatever tools are asked for.

Each answers for itself. One that is not there, or fails, is told as such, and the whole is then no all-clear.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from babysitter.model.effects import Sandbox
from babysitter.model.errors import NotFoundError
from babysitter.model.findings import Scan, ToolRun, in_order
from babysitter.model.runner import Runner
from babysitter.scanners.ground import Ground
from babysitter.scanners.scanning import Scanning
from babysitter.service.credential_scanning import scan_tree
from babysitter.service.performing import Stop
from babysitter.service.wiring import Workspace

CREDENTIALS = "credentials"

Scanner = Callable[[Sequence[str]], Scan]
"""Looks at files, given as paths below the workspace's root."""
Tools = Callable[[Sequence[str], Sequence[str]], Scan]
"""Has tools, by name, look at files, all together: what several report of one weakness is one finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceScans:
    """See service.reviewing.Scans.

    scanners: ours, by name; ``credentials`` is always asked. tools: asked for every other name.
    """

    scanners: Mapping[str, Scanner]
    tools: Tools

    def scan(self, tools: Sequence[str], files: Sequence[str]) -> Scan:
        """See Scans."""
        names = dict.fromkeys((CREDENTIALS, *tools))
        scans = [self.scanners[name](files) for name in names if name in self.scanners]
        if others := [name for name in names if name not in self.scanners]:
            scans.append(self.tools(others, files))
        return Scan(
            tools=tuple(run for scan in scans for run in scan.tools),
            findings=in_order(found for scan in scans for found in scan.findings),
            known=tuple(found for scan in scans for found in scan.known),
            suppressed=tuple(found for scan in scans for found in scan.suppressed),
            baseline_sha256=next((scan.baseline_sha256 for scan in scans if scan.baseline_sha256), ""),
            notes=tuple(note for scan in scans for note in scan.notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsOnFiles:
    """Implements ``Tools``: the scanners of the catalogue, in the sandbox.

    sandbox: what the settings grant scans at a breakpoint; nothing unless they do.
    """

    scanning: Scanning
    runner: Callable[[], Runner]
    sandbox: Sandbox

    def __call__(self, tools: Sequence[str], files: Sequence[str]) -> Scan:
        """Return what they find; a name that there is none of is a tool that is missing."""
        refusals = {name: run for name in tools if (run := self._refusal(name)) is not None}
        known, refused = [name for name in tools if name not in refusals], tuple(refusals.values())
        if not known:
            return Scan(tools=refused, findings=())
        toolbox = self.scanning.toolbox(self.runner(), self.sandbox, Stop())
        ground = Ground.of_files(self.scanning.root.resolve(), files, self.scanning.settings.exclude)
        found = self.scanning.scan_ground(known, ground, toolbox)
        return structs.replace(found, tools=(*refused, *found.tools))

    def _refusal(self, name: str) -> ToolRun | None:
        try:
            self.scanning.scanner(name)
        except NotFoundError as error:
            return ToolRun(tool=name, state="missing", why=error.message, fix=error.hint)
        return None


def scans_of(workspace: Workspace) -> WorkspaceScans:
    """Return what scans a workspace: the search for undeclared credentials, and every scanner by its name."""

    def credentials(files: Sequence[str]) -> Scan:
        return scan_tree([workspace.root / file for file in files], workspace, root=workspace.root)

    tools = ToolsOnFiles(
        scanning=workspace.scanning,
        runner=lambda: workspace.runner,
        sandbox=workspace.place.settings.granted("scan", Sandbox()),
    )
    return WorkspaceScans(scanners={CREDENTIALS: credentials}, tools=tools)
