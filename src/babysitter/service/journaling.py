"""From a command of the process to the event that journals it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from babysitter.journal.writer import JournalWriter
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import Clock, Dice, format_time
from babysitter.model.errors import NotFoundError
from babysitter.model.ids import breakpoint_id, child_run_id, effect_id
from babysitter.model.values import Json
from babysitter.policy.decide import rule_for_question
from babysitter.policy.rules import Policy, Rule, is_guarded
from babysitter.service.shown import Shown, ShownFile, render_shown

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Journalist:
    """Makes the event of a command, writing first what the event names. One a run."""

    run_id: str
    writer: JournalWriter
    clock: Clock
    dice: Dice
    policy: Policy
    policy_sha256: str
    workspace: Path
    read_file: Callable[[str], bytes]
    artifacts: Mapping[str, ev.BlobRef]

    def event_for(self, command: cmd.Command) -> ev.Event:
        """Return the event that journals the command."""
        event: ev.Event = _EVENTS[type(command)](self, command)
        return event

    def args_sha256(self, value: Json) -> str:
        """Return the digest of an effect's input in its masked, canonical form."""
        return self.writer.digest(value)

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
        )

    def _breakpoint(self, command: cmd.RequestBreakpoint) -> ev.Event:
        guards = any(is_guarded(call.spec) for call in command.approves)
        rule = rule_for_question(self.policy, command.context, guards=guards)
        expires_at = None
        if command.expires_in_s is not None:
            expires_at = format_time(self.clock.now_ns() + int(command.expires_in_s * SECOND_NS))
        return self.question(command, rule, name=command.title or "breakpoint", expires_at=expires_at)

    def question(
        self, command: cmd.RequestBreakpoint, rule: Rule, *, name: str, expires_at: str | None = None
    ) -> ev.BreakpointRequested:
        """Return BREAKPOINT_REQUESTED after keeping what the approver will be shown, byte for byte."""
        mask = self.writer.masker.mask
        identity = breakpoint_id(command.call_id, self.writer.masker.mask_name(name))
        files = [self._shown_file(path) for path in command.files]
        covered = [
            (call, ev.CoveredRef(task_id=call.spec.task_id, args_sha256=self.args_sha256(call.input)))
            for call in command.approves
        ]
        shown = render_shown(
            Shown(
                question=mask(command.question),
                title=mask(command.title),
                context=mask(command.context),
                run_id=self.run_id,
                rule=rule,
                calls=[(call.spec, mask(call.input), ref.args_sha256) for call, ref in covered],
                files=files,
            )
        )
        ref = self.writer.put_blob(f"breakpoints/{identity}/shown.md", shown.encode())
        return ev.BreakpointRequested(
            breakpoint_id=identity,
            call_id=command.call_id,
            question=command.question,
            title=command.title,
            context=command.context,
            tags=command.tags,
            rule=rule.id,
            quorum=rule.quorum,
            eligible=rule.eligible,
            policy_sha256=self.policy_sha256,
            shown_sha256=ref.sha256,
            files=tuple(file.ref for file in files if file.ref is not None),
            approves=tuple(ref for _, ref in covered),
            expires_at=expires_at,
        )

    def _shown_file(self, path: str) -> ShownFile:
        """Return a file to show: of the run when it is under ``artifacts/``, otherwise of the workspace."""
        try:
            if path.startswith("artifacts/"):
                ref = self.artifacts.get(self.writer.masker.mask_name(path.removeprefix("artifacts/")))
                if ref is None:
                    raise NotFoundError(f"the run has no artifact {path}.")
                content = self.read_file(ref.path)
                return ShownFile(path=path, content=content, ref=ref)
            file = (self.workspace / path).resolve()
            if not file.is_relative_to(self.workspace.resolve()) or not file.is_file():
                raise NotFoundError(f"there is no file {path} in the workspace.")
            content = self.writer.masker.mask_bytes(file.read_bytes())
        except NotFoundError as error:
            # The approver must see that something is missing; the question stands all the same.
            return ShownFile(path=path, content=f"(missing: {error.message})".encode(), ref=None)
        return ShownFile(path=path, content=content, ref=None)

    def _timer(self, command: cmd.SetTimer) -> ev.Event:
        due_at = command.due_at
        if due_at is None:
            due_at = format_time(self.clock.now_ns() + int((command.delay_s or 0) * SECOND_NS))
        return ev.TimerSet(call_id=command.call_id, due_at=due_at)

    def _signal(self, command: cmd.AwaitSignal) -> ev.Event:
        return ev.SignalAwaited(call_id=command.call_id, name=command.name)

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
