"""One effect as its pane shows it: what it got and gave, its output, its sandbox, who let it start."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from babysitter.journal.layout import output_path, task_file
from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import BabysitterError, NotFoundError
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.model.values import Json
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.question_parts import FileDifference, covered_by, differences_of
from babysitter.service.hosting.runs import read_output
from babysitter.service.hosting.visit import Visit
from babysitter.service.views import View

if TYPE_CHECKING:
    from babysitter.signing.verify import Trust

VALUE_CHARS_MAX = 64 * 1024
_INDENTED_BYTES_MAX = 16 * 1024


class LogShown(View, frozen=True, kw_only=True):
    """The end of an attempt's stdout or stderr. ``next``: the offset in bytes at which it goes on."""

    stream: str
    text: str
    size: int
    next: int
    cut: int


class ApprovalShown(View, frozen=True, kw_only=True):
    """An answer that let the effect start. ``signature``: in words; ``good``: it verifies; None: unsigned."""

    breakpoint_id: str
    approver: str
    decision: str
    method: str
    at: str
    comment: str
    on_behalf_of: str | None
    break_glass: bool
    key_fingerprint: str | None
    signature: str
    good: bool | None


class DifferenceShown(View, frozen=True, kw_only=True):
    """What had changed in the workspace, as the question showed it whose approval let the effect start.

    problem: why it can't be told; then there are no files.
    """

    breakpoint_id: str
    files: tuple[FileDifference, ...]
    problem: str = ""


class TaskPane(View, frozen=True, kw_only=True):
    """An effect. ``attempt``: the one whose output is shown; ``attempts``: all that began.

    input, result: as text, None: there is none. cut: whether one of them is longer than what is shown.
    is_live: more may come. file, line: where its code asked for it; empty and 0: the journal does not say.
    difference: None: no question that let it start showed one.
    """

    workspace: str
    run_id: str
    effect_id: str
    call_id: str
    task_id: str
    kind: str
    label: str
    state: str
    environment: str
    critical: bool
    labels: tuple[str, ...]
    attempt: int
    attempts: tuple[int, ...]
    is_live: bool
    input: str | None
    result: str | None
    error_name: str
    error_message: str
    error_data: str
    sandbox: str | None
    sandbox_sha256: str
    worker: str
    denials: tuple[str, ...]
    usage: dict[str, float]
    approvals: tuple[ApprovalShown, ...]
    logs: tuple[LogShown, ...]
    seqs: tuple[int, ...]
    file: str = ""
    line: int = 0
    difference: DifferenceShown | None = None


@dataclass(slots=True)
class _Found:
    """What the lines of one effect say."""

    requested: ev.EffectRequested | None = None
    started: ev.EffectStarted | None = None
    resolved: ev.EffectResolved | None = None
    error: ev.ErrorInfo | None = None
    state: str = "requested"
    attempts: tuple[int, ...] = ()
    denials: tuple[str, ...] = ()
    seqs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class VisitedTask:
    """The use case of a visitor who looks at one effect."""

    visit: Visit

    def pane(self, run_id: str, effect_id: str, workspace: str = "", *, attempt: int = 0) -> TaskPane:
        """Return one effect. ``attempt``: whose output; 0: the last one's.

        Raises:
            NotFoundError: the run has no such effect.
        """
        hosted = self.visit.run("task.read", run_id, workspace)
        found, answers = _read(hosted, run_id, effect_id)
        requested = found.requested
        if requested is None:
            raise NotFoundError(
                f"run {run_id} has no effect {effect_id[:80]}.", hint=f"See them at /runs/{run_id}."
            )
        which = attempt if attempt in found.attempts else max(found.attempts, default=0)
        spec = _text(hosted, run_id, task_file(effect_id, "task.json"))
        resolved, error = found.resolved, found.error
        file, _, line = requested.place.rpartition(":")
        return TaskPane(
            workspace=hosted.id,
            run_id=run_id,
            effect_id=effect_id,
            call_id=requested.call_id,
            task_id=requested.task_id,
            kind=requested.kind,
            label=requested.label,
            state=found.state,
            environment=requested.environment or "",
            critical=requested.critical,
            labels=requested.labels,
            attempt=which,
            attempts=found.attempts,
            is_live=resolved is None and found.state != "cancelled",
            input=_value(hosted, run_id, requested.args, requested.input_ref),
            result=_value(hosted, run_id, resolved.result, resolved.result_ref)
            if resolved is not None and resolved.status == "ok"
            else None,
            error_name=error.name if error is not None else "",
            error_message=error.message if error is not None else "",
            error_data=_pretty(error.data) if error is not None and error.data is not None else "",
            sandbox=_sandbox_of(spec),
            sandbox_sha256=found.started.sandbox_sha256 if found.started is not None else "",
            worker=found.started.worker if found.started is not None else "",
            denials=found.denials,
            usage=(resolved.usage or {}) if resolved is not None else {},
            approvals=tuple(_approvals(hosted, run_id, answers)),
            logs=tuple(
                _log(hosted, run_id, output_path(effect_id, stream, which), stream) for stream in _STREAMS
            ),
            seqs=found.seqs,
            file=file,
            line=int(line) if line.isdecimal() else 0,
            difference=_difference(hosted, run_id, found.started.approval if found.started else None),
        )


_STREAMS = ("stdout", "stderr")
_Answer = tuple[str, ev.BreakpointResponded]


def _read(hosted: Hosted, run_id: str, effect_id: str) -> tuple[_Found, list[_Answer]]:
    """Return what the journal says of an effect, and the answers to the question that let it start."""
    found, answers = _Found(), []
    for record in read_records(hosted.workspace.store, run_id, torn_tail_ok=True):
        event = record.event()
        if isinstance(event, ev.BreakpointResponded):
            answers.append((record.recorded_at, event))
        elif getattr(event, "effect_id", None) == effect_id:
            found.seqs = (*found.seqs, record.seq)
            _take(found, event)
    approval = found.started.approval if found.started is not None else None
    return found, [each for each in answers if approval is not None and each[1].breakpoint_id == approval]


def _take(found: _Found, event: ev.Event) -> None:
    match event:
        case ev.EffectRequested():
            found.requested = event
        case ev.EffectStarted():
            if found.started is None or event.approval is not None:
                found.started = event
            found.state, found.attempts = "running", (*found.attempts, event.attempt)
        case ev.EffectResolved() | ev.EffectRetryScheduled():
            found.error = event.error
            _take_end(found, event)
        case ev.EffectUnknown() | ev.EffectCancelled():
            found.state = "unknown" if isinstance(event, ev.EffectUnknown) else "cancelled"
        case ev.SandboxDenied():
            said = f"attempt {event.attempt}: {event.what} {event.where}".rstrip() + f" (rule {event.rule})"
            found.denials = (*found.denials, said)
        case _:
            pass


def _take_end(found: _Found, event: ev.EffectResolved | ev.EffectRetryScheduled) -> None:
    if isinstance(event, ev.EffectRetryScheduled):
        found.state = "backoff"
    else:
        found.resolved, found.state = event, event.status
        found.attempts = found.attempts or (event.attempt,)


def _value(hosted: Hosted, run_id: str, value: Json, ref: ev.BlobRef | None) -> str:
    """Return a value as the journal has it, as text."""
    if ref is None:
        return _short(_pretty(value))
    try:
        piece = hosted.queries.read_piece(run_id, ref.path, offset=0, bytes_max=VALUE_CHARS_MAX)
    except NotFoundError:
        return f"({ref.path} is not there)"
    text, more = piece.data.decode("utf-8", "replace"), piece.size - len(piece.data)
    return f"{text}\n… {more} bytes more" if more else text


def _short(text: str) -> str:
    if len(text) <= VALUE_CHARS_MAX:
        return text
    return f"{text[:VALUE_CHARS_MAX]}\n… {len(text) - VALUE_CHARS_MAX} characters more"


def _pretty(value: Json) -> str:
    """Return a value over several lines, where that is short: indented, JSON may grow a hundredfold."""
    data = msgspec.json.encode(value)
    return (data if len(data) > _INDENTED_BYTES_MAX else msgspec.json.format(data, indent=2)).decode()


def _difference(hosted: Hosted, run_id: str, approval: str | None) -> DifferenceShown | None:
    if approval is None:
        return None
    covered, problem = covered_by(hosted, run_id, approval)
    if covered is None:
        return DifferenceShown(breakpoint_id=approval, files=(), problem=problem)
    if covered.shown.changes is None:
        return None
    return DifferenceShown(breakpoint_id=approval, files=differences_of(hosted, covered))


def _text(hosted: Hosted, run_id: str, path: str) -> str | None:
    try:
        return hosted.queries.read_file(run_id, path).decode("utf-8", "replace")
    except NotFoundError:
        return None


def _sandbox_of(spec: str | None) -> str | None:
    """Return what the task's definition says of its sandbox, as text; None: nothing that can be read."""
    try:
        parsed: Any = msgspec.json.decode(spec or "null")
    except msgspec.DecodeError:
        return None
    sandbox = parsed.get("sandbox") if isinstance(parsed, dict) else None
    return _pretty(sandbox) if sandbox else None


def _log(hosted: Hosted, run_id: str, path: str, stream: str) -> LogShown:
    piece = read_output(hosted, run_id, path)
    text = piece.data.decode("utf-8", "replace")
    end = piece.offset + len(piece.data)
    return LogShown(stream=stream, text=text, size=piece.size, next=end, cut=piece.offset)


def _approvals(hosted: Hosted, run_id: str, answers: Sequence[_Answer]) -> list[ApprovalShown]:
    trust = hosted.workspace.trust_now() if any(each.signature_ref for _, each in answers) else None
    found = []
    for at, answer in answers:
        good, said = _signature(hosted, run_id, at, answer, trust)
        found.append(
            ApprovalShown(
                breakpoint_id=answer.breakpoint_id,
                approver=answer.approver,
                decision=answer.decision,
                method=answer.method,
                at=at,
                comment=answer.comment,
                on_behalf_of=answer.on_behalf_of,
                break_glass=answer.break_glass,
                key_fingerprint=answer.key_fingerprint,
                signature=said,
                good=good,
            )
        )
    return found


def _signature(
    hosted: Hosted, run_id: str, at: str, answer: ev.BreakpointResponded, trust: "Trust | None"
) -> tuple[bool | None, str]:
    """Return whether an answer's signature verifies, against the signers of today, and that in words."""
    if trust is None or answer.signature_ref is None or answer.statement_ref is None:
        return None, "unsigned: the word of whoever ran the server"
    from babysitter.signing.verify import verify_signature  # noqa: PLC0415 (imports cryptography)

    try:
        verify_signature(
            trust,
            message=hosted.queries.read_file(run_id, answer.statement_ref.path),
            armored=hosted.queries.read_file(run_id, answer.signature_ref.path),
            principal=answer.approver,
            namespace=APPROVAL_NAMESPACE,
            at_ns=parse_time(at),
        )
    except BabysitterError as error:
        return False, f"does not verify now: {error.message}"
    return True, "verifies against today's signers"
