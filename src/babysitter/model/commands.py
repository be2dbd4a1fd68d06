"""What a process asks for: the engine's output. Each is journaled as one event, in the order given.

``call_id`` is the call's position in the tree of branches (``3``, ``4.0.1``);
``line`` is where in the author's code it was made, for errors.
"""

from typing import Any

from msgspec import Struct

from babysitter.model.effects import InlineFunction, TaskSpec
from babysitter.model.events import ErrorInfo
from babysitter.model.values import Json


class Command(Struct, frozen=True, kw_only=True):
    """One request of the process."""

    call_id: str
    line: str = ""


class RequestEffect(Command, frozen=True, kw_only=True):
    """EFFECT_REQUESTED. ``input``: checked JSON, ``Secret`` leaves allowed; ``function``: of inline tasks.

    Input by kind. python, inline, node: the arguments by name. shell: ``{"argv": [...], "env": {...},
    "stdin": text}``
    with the last two left out when empty.
    """

    spec: TaskSpec
    input: Json
    label: str
    function: InlineFunction | None = None


class CoveredCall(Struct, frozen=True, kw_only=True):
    """A call that a breakpoint's approval will let through: ``deploy.call(...)``."""

    spec: TaskSpec
    input: Json


class RequestBreakpoint(Command, frozen=True, kw_only=True):
    """BREAKPOINT_REQUESTED.

    files: artifact or workspace paths shown with the question.
    findings: what scanners reported, for rules that ask for it.
    experts, strategy: whom the author would ask, of those who may answer, and how many of them.
    since: the changes of the workspace to show: ``run``, ``base..`` or ``base..head``; empty: none.
    scan: the tools that look at them, besides the search for credentials; None: no scan.
    """

    question: str
    title: str = ""
    context: Json = None
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    approves: tuple[CoveredCall, ...] = ()
    expires_in_s: float | None = None
    findings: Json = None
    experts: tuple[str, ...] = ()
    strategy: str | None = None
    since: str = ""
    scan: tuple[str, ...] | None = None


class SetTimer(Command, frozen=True, kw_only=True):
    """TIMER_SET: after ``delay_s`` from when it is journaled, or at ``due_at``; exactly one is given."""

    delay_s: float | None = None
    due_at: str | None = None


class AwaitSignal(Command, frozen=True, kw_only=True):
    """SIGNAL_AWAITED."""

    name: str


class TakeValue(Command, frozen=True, kw_only=True):
    """VALUE: the host takes the value, journals it and gives the event back.

    ``kind``: now, random or uuid.
    """

    kind: str


class WriteLog(Command, frozen=True, kw_only=True):
    """LOG."""

    message: str
    level: str = "info"
    fields: Json = None


class MarkPatch(Command, frozen=True, kw_only=True):
    """PATCHED, when reached live; on replay the machine decides from the journal."""

    patch_id: str


class WriteArtifact(Command, frozen=True, kw_only=True):
    """ARTIFACT_WRITTEN: ``path`` is below the run's ``artifacts/``."""

    path: str
    content: bytes


class StartChild(Command, frozen=True, kw_only=True):
    """CHILD_STARTED. ``process`` is the author's process definition (``process.Process``)."""

    process: Any
    process_id: str
    inputs: Json


class CancelCall(Command, frozen=True, kw_only=True):
    """EFFECT_CANCELLED when the call is an effect (``effect_id`` is set), else CALL_CANCELLED."""

    effect_id: str | None = None


class Complete(Command, frozen=True, kw_only=True):
    """RUN_COMPLETED."""

    call_id: str = ""
    output: Json = None


class Fail(Command, frozen=True, kw_only=True):
    """RUN_FAILED. ``cause`` is the exception itself, for the terminal of the author who runs it."""

    call_id: str = ""
    error: ErrorInfo
    cause: BaseException | None = None


class EndCancelled(Command, frozen=True, kw_only=True):
    """RUN_CANCELLED."""

    call_id: str = ""
    reason: str = ""
