"""Tools that change nothing: each reads its arguments, asks one use case, and gives its view."""

from babysitter.mcp import arguments as given
from babysitter.mcp.calls import Call
from babysitter.mcp.results import (
    Breakpoints,
    Events,
    NobodyNeeded,
    ShownBreakpoint,
    TaskEvents,
    Tasks,
)
from babysitter.model.errors import InvalidValueError
from babysitter.model.findings import Scan
from babysitter.service.auditing import AuditReport, audit
from babysitter.service.confined_scanning import scan_confined
from babysitter.service.policing import ExplanationView, Policing, WhatIf
from babysitter.service.queries import Queries
from babysitter.service.reading import find_breakpoint
from babysitter.service.views import RunView

EVENTS_BYTES_MAX = 256 * 1024


def run_status(call: Call, asked: given.OneRun) -> RunView:
    """See tools.TOOLS."""
    queries = Queries(call.open())
    return call.hands.shown(queries.status(queries.run_id(asked.run_id)))


def run_events(call: Call, asked: given.EventsOfRun) -> Events:
    """See tools.TOOLS."""
    queries = Queries(call.open())
    found, more = queries.events_page(
        queries.run_id(asked.run_id),
        after=asked.after,
        types=asked.types,
        limit=asked.limit,
        bytes_max=EVENTS_BYTES_MAX,
    )
    return Events(events=tuple(found), more=more)


def task_list(call: Call, asked: given.TasksOfRun) -> Tasks:
    """See tools.TOOLS."""
    queries = Queries(call.open())
    views = queries.tasks(queries.run_id(asked.run_id))
    open_ = [view for view in views if view.state not in ("ok", "error", "cancelled")]
    return Tasks(tasks=tuple(open_ if asked.pending else views))


def task_show(call: Call, asked: given.OneTask) -> TaskEvents:
    """See tools.TOOLS."""
    queries = Queries(call.open())
    events = queries.task_events(queries.run_id(asked.run_id), asked.effect_id)
    return TaskEvents(effect_id=asked.effect_id, events=tuple(events))


def breakpoint_list(call: Call, asked: given.BreakpointsOfRun) -> Breakpoints:
    """See tools.TOOLS."""
    queries = Queries(call.open())
    views = queries.inbox() if asked.run_id is None else queries.breakpoints(queries.run_id(asked.run_id))
    return Breakpoints(breakpoints=tuple(views))


def breakpoint_show(call: Call, asked: given.OneBreakpoint) -> ShownBreakpoint:
    """See tools.TOOLS."""
    queries = Queries(call.open())
    run_id, view = queries.find_breakpoint(asked.breakpoint)
    shown = queries.read_file(run_id, f"breakpoints/{view.breakpoint_id}/shown.md").decode()
    return ShownBreakpoint(breakpoint=view, shown=shown)


def journal_verify(call: Call, asked: given.Verify) -> AuditReport:
    """See tools.TOOLS."""
    opened = call.open()
    run_ids = None if asked.run_id is None else [Queries(opened).run_id(asked.run_id)]
    return audit(opened.store, opened.log_folder, run_ids=run_ids)


def scan(call: Call, asked: given.ScanPaths) -> Scan:
    """See tools.TOOLS."""
    return scan_confined(call.open(), asked.paths, asked.exclude, call.refuse_if_cancelled)


def policy_explain(call: Call, asked: given.Explain) -> ExplanationView | NobodyNeeded:
    """See tools.TOOLS."""
    if (asked.breakpoint is None) == (asked.task is None):
        raise InvalidValueError("give either breakpoint or task.", hint="See the tool's inputSchema.")
    opened = call.open()
    use_case = Policing(opened, call.desk.acts_as)
    if asked.breakpoint is not None:
        return use_case.explain(*find_breakpoint(opened.store, asked.breakpoint))
    what_if = WhatIf(
        task=asked.task,
        process=asked.process,
        environment=asked.environment,
        critical=asked.critical,
        tags=asked.tags,
    )
    return use_case.explain_what_if(what_if) or NobodyNeeded()
