"""A line of a journal in a few words."""

from babysitter.service.views import EventView

GIST_CHARS_MAX = 120
_TELLING = ("label", "message", "question", "name", "effectId", "breakpointId", "callId", "reason")


def gist(line: EventView) -> str:
    """Return what tells a line from others of its type: a label, a question, an id."""
    data = line.data if isinstance(line.data, dict) else {}
    found = next((str(data[name]) for name in _TELLING if data.get(name)), "")
    return found if len(found) <= GIST_CHARS_MAX else f"{found[:GIST_CHARS_MAX]}…"
