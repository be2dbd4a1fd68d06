"""From a message to the events it becomes: the same whether a driver journals it or the sender does.

Pure but for the judge, who looks at signatures and rules: state, message and time in, events out.
"""

from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import BabysitterError, NotFoundError, PolicyDeniedError
from babysitter.model.rules import ANYBODY
from babysitter.model.values import check_json
from babysitter.service.gates import Gates
from babysitter.service.judging import Judge
from babysitter.service.mail import AnswerMail, AnyMail, AskMail, CancelMail, PassOnMail, PostMail, SignalMail
from babysitter.service.pending import HARNESS, OpenBreakpoint
from babysitter.service.state import RunState


def mail_events(state: RunState, message: AnyMail, now_ns: int, judge: Judge) -> list[ev.Event]:
    """Return the events that a message becomes; for an answer, ``decision_after`` may add one.

    Raises:
        BabysitterError: it can't be taken (no such breakpoint, too late, already ended, not allowed).
    """
    match message:
        case AnswerMail():
            return [judge.responded(_asked(state, message.breakpoint_id), message, now_ns)]
        case AskMail() | PassOnMail():
            return [_about(_asked(state, message.breakpoint_id), message)]
        case SignalMail():
            return [
                ev.SignalReceived(
                    name=message.name,
                    payload=message.payload,
                    sender=message.sender,
                    request_id=message.request_id,
                )
            ]
        case CancelMail():
            if state.cancel is not None:
                return []
            return [
                ev.RunCancelRequested(reason=message.reason, by=message.sender, request_id=message.request_id)
            ]
        case PostMail():
            return [_posted(state, message, now_ns)]


def _asked(state: RunState, breakpoint_id: str) -> OpenBreakpoint:
    asked = state.breakpoints.get(breakpoint_id)
    if asked is None:
        raise NotFoundError(
            f"{breakpoint_id} is not open: it was answered, has expired, or was never asked.",
            hint="See what waits with: babysitter inbox",
        )
    return asked


def _about(asked: OpenBreakpoint, message: AskMail | PassOnMail) -> ev.Event:
    """Return the line of a message that is about a question and does not answer it."""
    if isinstance(message, AskMail):
        if message.is_reply:
            return ev.BreakpointInfoGiven(
                breakpoint_id=message.breakpoint_id,
                by=message.sender,
                answer=message.comment,
                request_id=message.request_id,
            )
        return ev.BreakpointInfoRequested(
            breakpoint_id=message.breakpoint_id,
            by=message.sender,
            question=message.comment,
            request_id=message.request_id,
        )
    eligible = asked.requested.eligible
    others = [name for name in message.to if ANYBODY not in eligible and name not in eligible]
    if others or not message.to:
        raise PolicyDeniedError(
            f"{message.breakpoint_id} can't be passed on to {', '.join(others) or 'nobody'}: rule "
            f"{asked.requested.rule} names {', '.join(eligible)}.",
            hint="Pass it on to some of those.",
        )
    return ev.BreakpointReassigned(
        breakpoint_id=message.breakpoint_id,
        to=message.to,
        by=message.sender,
        reason=message.comment,
        request_id=message.request_id,
    )


def decision_after(state: RunState, breakpoint_id: str, gates: Gates) -> ev.Event | None:
    """Return BREAKPOINT_RELEASED or BREAKPOINT_REJECTED when the answers so far add up to it, else None."""
    asked = state.breakpoints.get(breakpoint_id)
    if asked is None:
        return None
    result, break_glass = gates.outcome(asked)
    if result.state == "released":
        return ev.BreakpointReleased(
            breakpoint_id=breakpoint_id,
            approved=True,
            responded_by=result.by,
            feedback=result.feedback,
            rule=asked.requested.rule,
            break_glass=break_glass,
        )
    if result.state == "rejected":
        return ev.BreakpointRejected(
            breakpoint_id=breakpoint_id,
            responded_by=result.by,
            feedback=result.feedback,
            rule=asked.requested.rule,
        )
    return None


def expired_event(breakpoint_id: str, now_ns: int) -> ev.Event:
    """Return BREAKPOINT_EXPIRED."""
    return ev.BreakpointExpired(breakpoint_id=breakpoint_id, expired_at=format_time(now_ns))


def _posted(state: RunState, message: PostMail, now_ns: int) -> ev.Event:
    effect = state.effects.get(message.effect_id)
    if effect is None:
        raise NotFoundError(
            f"effect {message.effect_id} is not open: it has its outcome, or was never asked for.",
            hint="See what is open with: babysitter task list RUN",
        )
    if effect.phase != "running" or not effect.worker.startswith(HARNESS):
        # Only what was handed out may be posted: a gate would otherwise be walked around, and the outcome
        # of what our own worker performs be made up.
        raise PolicyDeniedError(
            f"effect {message.effect_id} was not handed out to a harness.",
            hint="Get it first with: babysitter run iterate RUN",
        )
    check_json(message.value, where="value")
    is_ok = message.status == "ok"
    error = None if is_ok else ev.ErrorInfo(name=message.error_name or "Error", message=message.error_message)
    return ev.EffectResolved(
        effect_id=message.effect_id,
        attempt=effect.attempt,
        status="ok" if is_ok else "error",
        result=message.value if is_ok else None,
        error=error,
        finished_at=format_time(now_ns),
        request_id=message.request_id,
    )


def refused_mail(message: AnyMail, refusal: BabysitterError) -> ev.Event:
    """Return the line that says why a message became no other line: its sender waits for one."""
    return ev.PolicyDenied(subject=f"mail:{message.request_id}", rule=refusal.code, reason=refusal.message)
