"""From a command of the process to the event that journals it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from babysitter.journal.layout import shown_facts_path, shown_file_path, shown_path
from babysitter.journal.writer import JournalWriter
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import Clock, Dice, format_time
from babysitter.model.effects import Sandbox, TaskSpec
from babysitter.model.errors import NotFoundError
from babysitter.model.ids import breakpoint_id, child_run_id, effect_id
from babysitter.model.rules import Rule
from babysitter.model.values import Json
from babysitter.service.gates import Gates
from babysitter.service.reviewing import Looked, Review
from babysitter.service.shown import (
    GRANTS,
    SHOWN_FORMAT,
    Shown,
    ShownCall,
    ShownFile,
    check_readable,
    facts_bytes,
    render_shown,
)

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Journalist:
    """Makes the event of a command, writing first what the event names. One a run."""

    run_id: str
    writer: JournalWriter
    clock: Clock
    dice: Dice
    gates: Gates
    review: Review
    sandbox_sha256: Callable[[TaskSpec], str]
    granted: Callable[[str, Sandbox], Sandbox]
    workspace: Path
    read_file: Callable[[str], bytes]
    artifacts: Mapping[str, ev.BlobRef]
    _places: dict[str, str] = field(default_factory=dict)

    def event_for(self, command: cmd.Command) -> ev.Event:
        """Return the event that journals the command."""
        event: ev.Event = _EVENTS[type(command)](self, command)
        return event

    def args_sha256(self, value: Json) -> str:
        """Return the digest of an effect's input in its masked, canonical form."""
        return self.writer.digest(value)

    def _place(self, command: cmd.Command) -> str:
        """Return where in the workspace a call was made; empty: elsewhere, as in a package's code."""
        known = self._places.get(command.line)
        if known is None:
            path, _, line = command.line.rpartition(":")
            below = Path(path).is_relative_to(self.workspace)
            known = f"{Path(path).relative_to(self.workspace).as_posix()}:{line}" if below else ""
            # A file may be called as anything is.
            known = self._places[command.line] = self.writer.masker.mask_string(known)
        return known

    def _effect(self, command: cmd.RequestEffect) -> ev.Event:
        spec = command.spec
        effect = effect_id(command.call_id, spec.task_id)
        return ev.EffectRequested(
            effect_id=effect,
            call_id=command.call_id,
            task_id=spec.task_id,
            kind=spec.kind,
            label=command.label,
            # The writer fills digests that are empty, from the masked form that it makes anyway.
            args_sha256="",
            task_def_ref=f"tasks/{effect}/task.json",
            args=command.input,
            environment=spec.environment,
            critical=spec.critical,
            labels=spec.labels,
            place=self._place(command),
        )

    def _breakpoint(self, command: cmd.RequestBreakpoint) -> ev.Event:
        name = command.title or "breakpoint"
        identity = breakpoint_id(command.call_id, self.writer.masker.mask_name(name))
        return self.question(command, self.gates.rule_of_question(command, identity), name=name)

    def question(self, command: cmd.RequestBreakpoint, rule: Rule, *, name: str) -> ev.BreakpointRequested:
        """Return BREAKPOINT_REQUESTED after keeping what the approver will be shown, byte for byte."""
        masker = self.writer.masker
        identity = breakpoint_id(command.call_id, masker.mask_name(name))
        eligible, quorum = self.gates.who(rule, command.experts, command.strategy)
        calls = tuple(self._shown_call(call) for call in command.approves)
        looked = self.review.look(command, identity)
        findings = looked.counted(command.findings) if looked is not None else command.findings
        shown = Shown(
            run_id=self.run_id,
            title=masker.mask_string(command.title),
            question=masker.mask_string(command.question),
            context=masker.mask(command.context),
            calls=calls,
            files=tuple(
                self._shown_file(identity, number, path) for number, path in enumerate(command.files, 1)
            ),
            findings=masker.mask(findings),
            changes=looked.difference if looked is not None else None,
            scan=looked.scan if looked is not None else None,
            rule=rule.id,
            quorum=quorum,
            eligible=eligible,
            expires_at=self._expiry(command, rule),
        )
        check_readable(shown)
        refs = _refs(shown, looked)
        contents = {ref.path: self.read_file(ref.path) for ref in refs}
        document = self.writer.put_blob(shown_path(identity), render_shown(shown, contents).encode())
        facts = self.writer.put_blob(shown_facts_path(identity), facts_bytes(shown))
        return ev.BreakpointRequested(
            breakpoint_id=identity,
            call_id=command.call_id,
            question=command.question,
            title=command.title,
            context=command.context,
            tags=command.tags,
            rule=rule.id,
            quorum=quorum,
            eligible=eligible,
            policy_sha256=self.gates.decider.policy.digest(),
            shown_sha256=document.sha256,
            files=(facts, *refs),
            approves=tuple(
                ev.CoveredRef(
                    task_id=call.task_id, args_sha256=call.args_sha256, sandbox_sha256=call.sandbox_sha256
                )
                for call in calls
            ),
            expires_at=shown.expires_at,
            findings=findings,
            notify=rule.notify,
            strategy=command.strategy or rule.strategy,
            shown_format=SHOWN_FORMAT,
            changes=looked.noted(command.scan) if looked is not None else None,
            place=self._place(command),
        )

    def _expiry(self, command: cmd.RequestBreakpoint, rule: Rule) -> str | None:
        times_s = [each for each in (command.expires_in_s, rule.approval_expires_s) if each is not None]
        if not times_s:
            return None
        return format_time(self.clock.now_ns() + int(min(times_s) * SECOND_NS))

    def _shown_call(self, call: cmd.CoveredCall) -> ShownCall:
        sandbox = self.granted(call.spec.task_id, call.spec.sandbox)
        return ShownCall(
            task_id=call.spec.task_id,
            environment=call.spec.environment,
            critical=call.spec.critical,
            args=self.writer.masker.mask(call.input),
            args_sha256=self.args_sha256(call.input),
            sandbox_sha256=self.sandbox_sha256(call.spec),
            grants={name: self._shown_grant(found) for name in GRANTS if (found := getattr(sandbox, name))},
        )

    def _shown_grant(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        # One line each, whatever stands in it: a grant must not look like another part of the document.
        mask = self.writer.masker.mask_bytes
        return tuple(" ".join(mask(text.encode()).decode(errors="replace").split()) for text in texts)

    def _shown_file(self, breakpoint_id: str, number: int, path: str) -> ShownFile:
        """Return a file to show: of the run when under ``artifacts/``, otherwise kept from the workspace."""
        kept_at = shown_file_path(breakpoint_id, number)
        name = " ".join(self.writer.masker.mask_name(path).split())
        try:
            if path.startswith("artifacts/"):
                ref = self.artifacts.get(self.writer.masker.mask_name(path.removeprefix("artifacts/")))
                if ref is None:
                    raise NotFoundError(f"the run has no artifact {path}.")
                return ShownFile(name=name, ref=ref)
            file = (self.workspace / path).resolve()
            if not file.is_relative_to(self.workspace.resolve()) or not file.is_file():
                raise NotFoundError(f"there is no file {path} in the workspace.")
            return ShownFile(name=name, ref=self.writer.put_blob(kept_at, file.read_bytes()))
        except NotFoundError as error:
            # The approver must see that something is missing; the question stands all the same.
            return ShownFile(
                name=name, ref=self.writer.put_blob(kept_at, f"(missing: {error.message})".encode())
            )

    def _timer(self, command: cmd.SetTimer) -> ev.Event:
        due_at = command.due_at
        if due_at is None:
            due_at = format_time(self.clock.now_ns() + int((command.delay_s or 0) * SECOND_NS))
        return ev.TimerSet(call_id=command.call_id, due_at=due_at, place=self._place(command))

    def _signal(self, command: cmd.AwaitSignal) -> ev.Event:
        return ev.SignalAwaited(call_id=command.call_id, name=command.name, place=self._place(command))

    def _value(self, command: cmd.TakeValue) -> ev.Event:
        if command.kind == "now":
            return ev.ValueTaken(call_id=command.call_id, kind="now", value=format_time(self.clock.now_ns()))
        if command.kind == "random":
            return ev.ValueTaken(call_id=command.call_id, kind="random", value=self.dice.uniform())
        bits = self.dice.bits(128) & ~(0xF000 << 64) & ~(0xC000 << 48) | (4 << 76) | (2 << 62)
        digits = f"{bits:032x}"
        text = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return ev.ValueTaken(call_id=command.call_id, kind="uuid", value=text)

    def _log(self, command: cmd.WriteLog) -> ev.Event:
        level = cast("Literal['debug', 'info', 'warning', 'error']", command.level)
        return ev.LogWritten(
            call_id=command.call_id, level=level, message=command.message, fields=command.fields
        )

    def _patch(self, command: cmd.MarkPatch) -> ev.Event:
        return ev.Patched(call_id=command.call_id, patch_id=command.patch_id)

    def _artifact(self, command: cmd.WriteArtifact) -> ev.Event:
        name = self.writer.masker.mask_name(command.path)
        # A path that a line has named keeps its bytes; the next of that name stands under its own call.
        path = f"artifacts/{command.call_id}/{name}" if name in self.artifacts else f"artifacts/{name}"
        ref = self.writer.put_blob(path, command.content)
        return ev.ArtifactWritten(call_id=command.call_id, ref=ref)

    def _child(self, command: cmd.StartChild) -> ev.Event:
        return ev.ChildStarted(
            call_id=command.call_id,
            child_run_id=child_run_id(self.run_id, command.call_id),
            process_id=command.process_id,
            inputs=command.inputs,
            inputs_sha256="",
            place=self._place(command),
        )

    def _cancel(self, command: cmd.CancelCall) -> ev.Event:
        if command.effect_id is not None:
            return ev.EffectCancelled(effect_id=command.effect_id, call_id=command.call_id)
        return ev.CallCancelled(call_id=command.call_id)

    def _complete(self, command: cmd.Complete) -> ev.Event:
        return ev.RunCompleted(output=command.output, output_sha256="")

    def _fail(self, command: cmd.Fail) -> ev.Event:
        return ev.RunFailed(error=command.error)

    def _end_cancelled(self, command: cmd.EndCancelled) -> ev.Event:
        return ev.RunCancelled(reason=command.reason)


def _refs(shown: Shown, looked: Looked | None) -> tuple[ev.BlobRef, ...]:
    """Return the files that are part of what is shown."""
    patch = () if looked is None else (looked.difference.patch,)
    return (*patch, *(file.ref for file in shown.files))


_EVENTS: dict[type[cmd.Command], Callable[[Journalist, Any], ev.Event]] = {
    cmd.RequestEffect: Journalist._effect,
    cmd.RequestBreakpoint: Journalist._breakpoint,
    cmd.SetTimer: Journalist._timer,
    cmd.AwaitSignal: Journalist._signal,
    cmd.TakeValue: Journalist._value,
    cmd.WriteLog: Journalist._log,
    cmd.MarkPatch: Journalist._patch,
    cmd.WriteArtifact: Journalist._artifact,
    cmd.StartChild: Journalist._child,
    cmd.CancelCall: Journalist._cancel,
    cmd.Complete: Journalist._complete,
    cmd.Fail: Journalist._fail,
    cmd.EndCancelled: Journalist._end_cancelled,
}
