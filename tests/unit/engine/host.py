"""A host for the engine: journals commands in order; the world answers in an order that a seed decides.

Everything it does next follows from the journal and the seed alone, so a host that goes on from a
prefix of a journal does what the first one did.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from babysitter.authoring.process import Process
from babysitter.authoring.steps import Value
from babysitter.engine.guard import Guard
from babysitter.engine.machine import Machine
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.ids import breakpoint_id, child_run_id, effect_id
from babysitter.model.values import sha256_hex

CREATED = ev.RunCreated(
    run_id="run-1",
    process_id="process",
    entry="process.py#process",
    process_digest="0" * 64,
    inputs_sha256="0" * 64,
    run_sha256="0" * 64,
    policy_sha256="0" * 64,
    requested_by="tester",
    sandbox="none",
    format_version=1,
    product_version="0",
    python_version="3",
)

Answer = Callable[[cmd.Command], Any]


@dataclass
class Fails:
    """What a task answers that fails."""

    name: str = "ValueError"
    message: str = "it failed"
    data: Any = None


def echo(command: cmd.Command) -> Value:
    """Answer an effect with its own arguments, other calls with something of theirs."""
    return command.input if isinstance(command, cmd.RequestEffect) else command.call_id


@dataclass
class Host:
    """The world around one run.

    answer: what an effect, a child, a signal or a breakpoint gives; Fails for an error.
    seed: decides which of the open calls is answered first; None: the oldest.
    at: events that come in when so many have come in before them.
    """

    process: Process[Any, Any]
    inputs: Any = None
    answer: Answer = echo
    seed: int | None = None
    at: dict[int, ev.Event] = field(default_factory=dict)
    guard: Guard | None = None
    journal: list[ev.Event] = field(default_factory=list)
    commands: list[cmd.Command] = field(default_factory=list)
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        self.machine = Machine(self.process, "run-1", inputs=self.inputs, guard=self.guard)
        for event in self.journal:
            self.machine.receive(event)

    def give(self, event: ev.Event) -> tuple[cmd.Command, ...]:
        """Journal an event and let the machine see it."""
        self.journal.append(event)
        return self.machine.receive(event)

    def start(self) -> "Host":
        """Begin the run and journal what it asks for first."""
        self.give(CREATED)
        return self.settle()

    def settle(self) -> "Host":
        """Journal every command that waits to be."""
        while (command := self.machine.next_command()) is not None:
            self.commands.append(command)
            self.give(self.event_for(command))
        return self

    def drive(self) -> "Host":
        """Go on until the run has ended."""
        if not self.journal:
            self.give(CREATED)
        self.settle()
        while not self.machine.ended:
            self.give(self.next_arrival())
            self.settle()
        self.machine.close()
        return self

    @property
    def end(self) -> Value:
        """The run's last event."""
        return self.journal[-1]

    @property
    def output(self) -> Value:
        """What the run returned."""
        assert isinstance(self.end, ev.RunCompleted), self.end
        return self.end.output

    def resolve(self, call_id: str, result: Value = None) -> "Host":
        """Answer one open call, and journal what follows."""
        command = next(c for c in self.machine.waiting if c.call_id == call_id)
        self.give(self.arrival_for(command, result))
        return self.settle()

    def next_arrival(self) -> ev.Event:
        """Return what comes in next, by journal and seed."""
        count = sum(1 for event in self.journal if type(event) in Machine._ARRIVING)
        if count in self.at:
            return self.at[count]
        waiting = list(self.machine.waiting)
        assert waiting, f"the process waits for nothing and has not ended: {self.journal}"
        if self.seed is not None:
            waiting.sort(key=lambda c: hashlib.sha256(f"{self.seed}:{c.call_id}".encode()).digest())
        command = waiting[0]
        return self.arrival_for(command, self.answer(command))

    def event_for(self, command: cmd.Command) -> ev.Event:
        """Return the event that journals a command."""
        call_id = command.call_id
        match command:
            case cmd.RequestEffect(spec=spec):
                return ev.EffectRequested(
                    effect_id=effect_id(call_id, spec.task_id),
                    call_id=call_id,
                    task_id=spec.task_id,
                    kind=spec.kind,
                    label=command.label,
                    args_sha256="0" * 64,
                    task_def_ref="task.json",
                    args=command.input,
                )
            case cmd.RequestBreakpoint():
                return ev.BreakpointRequested(
                    breakpoint_id=breakpoint_id(call_id, command.title or "breakpoint"),
                    call_id=call_id,
                    question=command.question,
                    title=command.title,
                    context=command.context,
                    tags=command.tags,
                    rule="default",
                    policy_sha256="0" * 64,
                    shown_sha256="0" * 64,
                )
            case cmd.SetTimer():
                return ev.TimerSet(call_id=call_id, due_at=command.due_at or "2026-01-01T00:00:00Z")
            case cmd.AwaitSignal():
                return ev.SignalAwaited(call_id=call_id, name=command.name)
            case cmd.TakeValue(kind=kind):
                return ev.ValueTaken(call_id=call_id, kind=kind, value=_value(kind, call_id))  # type: ignore[arg-type]
            case cmd.WriteLog():
                return ev.LogWritten(
                    call_id=call_id,
                    level=command.level,  # type: ignore[arg-type]
                    message=command.message,
                    fields=command.fields,
                )
            case _:
                return _event_that_ends_or_notes(command)

    def arrival_for(self, command: cmd.Command, answer: Value) -> ev.Event:
        """Return the event that answers an open call."""
        call_id = command.call_id
        failed = isinstance(answer, Fails)
        error = ev.ErrorInfo(name=answer.name, message=answer.message, data=answer.data) if failed else None
        match command:
            case cmd.RequestEffect(spec=spec):
                return ev.EffectResolved(
                    effect_id=effect_id(call_id, spec.task_id),
                    attempt=1,
                    status="error" if failed else "ok",
                    result=None if failed else answer,
                    error=error,
                )
            case cmd.RequestBreakpoint():
                identity = breakpoint_id(call_id, command.title or "breakpoint")
                if failed:
                    return ev.BreakpointRejected(
                        breakpoint_id=identity, responded_by=("bob",), feedback=answer.message, rule="default"
                    )
                return ev.BreakpointReleased(
                    breakpoint_id=identity,
                    approved=True,
                    responded_by=("alice",),
                    feedback="",
                    rule="default",
                )
            case cmd.SetTimer():
                return ev.TimerFired(call_id=call_id)
            case cmd.AwaitSignal(name=name):
                return ev.SignalReceived(name=name, payload=answer, sender="tester")
            case cmd.StartChild():
                return ev.ChildEnded(
                    call_id=call_id,
                    child_run_id=child_run_id("run-1", call_id),
                    status="failed" if failed else "completed",
                    output=None if failed else answer,
                    error=error,
                )
            case _:
                raise AssertionError(command)


def _event_that_ends_or_notes(command: cmd.Command) -> ev.Event:  # noqa: C901 (one case a command)
    call_id = command.call_id
    match command:
        case cmd.MarkPatch():
            return ev.Patched(call_id=call_id, patch_id=command.patch_id)
        case cmd.WriteArtifact():
            digest = sha256_hex(command.content)
            ref = ev.BlobRef(path=f"artifacts/{command.path}", sha256=digest, bytes=len(command.content))
            return ev.ArtifactWritten(call_id=call_id, ref=ref)
        case cmd.StartChild():
            return ev.ChildStarted(
                call_id=call_id,
                child_run_id=child_run_id("run-1", call_id),
                process_id=command.process_id,
                inputs=command.inputs,
                inputs_sha256="0" * 64,
            )
        case cmd.CancelCall(effect_id=None):
            return ev.CallCancelled(call_id=call_id)
        case cmd.CancelCall(effect_id=effect):
            return ev.EffectCancelled(call_id=call_id, effect_id=effect or "")
        case cmd.Complete():
            return ev.RunCompleted(output=command.output, output_sha256="0" * 64)
        case cmd.Fail():
            return ev.RunFailed(error=command.error)
        case cmd.EndCancelled():
            return ev.RunCancelled(reason=command.reason)
        case _:
            raise AssertionError(command)


def _value(kind: str, call_id: str) -> Value:
    digest = hashlib.sha256(call_id.encode()).hexdigest()
    if kind == "now":
        return f"2026-01-31T10:15:{int(digest[:4], 16) % 60:02d}.000000Z"
    if kind == "random":
        return int(digest[:8], 16) / 2**32
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
