"""Every answer of every run in one list, with how we know who gave it."""

from dataclasses import dataclass

from babysitter.model import events as ev
from babysitter.service.reading import read_records_of_all
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

_ENDS: dict[type[ev.Event], str] = {
    ev.BreakpointReleased: "released",
    ev.BreakpointRejected: "rejected",
    ev.BreakpointExpired: "expired",
}


class ApprovalView(View, frozen=True, kw_only=True):
    """An answer. ``seq``: its line, for ``journal export --event``; ``outcome``: of its question so far."""

    run_id: str
    process_id: str
    breakpoint_id: str
    seq: int
    at: str
    approver: str
    decision: str
    method: str
    rule: str
    environment: str
    comment: str
    on_behalf_of: str | None
    break_glass: bool
    key_fingerprint: str | None
    statement_sha256: str | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which answers; what is empty does not filter. ``since``: RFC 3339, or the beginning of one."""

    since: str = ""
    by: str = ""
    rule: str = ""
    environment: str = ""
    process: str = ""
    decision: str = ""

    def takes(self, view: ApprovalView) -> bool:
        """Tell whether an answer is among them."""
        return (
            view.at >= self.since
            and self.by in ("", view.approver, view.on_behalf_of)
            and self.rule in ("", view.rule)
            and self.environment in ("", view.environment)
            and self.process in ("", view.process_id)
            and self.decision in ("", view.decision)
        )


def list_approvals(workspace: Workspace, wanted: Wanted) -> list[ApprovalView]:
    """Return the answers that are wanted, oldest first. Runs whose journal can't be read are left out."""
    found: list[ApprovalView] = []
    for created, records in read_records_of_all(workspace.store):
        asked: dict[str, ev.BreakpointRequested] = {}
        outcomes: dict[str, str] = {}
        answers: list[tuple[int, str, ev.BreakpointResponded]] = []
        for record in records:
            event = record.event() if record.type.startswith("BREAKPOINT_") else None
            if isinstance(event, ev.BreakpointRequested):
                asked[event.breakpoint_id] = event
            elif isinstance(event, ev.BreakpointResponded):
                answers.append((record.seq, record.recorded_at, event))
            elif isinstance(event, (ev.BreakpointReleased, ev.BreakpointRejected, ev.BreakpointExpired)):
                outcomes[event.breakpoint_id] = _ENDS[type(event)]
        for seq, at, answer in answers:
            outcome = outcomes.get(answer.breakpoint_id, "open")
            view = _view(created, asked[answer.breakpoint_id], answer, (seq, at, outcome))
            if wanted.takes(view):
                found.append(view)
    return sorted(found, key=lambda view: view.at)


def _view(
    created: ev.RunCreated,
    asked: ev.BreakpointRequested,
    answer: ev.BreakpointResponded,
    where: tuple[int, str, str],
) -> ApprovalView:
    seq, at, outcome = where
    context = asked.context if isinstance(asked.context, dict) else {}
    return ApprovalView(
        run_id=created.run_id,
        process_id=created.process_id,
        breakpoint_id=answer.breakpoint_id,
        seq=seq,
        at=at,
        approver=answer.approver,
        decision=answer.decision,
        method=answer.method,
        rule=asked.rule,
        environment=str(context.get("environment") or ""),
        comment=answer.comment,
        on_behalf_of=answer.on_behalf_of,
        break_glass=answer.break_glass,
        key_fingerprint=answer.key_fingerprint,
        statement_sha256=answer.statement_sha256,
        outcome=outcome,
    )
