"""What each tool gives: the objects of ``--json``, and their JSON schemas.

Where the command prints an object around a list, that object is a type here.
"""

from typing import Any

import msgspec
from msgspec import Struct

from babysitter.service.views import BreakpointView, EventView, TaskView, View

_DEFINED = "#/$defs/{name}"


class Events(View, frozen=True, kw_only=True):
    """Lines of a journal. ``more``: there are more; ask for those after the last seq."""

    events: tuple[EventView, ...]
    more: bool


class Tasks(View, frozen=True, kw_only=True):
    """The tasks of a run, in the order they were asked for."""

    tasks: tuple[TaskView, ...]


class TaskEvents(View, frozen=True, kw_only=True):
    """All lines that speak of one task."""

    effect_id: str
    events: tuple[EventView, ...]


class Posted(View, frozen=True, kw_only=True):
    """What became of a message: the lines that came of it; none while it is queued for the run's driver."""

    request_id: str
    lines: tuple[EventView, ...]


class Breakpoints(View, frozen=True, kw_only=True):
    """Questions to people."""

    breakpoints: tuple[BreakpointView, ...]


class ShownBreakpoint(View, frozen=True, kw_only=True):
    """A question, and what an approver is shown, byte for byte."""

    breakpoint: BreakpointView
    shown: str


class Answered(View, frozen=True, kw_only=True):
    """An answer that was given, and the lines that came of it."""

    run_id: str
    breakpoint_id: str
    decision: str
    request_id: str
    lines: tuple[EventView, ...]


class NobodyNeeded(View, frozen=True, kw_only=True):
    """No rule asks for anybody's yes."""

    rule: None = None
    allowed: bool = True


def schema_of(*kinds: type[Struct]) -> dict[str, Any]:
    """Return the JSON schema of a type as MCP wants it: an object at the root, names below ``$defs``.

    Of several types the root says that it is an object of one of these.
    """
    roots, defined = msgspec.json.schema_components(kinds, ref_template=_DEFINED)
    if len(roots) == 1:
        root = defined.pop(roots[0]["$ref"].rpartition("/")[2])
    else:
        root = {"type": "object", "anyOf": list(roots)}
    return {**root, "$defs": defined} if defined else root
