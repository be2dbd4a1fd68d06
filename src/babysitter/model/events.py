"""What can happen in a run: one Struct an event type, as stored in the ``data`` of a journal line.

Field names are camelCase on disk. ``author_data`` names the fields that hold an
author's or a program's values: those, and only those, are masked on the way to
disk and resolved on the way back. Optional fields that are None are left out.

Order within a run: journal/grammar.py. Reference: docs/reference/events.md.
"""

from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from babysitter.model.values import Json

INLINE_BYTES_MAX = 64 * 1024
"""Arguments and results up to this size stand in the line; larger ones are files that the line names."""

FORMAT_VERSION = 1


class Event(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One thing that happened. Subclasses say what."""

    type: ClassVar[str] = ""
    author_data: ClassVar[tuple[str, ...]] = ()


class BlobRef(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A file that a line names: path below the run's directory, SHA-256 of its bytes, and their count."""

    path: str
    sha256: str
    bytes: int


class ErrorInfo(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """An error as journaled: the original's class name and text, and JSON that the task attached."""

    name: str
    message: str
    data: Json = None


class RunCreated(Event, frozen=True, kw_only=True):
    """First line.

    ``secrets``: the references that lines of this run may hold; no others resolve. ``authors``: who counts as
    an author besides ``requested_by``: the owners that its process and its secrets declare. ``trust``: why
    the code may run: ``signed``, ``local``, ``allowed-untrusted``, ``built-in``, or in old journals
    ``unchecked``; ``trusted_by``: whose word that is; ``trust_statements``: SHA-256 of each that counted.
    ``workspace_tree``: the state of the workspace then, where the process asks for what has changed since.
    ``harness``: it was created for a harness that performs its effects; no server drives it.
    """

    type = "RUN_CREATED"
    run_id: str
    process_id: str
    entry: str
    process_digest: str
    inputs_sha256: str
    run_sha256: str
    policy_sha256: str
    requested_by: str
    authors: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    sandbox: str
    trust: str = "unchecked"
    trusted_by: tuple[str, ...] = ()
    trust_statements: tuple[str, ...] = ()
    format_version: int
    product_version: str
    python_version: str
    parent_run_id: str | None = None
    workspace_tree: str = ""
    harness: bool = False


class EffectRequested(Event, frozen=True, kw_only=True):
    """The process asked for work. ``args`` is inline, or ``input_ref`` names the file that has it.

    ``place``: where in the workspace its code asked, ``path/to/file.py:12``; empty: not known. No replay
    compares it.
    """

    type = "EFFECT_REQUESTED"
    author_data = ("args", "label", "labels")
    effect_id: str
    call_id: str
    task_id: str
    kind: str
    label: str
    args_sha256: str
    task_def_ref: str
    args: Json = None
    input_ref: BlobRef | None = None
    environment: str | None = None
    critical: bool = False
    labels: tuple[str, ...] = ()
    place: str = ""


class EffectStarted(Event, frozen=True, kw_only=True):
    """Durable before the work begins. Without a later line of the same attempt, its outcome is unknown.

    ``approval``: the breakpoint whose release lets it start, where one was needed.
    """

    type = "EFFECT_STARTED"
    effect_id: str
    attempt: int
    sandbox_sha256: str
    worker: str
    approval: str | None = None


class EffectResolved(Event, frozen=True, kw_only=True):
    """The effect's one and final outcome."""

    type = "EFFECT_RESOLVED"
    author_data = ("result", "error")
    effect_id: str
    attempt: int
    status: Literal["ok", "error"]
    result: Json = None
    result_ref: BlobRef | None = None
    result_sha256: str | None = None
    error: ErrorInfo | None = None
    stdout_ref: BlobRef | None = None
    stderr_ref: BlobRef | None = None
    started_at: str | None = None
    finished_at: str | None = None
    usage: dict[str, float] | None = None
    request_id: str | None = None


class EffectRetryScheduled(Event, frozen=True, kw_only=True):
    """Attempt ``attempt`` failed and another will be made at ``due_at``; ``dice`` gave the jitter."""

    type = "EFFECT_RETRY_SCHEDULED"
    author_data = ("error",)
    effect_id: str
    attempt: int
    error: ErrorInfo
    delay_s: float
    dice: float
    due_at: str
    stdout_ref: BlobRef | None = None
    stderr_ref: BlobRef | None = None
    started_at: str | None = None
    finished_at: str | None = None


class EffectUnknown(Event, frozen=True, kw_only=True):
    """A driver found the attempt started and without an outcome.

    ``action``: ``retry`` (idempotent) or ``ask``.
    """

    type = "EFFECT_UNKNOWN"
    effect_id: str
    attempt: int
    action: Literal["retry", "ask"]


class EffectCancelled(Event, frozen=True, kw_only=True):
    """The process, or a person, no longer wants the effect; what ran is stopped."""

    type = "EFFECT_CANCELLED"
    effect_id: str
    call_id: str


class CallCancelled(Event, frozen=True, kw_only=True):
    """A breakpoint, timer, signal or child is no longer waited for."""

    type = "CALL_CANCELLED"
    call_id: str


class CoveredRef(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A call that an approval lets through, once: the task, its exact arguments, the sandbox it gets."""

    task_id: str
    args_sha256: str
    sandbox_sha256: str | None = None


class ShownChanges(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Between which states of the workspace the difference lies that was shown; ``model/changes.py`` has it.

    since: ``run``: since the run began; else the two names as the process gave them: ``main..``.
    from_tree, tree: the states, as names of git trees. ``tree`` is empty where two commits were compared.
    scan: the tools that were asked to look at it; None: nothing was scanned.
    """

    since: str
    from_tree: str
    tree: str = ""
    scan: tuple[str, ...] | None = None


class BreakpointRequested(Event, frozen=True, kw_only=True):
    """A question to people.

    approves: the calls that an approval lets through.
    eligible: who may approve, by the rule, when it was asked; ``*``: whoever can answer at all.
    findings: what scanners reported, for rules that ask for it.
    shown_format: which form of ``shown.md`` it is, so that an approver's side can make it again; 0: none.
    changes: what of the workspace was shown; what an approval lets start, starts in exactly that state.
    place: see EFFECT_REQUESTED; empty also of a question that the rules raised.
    """

    type = "BREAKPOINT_REQUESTED"
    author_data = ("question", "title", "context", "tags", "findings")
    breakpoint_id: str
    call_id: str
    question: str
    title: str = ""
    context: Json = None
    tags: tuple[str, ...] = ()
    rule: str
    quorum: int = 1
    eligible: tuple[str, ...] = ()
    policy_sha256: str
    shown_sha256: str
    files: tuple[BlobRef, ...] = ()
    approves: tuple[CoveredRef, ...] = ()
    expires_at: str | None = None
    findings: Json = None
    notify: tuple[str, ...] = ()
    strategy: str | None = None
    shown_format: int = 0
    changes: ShownChanges | None = None
    place: str = ""


class BreakpointResponded(Event, frozen=True, kw_only=True):
    """One person's answer, and how we know who it was.

    statement_ref, signature_ref: what the person signed, byte for byte, and the SSH signature over it.
    on_behalf_of: whose place the person took by delegation.
    break_glass: the answer of an emergency, which waits for no quorum and is reviewed afterwards.
    """

    type = "BREAKPOINT_RESPONDED"
    author_data = ("comment",)
    breakpoint_id: str
    approver: str
    decision: Literal["approve", "reject", "defer"]
    comment: str = ""
    method: Literal["ssh", "passkey", "token", "rule", "local"]
    statement_sha256: str | None = None
    statement_ref: BlobRef | None = None
    signature_ref: BlobRef | None = None
    key_fingerprint: str | None = None
    user_verified: bool = False
    on_behalf_of: str | None = None
    break_glass: bool = False
    request_id: str | None = None


class BreakpointReleased(Event, frozen=True, kw_only=True):
    """The answers add up to yes."""

    type = "BREAKPOINT_RELEASED"
    author_data = ("feedback",)
    breakpoint_id: str
    approved: bool
    responded_by: tuple[str, ...]
    feedback: str = ""
    rule: str
    break_glass: bool = False


class BreakpointRejected(Event, frozen=True, kw_only=True):
    """The answers add up to no."""

    type = "BREAKPOINT_REJECTED"
    author_data = ("feedback",)
    breakpoint_id: str
    responded_by: tuple[str, ...]
    feedback: str = ""
    rule: str


class BreakpointExpired(Event, frozen=True, kw_only=True):
    """Nobody answered in time, which means no."""

    type = "BREAKPOINT_EXPIRED"
    breakpoint_id: str
    expired_at: str


class BreakpointLapsed(Event, frozen=True, kw_only=True):
    """A release no longer holds: executed too late, or somebody who approved may not any more."""

    type = "BREAKPOINT_LAPSED"
    breakpoint_id: str
    rule: str
    reason: str


class BreakpointReassigned(Event, frozen=True, kw_only=True):
    """Somebody passed the question on: of those eligible, these are asked now."""

    type = "BREAKPOINT_REASSIGNED"
    author_data = ("reason",)
    breakpoint_id: str
    to: tuple[str, ...]
    by: str
    reason: str = ""
    request_id: str | None = None


class BreakpointInfoRequested(Event, frozen=True, kw_only=True):
    """Somebody asks for more before answering; neither yes nor no."""

    type = "BREAKPOINT_INFO_REQUESTED"
    author_data = ("question",)
    breakpoint_id: str
    by: str
    question: str
    request_id: str | None = None


class BreakpointInfoGiven(Event, frozen=True, kw_only=True):
    """The answer to what somebody asked."""

    type = "BREAKPOINT_INFO_GIVEN"
    author_data = ("answer",)
    breakpoint_id: str
    by: str
    answer: str
    request_id: str | None = None


class TimerSet(Event, frozen=True, kw_only=True):
    """The process sleeps until ``due_at``. ``place``: see EFFECT_REQUESTED."""

    type = "TIMER_SET"
    call_id: str
    due_at: str
    place: str = ""


class TimerFired(Event, frozen=True, kw_only=True):
    """The timer's time has come."""

    type = "TIMER_FIRED"
    call_id: str


class SignalAwaited(Event, frozen=True, kw_only=True):
    """The process waits for a signal of that name. ``place``: see EFFECT_REQUESTED."""

    type = "SIGNAL_AWAITED"
    author_data = ("name",)
    call_id: str
    name: str
    place: str = ""


class SignalReceived(Event, frozen=True, kw_only=True):
    """A signal came in. Signals queue by name; each wait takes the oldest."""

    type = "SIGNAL_RECEIVED"
    author_data = ("name", "payload")
    name: str
    payload: Json = None
    sender: str
    request_id: str | None = None


class LogWritten(Event, frozen=True, kw_only=True):
    """``ctx.log``."""

    type = "LOG"
    author_data = ("message", "fields")
    call_id: str
    level: Literal["debug", "info", "warning", "error"] = "info"
    message: str
    fields: Json = None


class ValueTaken(Event, frozen=True, kw_only=True):
    """``ctx.now`` (RFC 3339 text), ``ctx.random`` (number in [0, 1)) or ``ctx.uuid`` (text)."""

    type = "VALUE"
    call_id: str
    kind: Literal["now", "random", "uuid"]
    value: Json


class Patched(Event, frozen=True, kw_only=True):
    """``ctx.patched(id)`` was reached by new code: this run takes the new way."""

    type = "PATCHED"
    call_id: str
    patch_id: str


class ArtifactWritten(Event, frozen=True, kw_only=True):
    """``ctx.artifact`` kept a file."""

    type = "ARTIFACT_WRITTEN"
    call_id: str
    ref: BlobRef


class ChildStarted(Event, frozen=True, kw_only=True):
    """Durable before the child run is created. ``place``: see EFFECT_REQUESTED."""

    type = "CHILD_STARTED"
    author_data = ("inputs",)
    call_id: str
    child_run_id: str
    process_id: str
    inputs: Json = None
    input_ref: BlobRef | None = None
    inputs_sha256: str
    place: str = ""


class ChildEnded(Event, frozen=True, kw_only=True):
    """The child run ended; its output stands here as it does in the child's last line."""

    type = "CHILD_ENDED"
    author_data = ("output", "error")
    call_id: str
    child_run_id: str
    status: Literal["completed", "failed", "cancelled"]
    output: Json = None
    output_ref: BlobRef | None = None
    error: ErrorInfo | None = None


class PolicyDenied(Event, frozen=True, kw_only=True):
    """A rule refused an effect or an answer."""

    type = "POLICY_DENIED"
    subject: str
    rule: str
    reason: str


class SandboxDenied(Event, frozen=True, kw_only=True):
    """The sandbox refused something that we decided or observed; never guessed from output."""

    type = "SANDBOX_DENIED"
    author_data = ("where",)
    effect_id: str
    attempt: int
    what: str
    rule: str
    where: str = ""


class BudgetExceeded(Event, frozen=True, kw_only=True):
    """A limit of the run was reached; the run fails."""

    type = "BUDGET_EXCEEDED"
    budget: Literal["steps", "seconds"]
    limit: float
    used: float


class SecretDetected(Event, frozen=True, kw_only=True):
    """Something that looks like an undeclared credential was masked; never the value.

    ``where``: the event or file that comes with it or right after it, and the way to the value in it.
    ``fingerprint``: by which it may be allowed, where it is none: ``[secrets] allow``.
    """

    type = "SECRET_DETECTED"
    rule: str
    where: str
    fingerprint: str = ""


class ProcessChanged(Event, frozen=True, kw_only=True):
    """A person let the run go on with other code."""

    type = "PROCESS_CHANGED"
    from_digest: str
    to_digest: str
    by: str


class ProcessAdmitted(Event, frozen=True, kw_only=True):
    """The run goes on with code whose trust is other than the journal had: see RUN_CREATED for the fields.

    Each time that untrusted code is allowed, too.
    """

    type = "PROCESS_ADMITTED"
    digest: str
    trust: str
    trusted_by: tuple[str, ...] = ()
    trust_statements: tuple[str, ...] = ()
    by: str


class JournalRecovered(Event, frozen=True, kw_only=True):
    """A torn tail was cut off; its bytes are kept at ``torn_path``."""

    type = "JOURNAL_RECOVERED"
    dropped_bytes: int
    dropped_sha256: str
    torn_path: str


class RunCancelRequested(Event, frozen=True, kw_only=True):
    """Somebody asked the run to stop; the process may still clean up."""

    type = "RUN_CANCEL_REQUESTED"
    author_data = ("reason",)
    reason: str = ""
    by: str
    request_id: str | None = None


class RunCompleted(Event, frozen=True, kw_only=True):
    """Last line: the process returned."""

    type = "RUN_COMPLETED"
    author_data = ("output",)
    output: Json = None
    output_ref: BlobRef | None = None
    output_sha256: str


class RunFailed(Event, frozen=True, kw_only=True):
    """Last line: the process raised, or could not go on."""

    type = "RUN_FAILED"
    author_data = ("error",)
    error: ErrorInfo


class RunCancelled(Event, frozen=True, kw_only=True):
    """Last line: the run was cancelled and has cleaned up."""

    type = "RUN_CANCELLED"
    author_data = ("reason",)
    reason: str = ""


EVENT_TYPES: dict[str, type[Event]] = {cls.type: cls for cls in Event.__subclasses__()}
END_TYPES = frozenset({RunCompleted, RunFailed, RunCancelled})
END_NAMES = frozenset(name for name, cls in EVENT_TYPES.items() if cls in END_TYPES)
BLOB_FIELDS: tuple[tuple[type[Event], str, str], ...] = (
    (EffectRequested, "args", "input_ref"),
    (EffectResolved, "result", "result_ref"),
    (ChildStarted, "inputs", "input_ref"),
    (ChildEnded, "output", "output_ref"),
    (RunCompleted, "output", "output_ref"),
)
"""(event type, inline field, reference field).

A value above INLINE_BYTES_MAX moves from the one to the other.
"""

_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(cls) for name, cls in EVENT_TYPES.items()
}


def decode_event(event_type: str, data: bytes | msgspec.Raw) -> Event:
    """Return the event of a line's ``type`` and ``data`` bytes.

    Raises:
        KeyError: no such type.
        msgspec.ValidationError: the data are not of that type.
    """
    event: Event = _DECODERS[event_type].decode(data)
    return event
