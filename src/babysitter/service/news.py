"""Whether a run's process was left untold of something: people write lines while nobody drives it."""

from typing import Any

from babysitter.model import events as ev

_NEWS = frozenset(
    {
        ev.BreakpointReleased,
        ev.BreakpointRejected,
        ev.SignalReceived,
        ev.RunCancelRequested,
        # Of a batch that was torn, what the process did about the lines before may be lost.
        ev.JournalRecovered,
    }
)
_NEITHER = frozenset(
    {
        ev.BreakpointResponded,
        ev.BreakpointReassigned,
        ev.BreakpointInfoRequested,
        ev.BreakpointInfoGiven,
        ev.PolicyDenied,
        ev.SecretDetected,
        ev.ProcessChanged,
        ev.ProcessAdmitted,
    }
)
"""Lines that no process gives, so that they show nothing of what it has been told."""


def has_news_after(event: Any, had_news: bool) -> bool:  # noqa: ANN401, FBT001 (any event; a fact that is passed on)
    """Tell whether, after a line, something may be left that no driver has told the process of."""
    kind = type(event)
    if kind is ev.EffectResolved:
        return event.request_id is not None
    return kind in _NEWS or (had_news and kind in _NEITHER)
