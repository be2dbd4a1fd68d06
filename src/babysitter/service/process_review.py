"""Reviewing a process before it runs: what it consists of, what it may do, what is wrong, what has changed.

Everything is read, nothing of the process is run. What was looked at is the bytes that are digested; a tool
that was not there is said to be missing, and the review is then not complete.
"""

import difflib
from dataclasses import dataclass
from typing import Any

import msgspec

from babysitter.model.effects import Sandbox
from babysitter.model.errors import BabysitterError, UntrustedProcessError
from babysitter.model.findings import Finding, Scan, ToolRun, in_order
from babysitter.model.trust_statement import TrustStatement
from babysitter.model.values import sha256_hex
from babysitter.scanners.credentials import TOOL as CREDENTIALS
from babysitter.scanners.determinism import TOOL, determinism_faults
from babysitter.scanners.process_tasks import (
    FoundProcess,
    FoundTask,
    packages_in,
    processes_in,
    tasks_in,
    unread_permissions,
)
from babysitter.scanners.python_names import Modules, read_module
from babysitter.scanners.sarif import to_sarif
from babysitter.service.detecting import credential_scanner
from babysitter.service.process.admitted import Admitted
from babysitter.service.process.bandit import check_with_bandit
from babysitter.service.process.closure import Sources, read_sources, relative
from babysitter.service.process.facts import parsed, too_deep
from babysitter.service.process.records import SourceStore
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

_DIFF_LINES_MAX = 2000


class SourceFile(View, frozen=True, kw_only=True):
    """A file of the closure."""

    path: str
    sha256: str
    lines: int


class SecretNamed(View, frozen=True, kw_only=True):
    """A secret that the code names, and where."""

    ref: str
    path: str
    line: int


class Change(View, frozen=True, kw_only=True):
    """What differs from what was last trusted. ``diff``: unified; ``left_out``: lines that are not here."""

    since_digest: str
    by: str
    at: str
    method: str
    files: tuple[str, ...]
    diff: str
    left_out: int = 0


class ReviewView(View, frozen=True, kw_only=True):
    """A review. ``trusted``: why it may run now, or None, and then ``why_not`` says why not.

    tasks: with what the settings grant besides. packages: from outside, not reviewed here.
    confined: False where the settings say that tasks run without a sandbox.
    change: None when nothing was trusted before, or nothing differs.
    """

    entry: str
    digest: str
    files: tuple[SourceFile, ...]
    processes: tuple[FoundProcess, ...]
    tasks: tuple[FoundTask, ...]
    secrets: tuple[SecretNamed, ...]
    packages: tuple[str, ...]
    confined: bool
    scan: Scan
    complete: bool
    trusted: dict[str, object] | None
    why_not: str
    change: Change | None

    def sarif(self) -> dict[str, Any]:
        """Return the findings as SARIF 2.1.0."""
        return to_sarif(self.scan)


@dataclass(frozen=True, slots=True)
class Reviewing:
    """Reviews processes of one workspace."""

    workspace: Workspace

    def review(self, entry: str, *, with_bandit: bool = True) -> ReviewView:
        """Return what there is to know about a process before trusting it.

        Raises:
            EntryError: there is no such file, or it is not Python.
        """
        sources = read_sources(entry, self.workspace.root)
        return self.view(sources, self.scan(sources, with_bandit=with_bandit))

    def scan(self, sources: Sources, *, with_bandit: bool = True) -> Scan:
        """Return what our own rules, the credential scan and bandit hold against the files."""
        modules = modules_of(sources)
        try:
            faults = (*determinism_faults(modules), *unread_permissions(modules), *self._unconfined())
        except RecursionError:
            raise too_deep(sources.named) from None
        tools = [ToolRun(tool=TOOL, state="passed", examined=len(sources.files))]
        run, credentials = self._credentials(sources)
        tools.append(run)
        found = (*faults, *credentials)
        if with_bandit:
            run, more = self._bandit(sources)
            tools.append(run)
            found = (*found, *more)
        return Scan(tools=tuple(tools), findings=in_order(found))

    def view(self, sources: Sources, scan: Scan) -> ReviewView:
        """Return a review of sources that were scanned."""
        modules = modules_of(sources)
        settings = self.workspace.place.settings
        admitted, why_not = self._trusted(sources)
        return ReviewView(
            entry=sources.named,
            digest=sources.digest,
            files=tuple(
                SourceFile(path=path, sha256=sha256, lines=sources.files[path].count(b"\n"))
                for path, sha256 in sources.digests.items()
            ),
            processes=processes_in(modules),
            tasks=tuple(self._granted(task) for task in tasks_in(modules)),
            secrets=tuple(
                SecretNamed(ref=use.ref, path=path, line=use.line)
                for path, facts in sources.facts()
                for use in facts.secrets
            ),
            packages=packages_in(modules),
            confined=settings.sandbox.mode != "none",
            scan=scan,
            complete=scan.complete,
            trusted=None
            if admitted is None
            else {"method": admitted.method, "by": admitted.by, "statements": admitted.statements},
            why_not=why_not,
            change=None if admitted is not None else self._change(sources),
        )

    def _trusted(self, sources: Sources) -> tuple[Admitted | None, str]:
        try:
            return self.workspace.admission.admit(sources), ""
        except UntrustedProcessError as refusal:
            return None, refusal.message

    def _granted(self, task: FoundTask) -> FoundTask:
        """Return a task with what the settings give it besides what its code says."""
        names = ("read", "write", "network", "env")
        asked = Sandbox(**{name: getattr(task, name) for name in names})
        given = self.workspace.place.settings.granted(task.task_id, asked)
        return msgspec.structs.replace(task, **{name: getattr(given, name) for name in names})

    def _unconfined(self) -> tuple[Finding, ...]:
        if self.workspace.place.settings.sandbox.mode != "none":
            return ()
        return (
            Finding(
                tool=TOOL,
                rule="no-sandbox",
                category="permission",
                severity="medium",
                path="babysitter.toml",
                message="the settings say that tasks run without a sandbox: they may do all that you may",
                fingerprint=sha256_hex(b"no-sandbox")[:32],
                fix='Leave out mode = "none" in [sandbox].',
            ),
        )

    def _credentials(self, sources: Sources) -> tuple[ToolRun, tuple[Finding, ...]]:
        found: list[Finding] = []
        place = self.workspace.place
        try:
            scanner, strict = credential_scanner(place), credential_scanner(place, allowing=False)
            for path, content in sources.files.items():
                counting = scanner.scan_text(path, content)
                found += counting
                if place.settings.secrets.allow:
                    known = {each.fingerprint for each in counting}
                    found += map(
                        _let_through,
                        (each for each in strict.scan_text(path, content) if each.fingerprint not in known),
                    )
        except BabysitterError as error:
            return ToolRun(tool=CREDENTIALS, state="failed", why=error.message, fix=error.hint), tuple(found)
        return ToolRun(tool=CREDENTIALS, state="passed", examined=len(sources.files)), tuple(found)

    def _bandit(self, sources: Sources) -> tuple[ToolRun, tuple[Finding, ...]]:
        files = sorted(path for path in sources.files if path.endswith(".py"))
        run, found = check_with_bandit(lambda: self.workspace.runner, sources.root, files)
        if run.state == "passed" and read_sources(sources.named, sources.root).digest != sources.digest:
            run = ToolRun(
                tool=run.tool, state="failed", version=run.version,
                why="files changed while they were looked at.", fix="Review again.",
            )  # fmt: skip
        return run, found

    def _change(self, sources: Sources) -> Change | None:
        """Return what differs from what was trusted last, of this entry."""
        trust = self.workspace.process_trust
        newest: tuple[str, TrustStatement, str, SourceStore] | None = None
        for method, records, store in (
            ("signed", trust.signed.all(), trust.signed.sources),
            ("local", trust.local.all(), trust.local.sources),
        ):
            for record in records:
                try:
                    statement = record.statement()
                except BabysitterError:
                    # It counts for nothing; the refusal says so.
                    continue
                at = statement.predicate.issued_at
                about = statement.predicate.entry.partition("#")[0] == sources.entry
                counts = method == "local" or not trust.standing(record, statement)
                if about and counts and (newest is None or at > newest[0]):
                    newest = (at, statement, method, store)
        if newest is None or newest[1].predicate.process_digest == sources.digest:
            return None
        return _changed(sources, *newest[1:])


def _let_through(finding: Finding) -> Finding:
    """Return what to tell of a value that the settings allow: they came with the code, as it did."""
    return msgspec.structs.replace(
        finding,
        rule=f"allowed-{finding.rule}",
        category="other",
        severity="low",
        message=f"{finding.message.rstrip('.')}, which [secrets] allow of babysitter.toml lets through.",
        fix="See for yourself that it is no credential.",
    )


def modules_of(sources: Sources) -> Modules:
    """Return a closure's Python files as scanners see them."""
    folders = tuple(
        "" if folder == sources.root else relative(folder, sources.root) for folder in sources.folders
    )
    found = {
        path: read_module(path, parsed(sources.files[path]), sources.files[path].decode(errors="replace"))
        for path, _ in sources.facts()
    }
    return Modules(found, folders)


def _changed(sources: Sources, statement: TrustStatement, method: str, store: SourceStore) -> Change:
    before = {subject.name: subject.digest.sha256 for subject in statement.subject}
    now = sources.digests
    names = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    lines: list[str] = []
    for path in names:
        old = store.get(before[path]) if path in before else b""
        if old is None:
            lines.append(f"--- {path}: what was trusted is not kept any more (SHA-256 {before[path]})")
            continue
        lines += difflib.unified_diff(
            _lines(old),
            _lines(sources.files.get(path, b"")),
            f"trusted/{path}" if path in before else "/dev/null",
            f"now/{path}" if path in now else "/dev/null",
            lineterm="",
        )
    predicate = statement.predicate
    return Change(
        since_digest=predicate.process_digest,
        by=predicate.reviewer,
        at=predicate.issued_at,
        method=method,
        files=tuple(names),
        diff="\n".join(lines[:_DIFF_LINES_MAX]),
        left_out=max(0, len(lines) - _DIFF_LINES_MAX),
    )


def _lines(content: bytes) -> list[str]:
    return content.decode(errors="replace").splitlines()
