"""Verifying a whole workspace: every run, the log, signatures, rules, witnesses. Changes nothing.

In this order: the log (audit_log), each run by itself (journal.verify) and, line by line with
it, against the log, its answers and the rules of then (audit_run, audit_answers, audit_rules),
and last what the log tells of and the disk has not. The same with stock tools: docs/how-to/audit.sh.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import structs

from babysitter.journal.reader import Store
from babysitter.journal.verify import verify_run
from babysitter.model.errors import BabysitterError
from babysitter.service.audit_answers import Answers
from babysitter.service.audit_findings import Finding, Findings
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.audit_log import LogFacts, LoggedRun, audit_log
from babysitter.service.audit_policies import KeptRules
from babysitter.service.audit_rules import Decisions
from babysitter.service.audit_run import RunAudit
from babysitter.service.audit_signers import KnownSigners
from babysitter.service.verifying import VerificationView, verification_view
from babysitter.service.views import View
from babysitter.service.wiring import file_store

LOOKS_MAX = 4
"""So often is looked again at what seems wrong while it is being written to."""


class AuditReport(View, frozen=True, kw_only=True):
    """What an audit of a folder found. ``unproven``: sentences about what nothing there can show."""

    ok: bool
    runs: tuple[VerificationView, ...]
    findings: tuple[Finding, ...]
    unproven: tuple[str, ...]
    log_lines: int


def audit_folder(folder: Path, trust: Path | None = None) -> AuditReport:
    """Audit a folder that has ``runs`` and ``log``, as ``.a5c`` or an export."""
    return audit(file_store(folder / "runs"), folder / "log", trust=trust)


def audit(
    store: Store, log: Path, *, trust: Path | None = None, run_ids: Sequence[str] | None = None
) -> AuditReport:
    """Audit the runs of a store against a log, which others may be adding to meanwhile.

    Args:
        store: the runs.
        log: the folder of the log.
        trust: the auditor's own folder: keys, and checkpoints that they got elsewhere.
        run_ids: which runs; None: all, and then one that is missing is found too.

    Whatever is wrong with what is audited is a finding; a disk that can't be read is one too.

    Raises:
        StoreFailedError: the folder of runs could not be read.
    """
    moves, report = _Moves(store, log), _looked(store, log, trust, run_ids)
    for _ in range(LOOKS_MAX - 1):
        if report.ok or not moves.has_moved(report):
            break
        # What is being written looks wrong for a moment; what is wrong is wrong the next time, too.
        before, report = frozenset(report.findings), _looked(store, log, trust, run_ids)
        lasting = tuple(found for found in report.findings if found in before or found.severity != "error")
        report = structs.replace(report, findings=lasting, ok=_is_ok(lasting))
    return report


class _Moves:
    """Whether a log or its runs are being written to while they are looked at."""

    def __init__(self, store: Store, log: Path) -> None:
        self._store = store
        self._log = log / "log.jsonl"
        self._before = self._facts()

    def has_moved(self, report: AuditReport) -> bool:
        """Tell whether the log has moved since it was asked last, or somebody drives what looks wrong."""
        before, self._before = self._before, self._facts()
        if before != self._before:
            return True
        present = frozenset(self._store.run_ids())
        named = {found.where.partition("/")[0] for found in report.findings} & present
        return any(self._is_driven(run_id) for run_id in sorted(named))

    def _facts(self) -> tuple[int, int]:
        try:
            facts = self._log.stat()
        except OSError:
            return 0, 0
        return facts.st_size, facts.st_mtime_ns

    def _is_driven(self, run_id: str) -> bool:
        try:
            return self._store.holder(run_id) is not None
        except BabysitterError:
            return False


def _is_ok(findings: Iterable[Finding]) -> bool:
    return not any(found.severity == "error" for found in findings)


def _looked(store: Store, log: Path, trust: Path | None, run_ids: Sequence[str] | None) -> AuditReport:
    """Return what one look finds."""
    findings = Findings()
    files = AuditFolder(log, trust)
    facts = audit_log(files, findings)
    present = store.run_ids()
    wanted = present if run_ids is None else list(run_ids)
    if not facts.leaves and (wanted or files.expects_log()):
        # Every run has a leaf before anything of it is performed: there was a log.
        findings.error("log.missing", "log", "there is no log, or nothing in it, and there was one")
    views = _audit_runs(store, wanted, files, facts, findings)
    if run_ids is None:
        _look_for_missing(present, files, facts, findings)
    views = [_shown_by_log(view, facts.runs.get(view.run_id)) for view in views]
    return AuditReport(
        ok=_is_ok(findings.found),
        runs=tuple(views),
        findings=tuple(findings.found),
        unproven=tuple(findings.unproven),
        log_lines=len(facts.leaves),
    )


def _look_for_missing(
    present: Sequence[str], files: AuditFolder, facts: LogFacts, findings: Findings
) -> None:
    """Note each run that the log tells of and the disk has not."""
    try:
        left_out = files.left_out()
    except BabysitterError as error:
        findings.error("log.unreadable", "left-out", error.message)
        left_out = frozenset()
    there = frozenset(present)
    for run_id, logged in facts.runs.items():
        if run_id in left_out:
            findings.cannot_show(f"Run {run_id} was left out on purpose.")
        elif run_id not in there and logged.purged is None:
            findings.error("run.missing", run_id, "the log tells of this run and it is not there")


def _audit_runs(
    store: Store, run_ids: Sequence[str], files: AuditFolder, facts: LogFacts, findings: Findings
) -> list[VerificationView]:
    """Verify each run, and hold it against the log, its signatures and its rules."""
    rules = KeptRules(folder=files, facts=facts, findings=findings)
    signers = KnownSigners(folder=files, facts=facts, findings=findings, rules=rules)
    decisions = Decisions(rules=rules, findings=findings)
    answers = Answers(facts=facts, findings=findings, rules=rules, signers=signers, read=store.read_file)
    signers.check_changes()
    views = []
    for run_id in run_ids:
        run = RunAudit(
            run_id=run_id,
            logged=facts.runs.get(run_id),
            has_log=bool(facts.leaves),
            answers=answers,
            decisions=decisions,
            findings=findings,
        )
        try:
            view = verification_view(verify_run(store, run_id, run.see))
        except BabysitterError as error:
            findings.error("journal.unreadable", run_id, error.message)
            continue
        for problem in view.problems:
            findings.error("journal", run_id, problem)
        run.finish()
        views.append(view)
    signers.check_emergencies(decisions.rule_of)
    return views


def _shown_by_log(view: VerificationView, logged: LoggedRun | None) -> VerificationView:
    """Return a run's view without what its journal alone can't show, where a seal in the log shows it."""
    if logged is None or logged.sealed is None:
        return view
    shown = (f"line {view.lines}, the last", "that no whole lines were removed")
    return structs.replace(view, unproven=tuple(text for text in view.unproven if not text.startswith(shown)))
