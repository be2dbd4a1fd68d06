"""What comes in while a run is driven: outcomes, mail, timers that are due, answers from the terminal.

Each arrival becomes one or more events through ``Worker.note``. Mail is deleted
only after the line that came of it is durable, so a crash delivers it again and
its request id makes the second delivery do nothing.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import format_time, parse_time
from babysitter.model.errors import BabysitterError, InvalidValueError, StoreError
from babysitter.model.rules import Rule
from babysitter.model.values import check_json
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.answering import decision_after, expired_event, mail_events, refused_mail
from babysitter.service.children import Children
from babysitter.service.driving import Driving
from babysitter.service.judging import Judge
from babysitter.service.mail import AnswerMail, AnyMail
from babysitter.service.patience import Patience
from babysitter.service.pending import OpenEffect
from babysitter.service.performing import Arrival, ChildFinished, Finished
from babysitter.service.posting import with_files
from babysitter.service.retries import retry_delay_s

MAIL_EVERY_S = 0.02
UNKNOWN_CALL = "!unknown"  # in the id of the call that asks whether to repeat what may have run


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A time has come. ``kind``: timer, retry or expiry; ``key``: call id, effect id or breakpoint id."""

    kind: str
    key: str
    due_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A message from the mail (with its file's name) or from the terminal (no name)."""

    message: AnyMail
    name: str | None = None


Incoming = Arrival | Due | Delivered


@dataclass(slots=True, kw_only=True)
class Inbox:
    """Collects arrivals for one run.

    ``local``: outcomes of inline tasks, and whatever waiting has taken already.
    """

    floor_arrivals: SimpleQueue[Arrival]
    children: Children
    read_mail: Callable[[], list[tuple[str, AnyMail]]]
    delete_mail: Callable[[str], None]
    judge: Judge
    now_ns: Callable[[], int]
    monotonic_s: Callable[[], float]
    local: list[Incoming] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    due: list[tuple[int, str, str, str]] = field(default_factory=list)
    consecutive: Callable[[ev.BreakpointRequested], int] = lambda _asked: 0
    _mail_at_s: float = 0.0

    def schedule(self, kind: str, key: str, due_at: str) -> None:
        """Have a Due arrive when the time has come."""
        heapq.heappush(self.due, (parse_time(due_at), kind, key, due_at))

    def next_due_s(self) -> float | None:
        """Return the seconds until the next time, 0 when it has come, None when there is none."""
        return max(0.0, (self.due[0][0] - self.now_ns()) / 1e9) if self.due else None

    def collect(self) -> list[Incoming]:
        """Return what has come in, without waiting."""
        arrivals, self.local = self.local, []
        while not self.floor_arrivals.empty():
            arrivals.append(self.floor_arrivals.get_nowait())
        if self.due and self.due[0][0] <= self.now_ns():
            arrivals.extend(self._take_due())
        now_s = self.monotonic_s()
        if now_s >= self._mail_at_s:
            self._mail_at_s = now_s + MAIL_EVERY_S
            self.forget_delivered()
            arrivals.extend(Delivered(message=message, name=name) for name, message in self.read_mail())
        return arrivals

    def forget_delivered(self) -> None:
        """Delete the mail whose lines are durable. Call it after a commit."""
        for name in self.delivered:
            self.delete_mail(name)
        self.delivered.clear()

    def _take_due(self) -> list[Incoming]:
        now_ns, found = self.now_ns(), list[Incoming]()
        while self.due and self.due[0][0] <= now_ns:
            _, kind, key, due_at = heapq.heappop(self.due)
            found.append(Due(kind=kind, key=key, due_at=due_at))
        return found

    def take_in(self, worker: Driving, arrival: Incoming) -> None:
        """Journal an arrival; none once the run has ended: it came too late, with what ended the run."""
        if worker.state.end is not None:
            return
        if isinstance(arrival, Finished):
            self.take_finished(worker, arrival)
        else:
            self.take_other(worker, arrival)

    def take_finished(self, worker: Driving, finished: Finished) -> None:
        """Journal how an attempt ended, and whether there is another."""
        worker.floor.took(finished)
        effect = worker.state.effects.get(finished.effect_id)
        outcome = finished.outcome
        # Of an effect that was stopped the result no longer counts; what it was denied has happened.
        for denial in outcome.denials if effect is None or effect.attempt == finished.attempt else ():
            worker.note(
                ev.SandboxDenied(
                    effect_id=finished.effect_id,
                    attempt=finished.attempt,
                    what=denial.what,
                    rule=denial.rule,
                    where=denial.where,
                )
            )
        if effect is None or effect.phase != "running" or effect.attempt != finished.attempt:
            return
        command = worker.calls[finished.effect_id]
        assert isinstance(command, cmd.RequestEffect), "effects are asked for by RequestEffect"
        error = outcome.error
        if error is None and command.spec.kind != "inline":
            error = _refused_result(outcome.value)
        if error is not None and self._tries_again(worker, finished, command, error):
            return
        del worker.calls[finished.effect_id]
        resolved = ev.EffectResolved(
            effect_id=finished.effect_id,
            attempt=finished.attempt,
            status="ok" if error is None else "error",
            result=outcome.value if error is None else None,
            error=error,
            stdout_ref=finished.stdout_ref,
            stderr_ref=finished.stderr_ref,
            started_at=finished.started_at,
            finished_at=finished.finished_at,
            usage=outcome.usage,
        )
        worker.note(resolved)
        if command.spec.kind != "inline":
            worker.show_task(resolved)
        worker.is_over_budget()

    def _tries_again(
        self, worker: Driving, finished: Finished, command: cmd.RequestEffect, error: ev.ErrorInfo
    ) -> bool:
        dice = round(worker.dice.uniform(), 6)
        delay_s = retry_delay_s(command.spec.retries, finished.attempt, dice)
        if delay_s is None:
            return False
        due_at = format_time(self.now_ns() + int(delay_s * 1e9))
        worker.note(
            ev.EffectRetryScheduled(
                effect_id=finished.effect_id,
                attempt=finished.attempt,
                error=error,
                delay_s=delay_s,
                dice=dice,
                due_at=due_at,
                stdout_ref=finished.stdout_ref,
                stderr_ref=finished.stderr_ref,
                started_at=finished.started_at,
                finished_at=finished.finished_at,
            )
        )
        self.schedule("retry", finished.effect_id, due_at)
        return True

    def take_other(self, worker: Driving, arrival: Incoming) -> None:
        """Journal an arrival that is not an outcome."""
        if isinstance(arrival, Due):
            self._take_time(worker, arrival)
        elif isinstance(arrival, Delivered):
            self._take_message(worker, arrival)
        elif isinstance(arrival, ChildFinished):
            worker.floor.took(arrival)
            self.children.took(worker, arrival)
        elif isinstance(arrival, BaseException):
            raise arrival
        self.settle(worker)

    def _take_time(self, worker: Driving, due: Due) -> None:
        state = worker.state
        if due.kind == "timer" and state.timers.get(due.key) == due.due_at:
            worker.note(ev.TimerFired(call_id=due.key))
        elif due.kind == "retry":
            effect = state.effects.get(due.key)
            if effect is not None and effect.phase == "backoff":
                effect.phase = "requested"
                worker.make_ready(due.key)
        elif due.kind == "expiry" and due.key in state.breakpoints:
            worker.note(expired_event(due.key, self.now_ns()))

    def _take_message(self, worker: Driving, delivered: Delivered) -> None:
        message = delivered.message
        if delivered.name is not None:
            self.delivered.append(delivered.name)
        if message.request_id in worker.state.request_ids:
            return
        try:
            events = mail_events(worker.state, message, self.now_ns(), self.judge)
            events = [with_files(event, message, worker.writer) for event in events]
        except StoreError:
            raise
        except BabysitterError as refusal:
            # The sender waits for a line: this one says why there is no other.
            worker.note(refused_mail(message, refusal))
            return
        for event in events:
            if isinstance(event, ev.EffectResolved):
                worker.calls.pop(event.effect_id, None)
            worker.note(event)
        if isinstance(message, AnswerMail):
            self._decide(worker, message.breakpoint_id)

    def _decide(self, worker: Driving, breakpoint_id: str) -> None:
        """Journal what the answers add up to, when they do."""
        decided = decision_after(worker.state, breakpoint_id, worker.gates)
        if decided is not None:
            worker.note(decided)

    def answer_by_rule(self, worker: Driving, asked: ev.BreakpointRequested) -> None:
        """Answer in a person's place where a rule says so; never whether to repeat what may have run."""
        if UNKNOWN_CALL in asked.call_id:
            return
        found = worker.gates.auto_approval(asked, lambda: self.consecutive(asked))
        if found is None:
            return
        worker.note(
            ev.BreakpointResponded(
                breakpoint_id=asked.breakpoint_id,
                approver=RULE_NAMES + found.id,
                decision="approve",
                comment=f"approved by the rule {found.id} of the settings",
                method="rule",
            )
        )
        self._decide(worker, asked.breakpoint_id)

    def settle(self, worker: Driving) -> None:
        """Bring effects in line with what people have decided about them."""
        state = worker.state
        for effect_id, feedback in list(state.refused.items()):
            del state.refused[effect_id]
            effect = state.effects.get(effect_id)
            if effect is None:
                continue
            why = f": {feedback}" if feedback else ""
            if effect.phase == "unknown":
                text = f"the outcome of attempt {effect.attempt} is unknown and it was not run again{why}"
                worker.resolve_refused(effect_id, text, rule="unknown-outcome", name="UnknownOutcomeError")
            else:
                worker.resolve_refused(
                    effect_id, f"{effect.requested.task_id} was not approved{why}", rule="approval"
                )
        for effect_id, effect in state.effects.items():
            if effect.phase == "requested":
                worker.make_ready(effect_id)

    def ask_gate(self, worker: Driving, effect: OpenEffect, rule: Rule) -> None:
        """Raise the breakpoint that the process forgot: nothing guarded starts without an approval."""
        requested = effect.requested
        command = worker.calls[requested.effect_id]
        assert isinstance(command, cmd.RequestEffect), "effects are asked for by RequestEffect"
        context = {
            "environment": requested.environment,
            "critical": requested.critical,
            "task": requested.task_id,
        }
        number = effect.gates + 1
        # Who approved before was shown the code; whoever is asked again is shown what it has become.
        shown = worker.state.reviewed.get((requested.task_id, requested.args_sha256))
        question = cmd.RequestBreakpoint(
            call_id=f"{requested.call_id}!gate{number if number > 1 else ''}",
            question=f"Let {requested.task_id} start with exactly these arguments?",
            title=f"Gate {requested.task_id}",
            context={key: value for key, value in context.items() if value},
            tags=command.spec.labels,
            approves=(cmd.CoveredCall(spec=command.spec, input=command.input),),
            since=shown.since if shown is not None else "",
            scan=shown.scan if shown is not None else None,
        )
        worker.note(worker.journalist.question(question, rule, name=requested.task_id))

    def ask_unknown(self, worker: Driving, effect: OpenEffect) -> None:
        """Ask a person about an attempt whose outcome nobody knows."""
        requested = effect.requested
        command = worker.calls[requested.effect_id]
        assert isinstance(command, cmd.RequestEffect), "effects are asked for by RequestEffect"
        question = cmd.RequestBreakpoint(
            call_id=f"{requested.call_id}{UNKNOWN_CALL}{effect.attempt}",
            question=(
                f"Attempt {effect.attempt} of {requested.task_id} was started and its outcome is unknown: "
                "the driver ended before it was journaled. Approve to run it again; reject to fail it."
            ),
            title=f"Unknown outcome of {requested.task_id}",
            context={"task": requested.task_id, "effect": requested.effect_id, "attempt": effect.attempt},
        )
        rule = worker.gates.rule_of_effect(command.spec) or worker.gates.decider.policy.asked
        worker.note(worker.journalist.question(question, rule, name=requested.task_id))

    def wind_down(self, worker: Driving, patience: Patience) -> bool:
        """Return whether a stopping driver still has something in flight that is worth its patience."""
        in_flight = worker.floor.busy or worker.floor.has_children
        if in_flight and not patience.is_over(self.monotonic_s()):
            return True
        worker.writer.commit()
        self.forget_delivered()
        return False


def _refused_result(value: object) -> ev.ErrorInfo | None:
    try:
        check_json(value, where="result")
    except InvalidValueError as error:
        return ev.ErrorInfo(name="ResultError", message=error.message)
    return None
