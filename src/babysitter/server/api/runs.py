"""The API of runs and their tasks."""

from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.harness import Iteration
from babysitter.service.hosting.rerunning import rerun as start_again
from babysitter.service.hosting.runs import (
    EventPage,
    Output,
    Posted,
    Reason,
    RunPage,
    RunShown,
    SentView,
    Signal,
    Start,
    TaskList,
    TaskShown,
    VisitedRuns,
    Wish,
)
from babysitter.service.verifying import VerificationView
from babysitter.service.views import RunView

_WHERE = {"workspace": "The id of a workspace; without it, whichever has the run."}
_RUNS = {
    "workspace": "The id of a workspace; without it, all that you may look at.",
    "status": "running, waiting, completed, failed or cancelled.",
    "process": "The id of a process.",
    "text": "Part of the run's id, its process or who asked for it.",
    "cursor": "The cursor of the page before.",
    "limit": "How many, 1 to 500.",
}


def page(asked: Asked) -> Reply:
    """List runs."""
    return as_json(VisitedRuns(asked.visit).page(asked.wish(Wish)))


def start(asked: Asked) -> Reply:
    """Create a run."""
    return as_json(VisitedRuns(asked.visit).start(asked.given(Start)), status=201)


def show(asked: Asked) -> Reply:
    """Show a run with its tasks and questions."""
    return as_json(VisitedRuns(asked.visit).show(asked.params["run"], asked.workspace))


def status(asked: Asked) -> Reply:
    """Say where a run stands."""
    return as_json(VisitedRuns(asked.visit).status(asked.params["run"], asked.workspace))


def events(asked: Asked) -> Reply:
    """Give some of a run's lines."""
    found = VisitedRuns(asked.visit).events(
        asked.params["run"],
        after=asked.number("after", 0),
        limit=asked.number("limit", 500),
        workspace=asked.workspace,
    )
    return as_json(found)


def rerun(asked: Asked) -> Reply:
    """Create a run of the same ENTRY with the same inputs."""
    return as_json(start_again(asked.visit, asked.params["run"], asked.workspace), status=201)


def cancel(asked: Asked) -> Reply:
    """Ask a run to stop."""
    given = asked.given(Reason)
    return as_json(VisitedRuns(asked.visit).cancel(asked.params["run"], given, asked.workspace))


def signal(asked: Asked) -> Reply:
    """Give a run a signal."""
    given = asked.given(Signal)
    return as_json(VisitedRuns(asked.visit).signal(asked.params["run"], given, asked.workspace))


def iterate(asked: Asked) -> Reply:
    """Advance a harness's run."""
    return as_json(VisitedRuns(asked.visit).iterate(asked.params["run"], asked.workspace))


def verify(asked: Asked) -> Reply:
    """Verify a run."""
    return as_json(VisitedRuns(asked.visit).verify(asked.params["run"], asked.workspace))


def tasks(asked: Asked) -> Reply:
    """List a run's tasks."""
    return as_json(VisitedRuns(asked.visit).tasks(asked.params["run"], asked.workspace))


def task(asked: Asked) -> Reply:
    """Show a task."""
    found = VisitedRuns(asked.visit).task(asked.params["run"], asked.params["effect"], asked.workspace)
    return as_json(found)


def post(asked: Asked) -> Reply:
    """Post a task's outcome."""
    given = asked.given(Posted)
    params = asked.params
    return as_json(VisitedRuns(asked.visit).post(params["run"], params["effect"], given, asked.workspace))


def output(asked: Asked) -> Reply:
    """Give a piece of a task's output."""
    params = asked.params
    found = VisitedRuns(asked.visit).output(
        params["run"],
        params["effect"],
        params["stream"],
        offset=asked.number("offset", -1),
        workspace=asked.workspace,
    )
    return as_json(found)


_LINES = {"after": "Only lines after this seq.", "limit": "How many, 1 to 500.", **_WHERE}
_RUN = "/api/v1/runs/{run}"
ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/runs",
        name="runs.list",
        answer=page,
        summary="List runs, newest first.",
        action="run.read",
        gives=RunPage,
        query=_RUNS,
    ),
    Route(
        method="POST",
        path="/api/v1/runs",
        name="runs.create",
        answer=start,
        summary="Create a run in the caller's name.",
        action="run.create",
        takes=Start,
        gives=RunView,
        status=201,
    ),
    Route(
        method="GET",
        path=_RUN,
        name="runs.show",
        answer=show,
        summary="Show a run with its tasks and questions.",
        action="run.read",
        gives=RunShown,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/status",
        name="runs.status",
        answer=status,
        summary="Say where a run stands.",
        action="run.read",
        gives=RunView,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/events",
        name="runs.events",
        answer=events,
        summary="Give some of a run's journal lines.",
        action="run.read",
        gives=EventPage,
        query=_LINES,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/stream",
        name="runs.stream",
        answer=None,
        summary="Give a run's lines as they come, as server-sent events; Last-Event-ID is a seq.",
        action="run.read",
        query={"after": "Only lines after this seq, where there is no Last-Event-ID.", **_WHERE},
        streams=True,
    ),
    Route(
        method="POST",
        path=f"{_RUN}/rerun",
        name="runs.rerun",
        answer=rerun,
        summary="Create a run of the same ENTRY with the same inputs, in the caller's name.",
        action="run.create",
        gives=RunView,
        status=201,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_RUN}/cancel",
        name="runs.cancel",
        answer=cancel,
        summary="Ask a run to stop; its process may clean up.",
        action="run.cancel",
        takes=Reason,
        gives=SentView,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_RUN}/signal",
        name="runs.signal",
        answer=signal,
        summary="Give a run a signal.",
        action="run.signal",
        takes=Signal,
        gives=SentView,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_RUN}/iterate",
        name="runs.iterate",
        answer=iterate,
        summary="Advance a run that a harness performs, and hand out what may start.",
        action="task.post",
        gives=Iteration,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/verification",
        name="runs.verify",
        answer=verify,
        summary="Verify a run's journal and files; nothing is changed.",
        action="run.verify",
        gives=VerificationView,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/tasks",
        name="tasks.list",
        answer=tasks,
        summary="List a run's effects with their states, in the order in which they were asked for.",
        action="task.read",
        gives=TaskList,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/tasks/{{effect}}",
        name="tasks.show",
        answer=task,
        summary="Show one effect with every line that speaks of it.",
        action="task.read",
        gives=TaskShown,
        query=_WHERE,
    ),
    Route(
        method="POST",
        path=f"{_RUN}/tasks/{{effect}}/result",
        name="tasks.post",
        answer=post,
        summary="Post the outcome of an effect that was handed out.",
        action="task.post",
        takes=Posted,
        gives=SentView,
        query=_WHERE,
    ),
    Route(
        method="GET",
        path=f"{_RUN}/tasks/{{effect}}/{{stream}}",
        name="tasks.output",
        answer=output,
        summary="Give a piece of an effect's stdout or stderr, masked.",
        action="task.read",
        gives=Output,
        query={"offset": "Where to begin, in bytes; without it, the end of what there is.", **_WHERE},
    ),
)
