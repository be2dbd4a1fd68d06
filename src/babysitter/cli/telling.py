"""What a journal's event says to whoever watches, in a line: text and colour. Most types say nothing."""

from collections.abc import Callable
from typing import Any

from babysitter.cli.plain import plain, plain_lines
from babysitter.model import events as ev

Line = tuple[str, str | None]
"""Text and colour; None is dim."""
Label = Callable[[str], str]
"""Gives the name of an effect's task."""


def tell(event: ev.Event, label: Label) -> Line | None:
    """Return the line of an event that needs no more than itself; None when it says nothing."""
    how = _LINES.get(type(event))
    return how(event, label) if how is not None else None


def why(text: str) -> str:
    """Return a person's words as the end of a line."""
    return f": {indented(text)}" if text else ""


def indented(text: str) -> str:
    """Return a text whose further lines stand below its first."""
    return plain_lines(text).rstrip().replace("\n", "\n      ")


def _unknown(event: ev.EffectUnknown, label: Label) -> Line:
    then = "tried again" if event.action == "retry" else "a person is asked"
    return f"  ? {label(event.effect_id)}  outcome unknown; {then}", "yellow"


def _responded(event: ev.BreakpointResponded, _: Label) -> Line | None:
    if event.decision != "defer":
        return None
    return f"  ◆ deferred by {plain(event.approver)}{why(event.comment)}", "yellow"


def _denied(event: ev.SandboxDenied, label: Label) -> Line:
    where = f" ({plain(event.where)})" if event.where else ""
    return f"  ! the sandbox refused {plain(event.what)}{where} to {label(event.effect_id)}", "yellow"


def _released(event: ev.BreakpointReleased, _: Label) -> Line:
    return f"  ◆ approved by {plain(', '.join(event.responded_by))}{why(event.feedback)}", "green"


def _rejected(event: ev.BreakpointRejected, _: Label) -> Line:
    return f"  ◆ rejected by {plain(', '.join(event.responded_by))}{why(event.feedback)}", "red"


def _admitted(event: ev.ProcessAdmitted, _: Label) -> Line:
    if event.trust == "allowed-untrusted":
        return f"  ! untrusted code is allowed by {plain(event.by)}", "red"
    return f"  · the code is trusted ({event.trust}) by {plain(', '.join(event.trusted_by))}", None


_LINES: dict[type[ev.Event], Callable[[Any, Label], Line | None]] = {
    ev.LogWritten: lambda event, _: (f"  · {indented(event.message)}", None),
    ev.BreakpointResponded: _responded,
    ev.BreakpointReleased: _released,
    ev.BreakpointRejected: _rejected,
    ev.BreakpointExpired: lambda _, __: ("  ◆ expired: nobody answered in time", "red"),
    ev.EffectUnknown: _unknown,
    ev.JournalRecovered: lambda event, _: (
        f"  ! a torn tail of {event.dropped_bytes} bytes was cut off and kept",
        "yellow",
    ),
    ev.SandboxDenied: _denied,
    ev.SecretDetected: lambda event, _: (
        f"  ! a credential was masked ({plain(event.rule)}) in {plain(event.where)}",
        "yellow",
    ),
    ev.PolicyDenied: lambda event, _: (f"  ! {plain_lines(event.reason)}", "yellow"),
    ev.BudgetExceeded: lambda event, _: (
        f"  ! the budget of {event.limit:g} {event.budget} is used up",
        "red",
    ),
    ev.ProcessAdmitted: _admitted,
    ev.ChildStarted: lambda event, _: (f"  ▸ child run {event.child_run_id}", None),
    ev.RunCancelRequested: lambda event, _: (
        f"  ! cancel asked for by {plain(event.by)}{why(event.reason)}",
        "yellow",
    ),
}
