"""What visitors see of runs and do with them."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec import Struct

from babysitter.journal.reader import Piece
from babysitter.model.errors import NotFoundError, UsageError
from babysitter.model.values import Json
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.harness import Harness, Iteration
from babysitter.service.hosting.catalogue import Entry, place_in_list
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.visit import Visit
from babysitter.service.mail import PostMail
from babysitter.service.runs import RunService
from babysitter.service.session import NewRun
from babysitter.service.verifying import VerificationView, verify_runs
from babysitter.service.views import BreakpointView, EventView, RunView, TaskView, View

PAGE_MAX = 500
OUTPUT_BYTES_MAX = 256 * 1024


class RunRow(View, frozen=True, kw_only=True):
    """A run of a list, and the workspace that it is in. ``problem``: why it can't be read, or go on."""

    workspace: str
    run_id: str
    process_id: str
    status: str
    created_at: str
    updated_at: str
    requested_by: str
    parent_run_id: str | None
    seq: int
    steps: int
    done: int
    failed: int
    questions: int
    due_at: str | None
    problem: str


class RunPage(View, frozen=True, kw_only=True):
    """Some runs, newest first. ``cursor``: where the next page begins; None: there is none."""

    runs: tuple[RunRow, ...]
    total: int
    cursor: str | None


class EventPage(View, frozen=True, kw_only=True):
    """Some lines of a journal. ``cursor``: the last seq; ask again with ``after`` it."""

    events: tuple[EventView, ...]
    cursor: int
    more: bool


class RunShown(View, frozen=True, kw_only=True):
    """A run with its tasks and questions."""

    workspace: str
    run: RunView
    tasks: tuple[TaskView, ...]
    breakpoints: tuple[BreakpointView, ...]
    problem: str = ""


class TaskList(View, frozen=True, kw_only=True):
    """A run's effects, in the order in which they were asked for."""

    tasks: tuple[TaskView, ...]


class TaskShown(View, frozen=True, kw_only=True):
    """A task's effect with every line that speaks of it."""

    task: TaskView
    events: tuple[EventView, ...]


class Output(View, frozen=True, kw_only=True):
    """A piece of a task's output, masked. ``offset``: where it begins; ``next``: where the next one does."""

    effect_id: str
    stream: str
    offset: int
    next: int
    size: int
    text: str


class SentView(View, frozen=True, kw_only=True):
    """What became of a message to a run; no lines while it is queued for the driver."""

    request_id: str
    lines: tuple[EventView, ...]


class Wish(Struct, frozen=True, kw_only=True):
    """Which runs. ``text``: in the id, the process or who asked. ``cursor``: of the page before."""

    workspace: str = ""
    status: str = ""
    process: str = ""
    text: str = ""
    cursor: str = ""
    limit: int = 50


class Start(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A run to create. ``drive`` false: for a harness that performs its effects itself."""

    entry: str
    inputs: Json = None
    run_id: str | None = None
    workspace: str = ""
    drive: bool = True


class Reason(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Why a run is to stop."""

    reason: str = ""


class Signal(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A signal for a process."""

    name: str
    payload: Json = None


class Posted(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The outcome of an effect that was handed out. ``status``: ``ok`` or ``error``.

    stdout, stderr: what it printed; masked before it is kept.
    """

    status: Literal["ok", "error"]
    value: Json = None
    error_name: str = ""
    error_message: str = ""
    stdout: str | None = None
    stderr: str | None = None


def row_of(hosted: Hosted, entry: Entry) -> RunRow:
    """Return an entry of the catalogue as a list shows it."""
    problem = entry.problem or (hosted.conductor.problem(entry.run_id) if hosted.conductor else "")
    facts: dict[str, Any] = {
        name: getattr(entry, name) for name in Entry.__struct_fields__ if name in RunRow.__struct_fields__
    }
    return RunRow(workspace=hosted.id, **{**facts, "problem": problem})


@dataclass(frozen=True, slots=True)
class VisitedRuns:
    """Use cases of a visitor on runs."""

    visit: Visit

    def page(self, wish: Wish) -> RunPage:
        """Return the runs that are wanted, newest first.

        Raises:
            UsageError: the cursor is none of ours, or the limit none.
        """
        if not 1 <= wish.limit <= PAGE_MAX:
            raise UsageError(f"limit is {wish.limit}.", hint=f"Ask for 1 to {PAGE_MAX} runs at once.")
        found = [
            (entry, hosted)
            for hosted in self.visit.everywhere("run.read", wish.workspace)
            for entry in hosted.catalogue.all()
            if _is_wanted(entry, wish)
        ]
        found.sort(key=lambda pair: place_in_list(pair[0]), reverse=True)
        begin = _place_of(wish.cursor, [pair[0] for pair in found])
        part = found[begin : begin + wish.limit]
        more = begin + wish.limit < len(found)
        return RunPage(
            runs=tuple(row_of(hosted, entry) for entry, hosted in part),
            total=len(found),
            cursor=f"{part[-1][0].created_at}/{part[-1][0].run_id}" if more else None,
        )

    def show(self, run_id: str, workspace: str = "") -> RunShown:
        """Return a run with its tasks and questions."""
        hosted = self.visit.run("run.read", run_id, workspace)
        queries, entry = hosted.queries, hosted.catalogue.get(run_id)
        return RunShown(
            workspace=hosted.id,
            run=without_place(queries.status(run_id)),
            tasks=tuple(queries.tasks(run_id)),
            breakpoints=tuple(queries.breakpoints(run_id)),
            problem=row_of(hosted, entry).problem if entry is not None else "",
        )

    def status(self, run_id: str, workspace: str = "") -> RunView:
        """Return where a run stands."""
        hosted = self.visit.run("run.read", run_id, workspace)
        return without_place(hosted.queries.status(run_id))

    def events(self, run_id: str, *, after: int = 0, limit: int = PAGE_MAX, workspace: str = "") -> EventPage:
        """Return some of a run's lines, from the one after ``after`` on."""
        if not 1 <= limit <= PAGE_MAX or after < 0:
            raise UsageError(
                f"after is {after} and limit {limit}.", hint=f"Ask for 1 to {PAGE_MAX} lines after 0 or more."
            )
        hosted = self.visit.run("run.read", run_id, workspace)
        found: list[EventView] = []
        for event in hosted.queries.events(run_id, after=after):
            if len(found) == limit:
                return EventPage(events=tuple(found), cursor=found[-1].seq, more=True)
            found.append(event)
        return EventPage(events=tuple(found), cursor=found[-1].seq if found else after, more=False)

    def start(self, wish: Start) -> RunView:
        """Create a run in the caller's name, and have it driven unless a harness will."""
        hosted = self.visit.at("run.create", wish.workspace)
        new = NewRun(
            entry=wish.entry,
            inputs=wish.inputs,
            run_id=wish.run_id,
            requested_by=self.visit.caller.name,
            harness=not wish.drive,
        )
        run_id = RunService(hosted.workspace).begin(new)
        hosted.poke(run_id)
        return without_place(hosted.queries.status(run_id))

    def iterate(self, run_id: str, workspace: str = "") -> Iteration:
        """Advance a harness's run and hand out what may start."""
        hosted = self.visit.run("task.post", run_id, workspace)
        entry = hosted.catalogue.get(run_id)
        if entry is not None and not entry.harness:
            raise UsageError(
                f"run {run_id} is driven by this server.", hint="Create it with drive false to perform it."
            )
        found = Harness(hosted.workspace, self.visit.caller.name).iterate(run_id)
        hosted.poke(run_id)
        return msgspec.structs.replace(found, run=without_place(found.run))

    def cancel(self, run_id: str, reason: Reason, workspace: str = "") -> SentView:
        """Ask a run to stop; its process may clean up."""
        hosted = self.visit.run("run.cancel", run_id, workspace)
        return self._sent(hosted, run_id, self._delivery(hosted).cancel(run_id, reason=reason.reason))

    def signal(self, run_id: str, signal: Signal, workspace: str = "") -> SentView:
        """Give a run a signal."""
        hosted = self.visit.run("run.signal", run_id, workspace)
        sent = self._delivery(hosted).signal(run_id, signal.name, signal.payload)
        return self._sent(hosted, run_id, sent)

    def tasks(self, run_id: str, workspace: str = "") -> TaskList:
        """Return a run's effects."""
        return TaskList(tasks=tuple(self.visit.run("task.read", run_id, workspace).queries.tasks(run_id)))

    def task(self, run_id: str, effect_id: str, workspace: str = "") -> TaskShown:
        """Return one effect with the lines that speak of it."""
        hosted = self.visit.run("task.read", run_id, workspace)
        events = hosted.queries.task_events(run_id, effect_id)
        task = next(task for task in hosted.queries.tasks(run_id) if task.effect_id == effect_id)
        return TaskShown(task=task, events=tuple(events))

    def output(
        self, run_id: str, effect_id: str, stream: str, *, offset: int = -1, workspace: str = ""
    ) -> Output:
        """Return a piece of an effect's output; ``offset`` -1: the end of what there is."""
        hosted = self.visit.run("task.read", run_id, workspace)
        if stream not in ("stdout", "stderr"):
            raise UsageError(f"{stream[:40]!r} is no stream.", hint="Ask for stdout or stderr.")
        task = self.task(run_id, effect_id, hosted.id).task
        suffix = "" if task.attempt <= 1 else f".{task.attempt}"
        piece = read_output(hosted, run_id, f"tasks/{effect_id}/{stream}{suffix}.log", offset)
        return Output(
            effect_id=effect_id,
            stream=stream,
            offset=piece.offset,
            next=piece.offset + len(piece.data),
            size=piece.size,
            text=piece.data.decode("utf-8", "replace"),
        )

    def post(self, run_id: str, effect_id: str, posted: Posted, workspace: str = "") -> SentView:
        """Give an effect that was handed out the outcome that the caller brought about."""
        hosted = self.visit.run("task.post", run_id, workspace)
        delivery = self._delivery(hosted)
        message = PostMail(
            request_id=delivery.new_id(),
            sender=self.visit.caller.name,
            effect_id=effect_id,
            status=posted.status,
            value=posted.value,
            error_name=posted.error_name,
            error_message=posted.error_message,
            stdout=posted.stdout,
            stderr=posted.stderr,
        )
        return self._sent(hosted, run_id, delivery.post(run_id, message))

    def verify(self, run_id: str, workspace: str = "") -> VerificationView:
        """Verify a run's journal and files; change nothing."""
        hosted = self.visit.run("run.verify", run_id, workspace)
        return verify_runs(hosted.workspace.store, [run_id])[0]

    def _delivery(self, hosted: Hosted) -> Delivery:
        return Delivery(hosted.workspace, self.visit.caller.name)

    def _sent(self, hosted: Hosted, run_id: str, sent: Sent) -> SentView:
        hosted.poke(run_id)
        return SentView(request_id=sent.request_id, lines=sent.lines)


def _is_wanted(entry: Entry, wish: Wish) -> bool:
    if wish.status and entry.status != wish.status:
        return False
    if wish.process and entry.process_id != wish.process:
        return False
    text = wish.text.casefold()
    return not text or any(
        text in value.casefold() for value in (entry.run_id, entry.process_id, entry.requested_by)
    )


def _place_of(cursor: str, entries: list[Entry]) -> int:
    if not cursor:
        return 0
    created_at, mark, run_id = cursor.partition("/")
    if not mark:
        raise UsageError("the cursor is none of ours.", hint="Use the cursor of the page before.")
    after = (created_at, run_id)
    return sum(1 for entry in entries if place_in_list(entry) >= after)


def without_place(view: RunView) -> RunView:
    """Return a run without where it lies on the server's disk, which is nobody's business."""
    return msgspec.structs.replace(view, location="")


def read_output(hosted: Hosted, run_id: str, path: str, offset: int = -1) -> Piece:
    """Return a part of what a program printed, nothing where it has printed nothing."""
    try:
        return hosted.queries.read_piece(run_id, path, offset=offset, bytes_max=OUTPUT_BYTES_MAX)
    except NotFoundError:
        return Piece(data=b"", offset=0, size=0)
