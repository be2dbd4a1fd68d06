"""What a question shows of the workspace's code, and whether that is still what is there.

The state that was shown is part of the question. What an approval lets start is started only while the
workspace is in that state: otherwise the release lapses, and people are shown what it has become.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from babysitter.changes.patches import changed_lines
from babysitter.changes.workspace import NAMES_MAX, Compared, moves_on
from babysitter.journal.layout import shown_patch_path
from babysitter.journal.masking import Masker
from babysitter.journal.writer import JournalWriter
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.changes import ChangedFile, ChangesScan, Difference
from babysitter.model.findings import SEVERITIES, Finding, Scan, ToolRun, in_order
from babysitter.model.security_tests import only_of
from babysitter.model.values import Json

TRIES = 3
"""So often a workspace that changes while it is scanned is looked at again."""


class Changes(Protocol):
    """Tells what changed in the workspace; changes.workspace.WorkspaceChanges is the real one."""

    def now(self, began: str) -> str:
        """Return the tree of the workspace as it is."""
        ...

    def compare(self, since: str, began: str) -> Compared:
        """Return what has changed since ``run``, ``base..``, or in ``base..head``."""
        ...

    def names(self, before: str, after: str) -> list[str]:
        """Return the paths that differ between two trees."""
        ...

    def files(self, tree: str) -> tuple[str, ...]:
        """Return the paths of a tree's regular files."""
        ...


class Scans(Protocol):
    """Scans the workspace; a tool that can't is told as such, never left out."""

    def scan(self, tools: Sequence[str], files: Sequence[str]) -> Scan:
        """Search the files for credentials, and have each of the tools look at them.

        Args:
            tools: names of scanners, besides the search for credentials.
            files: paths below the workspace's root.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a question shows of the code, masked, and the counts that rules decide by."""

    difference: Difference
    scan: ChangesScan | None
    counts: dict[str, int] | None

    def noted(self, tools: tuple[str, ...] | None) -> ev.ShownChanges:
        """Return what the journal's line says of it."""
        shown = self.difference
        return ev.ShownChanges(since=shown.since, from_tree=shown.from_tree, tree=shown.tree, scan=tools)

    def counted(self, findings: Json) -> Json:
        """Return the findings for the rules: what a scan counted wins over what the process says.

        Tests of another state of the workspace than the one that is shown count for nothing.
        """
        findings = only_of(self.difference.tree, findings)
        if self.counts is None or (not self.counts and findings is None):
            return findings
        said = findings if isinstance(findings, dict) else {}
        return {**{key: value for key, value in said.items() if key not in SEVERITIES}, **self.counts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Looks at the workspace for one run. ``began``: the tree of its beginning; ``scans``: made if asked."""

    began: str
    changes: Changes
    scans: Callable[[], Scans]
    writer: JournalWriter

    def look(self, command: cmd.RequestBreakpoint, identity: str) -> Looked | None:
        """Return what the question shows of the code, its patch kept; None when it asks for none.

        Raises:
            ReviewError: it can't be shown.
        """
        if not command.since:
            return None
        compared, scan = self._compared(command)
        files = compared.found.files
        patch = self.writer.put_blob(shown_patch_path(identity), compared.found.patch)
        masker = self.writer.masker
        shown = Difference(
            since=command.since,
            from_tree=compared.from_tree,
            tree=compared.tree,
            files=tuple(_masked_file(file, masker) for file in files),
            patch=patch,
            left_out=compared.left_out.count,
            left_out_names=tuple(masker.mask_text(name) for name in compared.left_out.names),
        )
        if scan is None:
            return Looked(difference=shown, scan=None, counts=None)
        lines = changed_lines(files, compared.found.patch)
        found = in_order(scan.findings)
        on_changed = tuple(_masked_finding(each, masker) for each in found if _is_on(each, lines))
        told = ChangesScan(
            tools=tuple(_masked_tool(run, masker) for run in scan.tools),
            on_changed=on_changed,
            elsewhere=len(found) - len(on_changed),
        )
        return Looked(difference=shown, scan=told, counts=scan.counts())

    def moved(self, asked: ev.BreakpointRequested) -> str:
        """Return why the workspace is not what the question showed; empty when it is, or showed none."""
        if asked.changes is None or not asked.changes.tree:
            return ""
        tree = self.changes.now(self.began)
        if tree == asked.changes.tree:
            return ""
        names = self.changes.names(asked.changes.tree, tree)
        more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
        told = self.writer.masker.mask_text(", ".join(names[:NAMES_MAX]))
        return f"the workspace is no longer what was shown: {told}{more} changed since"

    def _compared(self, command: cmd.RequestBreakpoint) -> tuple[Compared, Scan | None]:
        for _ in range(TRIES):
            compared = self.changes.compare(command.since, self.began)
            if command.scan is None:
                return compared, None
            scan = self.scans().scan(command.scan, self.changes.files(compared.tree))
            # What was scanned must be what is shown.
            if self.changes.now(self.began) == compared.tree:
                return compared, scan
        raise moves_on()


def _is_on(found: Finding, lines: dict[str, frozenset[int] | None]) -> bool:
    """Tell whether a finding is on a changed line; one of a changed file that names no line is."""
    if found.path not in lines:
        return False
    changed = lines[found.path]
    if changed is None or found.span is None:
        return True
    last = max(found.span.end_line, found.span.line)
    return any(line in changed for line in range(found.span.line, last + 1))


def _masked_file(file: ChangedFile, masker: Masker) -> ChangedFile:
    return replace(file, path=masker.mask_text(file.path), was=masker.mask_text(file.was))


def _masked_finding(found: Finding, masker: Masker) -> Finding:
    texts = {name: masker.mask_text(getattr(found, name)) for name in ("path", "message", "fix")}
    return replace(found, **texts)


def _masked_tool(run: ToolRun, masker: Masker) -> ToolRun:
    return replace(run, why=masker.mask_text(run.why), fix=masker.mask_text(run.fix))
