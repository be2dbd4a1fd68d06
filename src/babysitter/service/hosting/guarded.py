"""Whether a question is about production or something critical: by its context and what it lets through."""

import msgspec

from babysitter.journal.layout import shown_facts_path
from babysitter.journal.reader import Store
from babysitter.model.errors import NotFoundError
from babysitter.service.shown import Shown
from babysitter.service.views import BreakpointView


def is_guarded(store: Store, view: BreakpointView) -> bool:
    """Tell whether a question is about production, or about something critical."""
    context = view.context if isinstance(view.context, dict) else {}
    if context.get("environment") == "production" or context.get("critical") is True:
        return True
    try:
        data = store.read_file(view.run_id, shown_facts_path(view.breakpoint_id))
        shown = msgspec.json.decode(data, type=Shown)
    except (NotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        # What can't be read is looked at first, not last.
        return True
    return any(call.critical or call.environment == "production" for call in shown.calls)
