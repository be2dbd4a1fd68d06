"""How a server is: whether it can keep what it is given, and figures for a monitor.

Source of the text form: Prometheus, "Exposition formats", text-based format 0.0.4.
"""

from collections import Counter
from collections.abc import Iterator

from babysitter.model.errors import BabysitterError
from babysitter.service.hosting.hosting import Hosted, Hosting
from babysitter.service.hosting.visit import Visit
from babysitter.service.views import View

_STATES = ("running", "waiting", "completed", "failed", "cancelled", "unreadable")


class Health(View, frozen=True, kw_only=True):
    """Whether a server can do its work. ``status``: ``ok`` or ``failing``; what fails is for its log."""

    status: str
    version: str


def health(hosting: Hosting, version: str) -> Health:
    """Return whether every workspace can be read."""
    try:
        for hosted in hosting.all.values():
            hosted.workspace.store.run_ids()
            if hosted.failure:
                return Health(status="failing", version=version)
    except (BabysitterError, OSError):
        return Health(status="failing", version=version)
    return Health(status="ok", version=version)


def figures_text(visit: Visit) -> str:
    """Return the figures of every workspace where the caller may see them."""
    hosted = visit.everywhere("metrics.read")
    lines = [
        "# HELP babysitter_runs Runs by their state.",
        "# TYPE babysitter_runs gauge",
        *(line for each in hosted for line in _runs(each)),
        "# HELP babysitter_breakpoints_open Questions that wait for a person.",
        "# TYPE babysitter_breakpoints_open gauge",
        *(f"babysitter_breakpoints_open{_label(each)} {_questions(each)}" for each in hosted),
        "# HELP babysitter_runs_driving Runs that this server drives at this moment.",
        "# TYPE babysitter_runs_driving gauge",
        *(f"babysitter_runs_driving{_label(each)} {_driving(each)}" for each in hosted),
        "# HELP babysitter_telling_problem Whether people can't be told at the moment (1).",
        "# TYPE babysitter_telling_problem gauge",
        *(f"babysitter_telling_problem{_label(each)} {_untold(each)}" for each in hosted),
        "# HELP babysitter_watchers Streams that watch runs.",
        "# TYPE babysitter_watchers gauge",
        *(f"babysitter_watchers{_label(each)} {len(each.feed)}" for each in hosted),
    ]
    return "\n".join(lines) + "\n"


def _runs(hosted: Hosted) -> Iterator[str]:
    counted = Counter(entry.status for entry in hosted.catalogue.all())
    for state in _STATES:
        yield f'babysitter_runs{{workspace="{hosted.id}",state="{state}"}} {counted[state]}'


def _questions(hosted: Hosted) -> int:
    return sum(entry.questions for entry in hosted.catalogue.all() if not entry.has_ended)


def _driving(hosted: Hosted) -> int:
    return hosted.conductor.driving if hosted.conductor is not None else 0


def _untold(hosted: Hosted) -> int:
    return int(hosted.telling is not None and bool(hosted.telling.problem))


def _label(hosted: Hosted) -> str:
    return f'{{workspace="{hosted.id}"}}'
