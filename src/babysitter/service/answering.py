"""From a message to the events it becomes: the same whether a driver journals it or the sender does.

Pure: state, message and time in, events out.
"""

from typing import Literal, cast

from babysitter.model import events as ev
from babysitter.model.clock import format_time, parse_time
from babysitter.model.errors import (
    BabysitterError,
    NotFoundError,
    PolicyDeniedError,
    RefusedError,
    UsageError,
)
from babysitter.model.values import check_json
from babysitter.policy.decide import tally
from babysitter.policy.rules import ANYBODY
from babysitter.service.mail import AnswerMail, AnyMail, CancelMail, PostMail, SignalMail
from babysitter.service.state import HARNESS, RunState

DECISIONS = ("approve", "reject", "defer")


def mail_events(state: RunState, message: AnyMail, now_ns: int) -> list[ev.Event]:
    """Return the events that a message becomes; for an answer, ``decision_after`` may add one.

    Raises:
        BabysitterError: it can't be taken (no such breakpoint, too late, already ended).
    """
    if isinstance(message, AnswerMail):
        return [_answer(state, message, now_ns)]
    if isinstance(message, SignalMail):
        return [
            ev.SignalReceived(
                name=message.name,
                payload=message.payload,
                sender=message.sender,
                request_id=message.request_id,
            )
        ]
    if isinstance(message, CancelMail):
        if state.cancel is not None:
            return []
        return [
            ev.RunCancelRequested(reason=message.reason, by=message.sender, request_id=message.request_id)
        ]
    return [_posted(state, message, now_ns)]


def _answer(state: RunState, message: AnswerMail, now_ns: int) -> ev.Event:
    asked = state.breakpoints.get(message.breakpoint_id)
    if asked is None:
        raise NotFoundError(
            f"{message.breakpoint_id} is not open: it was answered, has expired, or was never asked.",
            hint="See what waits with: babysitter inbox",
        )
    if message.decision not in DECISIONS:
        raise UsageError(f"{message.decision!r} is no decision.", hint="Use approve, reject or defer.")
    expires_at = asked.requested.expires_at
    if expires_at is not None and parse_time(expires_at) <= now_ns:
        raise RefusedError(f"{message.breakpoint_id} expired at {expires_at}.", hint="Start the step again.")
    eligible = asked.requested.eligible
    if ANYBODY not in eligible and message.sender not in eligible:
        raise PolicyDeniedError(
            f"{message.sender} may not answer {message.breakpoint_id}: rule {asked.requested.rule} names "
            f"{', '.join(eligible)}.",
            hint="Ask one of them.",
        )
    return ev.BreakpointResponded(
        breakpoint_id=message.breakpoint_id,
        approver=message.sender,
        decision=cast("Literal['approve', 'reject', 'defer']", message.decision),
        comment=message.comment,
        method="rule" if message.method == "rule" else "local",
        request_id=message.request_id,
    )


def decision_after(state: RunState, breakpoint_id: str) -> ev.Event | None:
    """Return BREAKPOINT_RELEASED or BREAKPOINT_REJECTED when the answers so far add up to it, else None."""
    asked = state.breakpoints.get(breakpoint_id)
    if asked is None:
        return None
    requested = asked.requested
    result = tally(asked.answers, quorum=requested.quorum, eligible=requested.eligible)
    if result.state == "released":
        return ev.BreakpointReleased(
            breakpoint_id=breakpoint_id,
            approved=True,
            responded_by=result.by,
            feedback=result.feedback,
            rule=requested.rule,
        )
    if result.state == "rejected":
        return ev.BreakpointRejected(
            breakpoint_id=breakpoint_id, responded_by=result.by, feedback=result.feedback, rule=requested.rule
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
