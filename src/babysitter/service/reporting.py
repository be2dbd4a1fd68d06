"""What happened in runs, for somebody who has to answer for it: facts in order, and what can't be proven.

Everything is taken from journals, the log and the verification of both. A report is a
list of blocks (headings, sentences, tables, texts), which ``report_pages`` lays out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from babysitter.journal.layout import shown_path, task_file
from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import NotFoundError
from babysitter.model.lines import Record
from babysitter.service.auditing import AuditReport, audit
from babysitter.service.report_blocks import Block, heading, loud, sentence, table, text
from babysitter.service.wiring import Workspace

_ENDS = {"RUN_COMPLETED": "completed", "RUN_FAILED": "failed", "RUN_CANCELLED": "cancelled"}
_DENIALS = frozenset(
    {
        "POLICY_DENIED",
        "SANDBOX_DENIED",
        "BREAKPOINT_REJECTED",
        "BREAKPOINT_EXPIRED",
        "BREAKPOINT_LAPSED",
        "BUDGET_EXCEEDED",
        "SECRET_DETECTED",
    }
)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run's lines, decoded."""

    created: ev.RunCreated
    lines: Sequence[tuple[Record, ev.Event]]


def report_on(workspace: Workspace, run_ids: Sequence[str], *, title: str) -> list[Block]:
    """Return the report on runs."""
    verified = audit(workspace.store, workspace.log_folder, run_ids=run_ids)
    now = workspace.clock.now_ns() // 1_000_000_000
    blocks = [heading(1, title), sentence(f"Made from journals and the log at {_time(now)}.")]
    blocks += _verdict(verified)
    for run_id in run_ids:
        blocks += _on_run(workspace, run_id)
    blocks += _unproven(verified)
    return blocks


def _verdict(report: AuditReport) -> Iterator[Block]:
    yield heading(2, "Verification")
    if report.ok:
        yield sentence(f"Every check passed: {len(report.runs)} runs, {report.log_lines} lines of the log.")
    for found in report.findings:
        yield loud(f"{found.severity}: {found.where}: {found.text} ({found.code})")


def _unproven(report: AuditReport) -> Iterator[Block]:
    yield heading(2, "What this does not prove")
    rows = [(where, told) for where, told in _all_unproven(report)]
    yield table(("about", "what is not shown"), rows or [("", "nothing was found that is not shown")])


def _all_unproven(report: AuditReport) -> Iterator[tuple[str, str]]:
    for told in report.unproven:
        yield "", told
    for view in report.runs:
        for told in view.unproven:
            yield view.run_id, told


def _on_run(workspace: Workspace, run_id: str) -> Iterator[Block]:
    run = _read(workspace, run_id)
    created, last = run.created, run.lines[-1][0]
    yield heading(2, f"Run {run_id}")
    state = _ENDS.get(last.type, "not ended")
    rows = [
        ("process", f"{created.process_id} ({created.entry})"),
        ("code", f"SHA-256 {created.process_digest}; trust: {_trust(created)}"),
        ("started by", created.requested_by),
        ("authors besides", ", ".join(created.authors) or "none"),
        ("from, to", f"{run.lines[0][0].recorded_at}, {last.recorded_at}"),
        ("state", state),
        ("sandbox", created.sandbox),
        ("rules", f"SHA-256 {created.policy_sha256}"),
        ("made with", f"Babysitter {created.product_version}, Python {created.python_version}"),
    ]
    yield table(("", ""), rows)
    if created.sandbox == "none":
        yield loud("Its tasks were not confined: the settings said sandbox mode none.")
    yield from _effects(workspace, run)
    yield from _questions(workspace, run)
    yield from _denials(run)


def _effects(workspace: Workspace, run: _Run) -> Iterator[Block]:
    started = {event.effect_id: event for _, event in run.lines if isinstance(event, ev.EffectStarted)}
    ended = {event.effect_id: event for _, event in run.lines if isinstance(event, ev.EffectResolved)}
    rows = []
    for _, event in run.lines:
        if not isinstance(event, ev.EffectRequested):
            continue
        begun, outcome = started.get(event.effect_id), ended.get(event.effect_id)
        marks = [mark for mark in (event.environment, "critical" if event.critical else "") if mark]
        rows.append(
            (
                event.effect_id,
                f"{event.task_id} ({event.kind})",
                ", ".join(marks),
                _permissions(workspace, run.created.run_id, event.effect_id),
                begun.approval or "" if begun is not None else "",
                outcome.status if outcome is not None else "no outcome",
            )
        )
    if rows:
        yield heading(3, "What ran, with which permissions")
        yield table(("effect", "task", "touches", "may", "let through by", "outcome"), rows)


def _permissions(workspace: Workspace, run_id: str, effect_id: str) -> str:
    """Return what a task's author asked for, as its derived file has it; nothing where that is gone."""
    try:
        spec = msgspec.json.decode(workspace.store.read_file(run_id, task_file(effect_id, "task.json")))
    except (NotFoundError, msgspec.DecodeError):
        return "see the journal"
    sandbox = spec.get("sandbox") or {} if isinstance(spec, dict) else {}
    told = [
        f"{name} {', '.join(sandbox[name])}"
        for name in ("network", "write", "read", "env")
        if sandbox.get(name)
    ]
    return "; ".join(told) or "read the workspace"


def _questions(workspace: Workspace, run: _Run) -> Iterator[Block]:
    answers: dict[str, list[tuple[Record, ev.BreakpointResponded]]] = {}
    ends: dict[str, str] = {}
    for record, event in run.lines:
        if isinstance(event, ev.BreakpointResponded):
            answers.setdefault(event.breakpoint_id, []).append((record, event))
        elif isinstance(event, (ev.BreakpointReleased, ev.BreakpointRejected, ev.BreakpointExpired)):
            ends[event.breakpoint_id] = event.type.removeprefix("BREAKPOINT_").lower()
    for record, event in run.lines:
        if isinstance(event, ev.BreakpointRequested):
            yield heading(3, f"Question {event.breakpoint_id}: {ends.get(event.breakpoint_id, 'open')}")
            yield from _question(workspace, run.created.run_id, (record, event))
            yield from _answers(answers.get(event.breakpoint_id, []))


def _question(
    workspace: Workspace, run_id: str, asked: tuple[Record, ev.BreakpointRequested]
) -> Iterator[Block]:
    record, event = asked
    who = ", ".join(event.eligible).replace("*", "anybody who can answer") or "nobody"
    yield sentence(
        f"Asked at {record.recorded_at} in line {record.seq}. Rule {event.rule}: {event.quorum} of {who}."
    )
    calls = [(call.task_id, call.args_sha256, call.sandbox_sha256 or "") for call in event.approves]
    if calls:
        yield table(("an approval lets through", "arguments, SHA-256", "sandbox, SHA-256"), calls)
    yield sentence(f"What was shown, SHA-256 {event.shown_sha256}:")
    try:
        shown = workspace.store.read_file(run_id, shown_path(event.breakpoint_id)).decode("utf-8", "replace")
    except NotFoundError:
        shown = "(missing)"
    yield text(shown)


def _answers(answers: Sequence[tuple[Record, ev.BreakpointResponded]]) -> Iterator[Block]:
    rows = []
    for record, event in answers:
        how: str = event.method
        if event.key_fingerprint is not None:
            how += f", {event.key_fingerprint}{', user verified' if event.user_verified else ''}"
        if event.on_behalf_of is not None:
            how += f", in the place of {event.on_behalf_of}"
        signed = event.statement_sha256 or "not signed"
        rows.append((event.approver, event.decision, record.recorded_at, how, signed, event.comment))
        if event.break_glass:
            yield loud(f"{event.approver} broke the glass: {event.comment}")
    if rows:
        yield table(("who", "said", "at", "how we know", "statement, SHA-256", "comment"), rows)
    else:
        yield sentence("Nobody answered.")


def _denials(run: _Run) -> Iterator[Block]:
    rows = [
        (str(record.seq), record.type, record.data.decode("utf-8", "replace"))
        for record, _ in run.lines
        if record.type in _DENIALS
    ]
    if rows:
        yield heading(3, "What was denied")
        yield table(("line", "event", "data"), rows)


def _read(workspace: Workspace, run_id: str) -> _Run:
    lines = [(record, record.event()) for record in read_records(workspace.store, run_id, torn_tail_ok=True)]
    created = lines[0][1]
    assert isinstance(created, ev.RunCreated), "a journal that was read begins so"
    return _Run(created, lines)


def _time(seconds: int) -> str:
    return f"{format_time(seconds * 1_000_000_000)[:19]}Z"


def _trust(created: ev.RunCreated) -> str:
    return f"{created.trust} by {', '.join(created.trusted_by)}" if created.trusted_by else created.trust
