"""``run``: look at runs; create, advance, cancel and signal them."""

import contextlib
import sys

import click
import msgspec

from babysitter.cli.arguments import run_argument
from babysitter.cli.inputs import parse_json, read_inputs
from babysitter.cli.render import event_line, run_list, run_summary, table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import (
    STATUS_OF_RUN,
    json_option,
    leave,
    runs_dir_option,
    show,
    untrusted_option,
    workspace,
)
from babysitter.service.queries import Queries


@click.group(cls=Verbs, epilog="Example: babysitter run list --status waiting")
def run() -> None:
    """Look at runs; create, advance, cancel and signal them."""


@run.command("list", epilog="Example: babysitter run list --status waiting --json")
@click.option(
    "--status",
    type=click.Choice(["running", "waiting", "completed", "failed", "cancelled"]),
    help="Only these.",
)
@json_option
@runs_dir_option
def list_(*, status: str | None, as_json: bool, runs_dir: str | None) -> None:
    """List the runs, newest first."""
    views = Queries(workspace(runs_dir)).runs(status=status)
    show({"runs": views} if as_json else views, as_json=as_json, text=lambda: run_list(views))


@run.command("status", epilog="Example: babysitter run status last")
@run_argument
@json_option
@runs_dir_option
def status_(*, run_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Say where a run stands and what it waits for. Leaves with the run's own exit status."""
    queries = Queries(workspace(runs_dir))
    view = queries.status(queries.run_id(run_id))
    show(view, as_json=as_json, text=lambda: run_summary(view))
    leave(STATUS_OF_RUN[view.status])


@run.command("show", epilog="Example: babysitter run show last")
@run_argument
@json_option
@runs_dir_option
def show_(*, run_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Show a run with all its tasks and breakpoints."""
    from babysitter.cli.render import breakpoint_list, task_list  # noqa: PLC0415 (only here)

    queries = Queries(workspace(runs_dir))
    found = queries.run_id(run_id)
    view, tasks, questions = queries.status(found), queries.tasks(found), queries.breakpoints(found)
    whole = {"run": view, "tasks": tasks, "breakpoints": questions}
    parts = [run_summary(view), "", task_list(tasks)]
    if questions:
        parts += ["", breakpoint_list(questions, empty="")]
    show(whole, as_json=as_json, text=lambda: "\n".join(parts))


@run.command("events", epilog="Example: babysitter run events last --type EFFECT_RESOLVED")
@run_argument
@click.option("--after", type=int, default=0, help="Only lines after this seq.")
@click.option("--type", "types", multiple=True, help="Only events of this type; may be repeated.")
@json_option
@runs_dir_option
def events(*, run_id: str, after: int, types: tuple[str, ...], as_json: bool, runs_dir: str | None) -> None:
    """Print a run's events, a line each."""
    queries = Queries(workspace(runs_dir))
    found = [
        view
        for view in queries.events(queries.run_id(run_id), after=after)
        if not types or view.type in types
    ]
    show({"events": found}, as_json=as_json, text=lambda: "\n".join(event_line(view) for view in found))


@run.command("watch", epilog="Example: babysitter run watch last")
@run_argument
@json_option
@runs_dir_option
def watch(*, run_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Watch a run until it ends: on a terminal its timeline, else its events, a line each."""
    from babysitter.cli.watching import watch_lines, watch_run  # noqa: PLC0415 (only here)

    opened = workspace(runs_dir)
    found = Queries(opened).run_id(run_id)
    live = sys.stdout.isatty() and sys.stdin.isatty() and not as_json
    status = watch_run(opened, found) if live else watch_lines(opened, found, as_json=as_json)
    if live:
        click.echo(run_summary(Queries(opened).status(found)))
    leave(STATUS_OF_RUN[status])


@run.command("create", epilog="Example: babysitter run create process.py --input target=dist --json")
@click.argument("entry")
@click.option(
    "--inputs", "inputs_file", type=click.Path(), help="A JSON file with the inputs; - is standard input."
)
@click.option(
    "--input", "pairs", multiple=True, metavar="K=V", help="One input; V is JSON, or text as it is."
)
@click.option("--run-id", help="The run's id (default: a new ULID).")
@untrusted_option
@json_option
@runs_dir_option
def create(  # noqa: PLR0913 (one parameter an option)
    *,
    entry: str,
    inputs_file: str | None,
    pairs: tuple[str, ...],
    run_id: str | None,
    allow_untrusted: bool,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Create a run and perform nothing of it: for a harness that performs the effects itself."""
    from babysitter.service.runs import RunService  # noqa: PLC0415 (loads the engine)
    from babysitter.service.session import NewRun  # noqa: PLC0415

    opened = workspace(runs_dir)
    inputs = read_inputs(inputs_file, pairs)
    new = NewRun(entry=entry, inputs=inputs, run_id=run_id, allow_untrusted=allow_untrusted, harness=True)
    created = RunService(opened).begin(new)
    view = Queries(opened).status(created)
    show(view, as_json=as_json, text=lambda: created)


@run.command("iterate", epilog="Example: babysitter run iterate RUN --json")
@run_argument
@click.option(
    "--accept-changed-process", is_flag=True, help="Go on although the code has changed; journaled."
)
@untrusted_option
@json_option
@runs_dir_option
def iterate(
    *,
    run_id: str,
    accept_changed_process: bool,
    allow_untrusted: bool,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Advance a run without performing anything, and hand out the effects that may be performed now.

    Post each outcome with ``babysitter task post``, then iterate again. Leaves with 0 when the run
    completed or effects are handed out, 3 when only people or timers remain.
    """
    from babysitter.service.harness import Harness  # noqa: PLC0415 (loads the engine)

    opened = workspace(runs_dir)
    result = Harness(opened).iterate(
        Queries(opened).run_id(run_id),
        accept_changed=accept_changed_process,
        allow_untrusted=allow_untrusted,
    )
    rows = [
        (item.effect_id, item.kind, item.task_id, msgspec.json.encode(item.input).decode())
        for item in result.effects
    ]
    text = table(rows, ("TASK", "KIND", "NAME", "INPUT")) if rows else run_summary(result.run)
    show(result, as_json=as_json, text=lambda: text)
    leave(0 if result.effects else STATUS_OF_RUN[result.run.status])


@run.command("cancel", epilog="Example: babysitter run cancel last --reason 'wrong target'")
@run_argument
@click.option("--reason", default="", help="Kept in the journal; shown to everyone who reads the run.")
@click.option(
    "--no-drive", is_flag=True, help="Only journal the wish; whoever drives the run next lets it clean up."
)
@untrusted_option
@json_option
@runs_dir_option
def cancel(
    *,
    run_id: str,
    reason: str,
    no_drive: bool,
    allow_untrusted: bool,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Stop a run. Its process may clean up; effects under way are stopped; nothing is undone."""
    from babysitter.model.errors import RunLockedError  # noqa: PLC0415 (only here)
    from babysitter.service.delivery import Delivery  # noqa: PLC0415
    from babysitter.service.runs import RunService  # noqa: PLC0415

    opened = workspace(runs_dir)
    queries = Queries(opened)
    found = queries.run_id(run_id)
    Delivery(opened).cancel(found, reason=reason)
    if not no_drive:
        # Where it is locked, its driver has the wish and lets the process clean up.
        with contextlib.suppress(RunLockedError):
            RunService(opened).drive(found, allow_untrusted=allow_untrusted)
    view = queries.status(found)
    show(view, as_json=as_json, text=lambda: run_summary(view))


@run.command("signal", epilog="""Example: babysitter run signal last go --payload '{"n":1}'""")
@run_argument
@click.argument("name")
@click.option("--payload", help="JSON that the process gets.")
@json_option
@runs_dir_option
def signal(*, run_id: str, name: str, payload: str | None, as_json: bool, runs_dir: str | None) -> None:
    """Give a run a signal. Signals queue by name; each ctx.signal takes the oldest."""
    from babysitter.service.delivery import Delivery  # noqa: PLC0415 (only here)

    opened = workspace(runs_dir)
    found = Queries(opened).run_id(run_id)
    sent = Delivery(opened).signal(found, name, parse_json(payload, "--payload"))
    line = event_line(sent.lines[0]) if sent.lines else f"Queued for the run's driver as {sent.request_id}."
    show({"requestId": sent.request_id, "lines": sent.lines}, as_json=as_json, text=lambda: line)


@run.command("replay", epilog="Example: babysitter run replay last --check")
@run_argument
@click.option("--check", is_flag=True, help="Only say whether today's code does what the journal has.")
@untrusted_option
@json_option
@runs_dir_option
def replay(*, run_id: str, check: bool, allow_untrusted: bool, as_json: bool, runs_dir: str | None) -> None:
    """Replay a run's journal against today's code, changing nothing. Leaves with 1 when they differ."""
    from babysitter.service.replaying import replay_run  # noqa: PLC0415 (loads the engine)

    opened = workspace(runs_dir)
    result = replay_run(opened, Queries(opened).run_id(run_id), allow_untrusted=allow_untrusted)
    del check
    changed = "" if result.same_code else " (the code's digest differs)"
    text = f"Replayed {result.events} events of {result.run_id}: the code does what the journal has{changed}."
    show(result, as_json=as_json, text=lambda: text)


@run.command("rebuild-state", epilog="Example: babysitter run rebuild-state last")
@run_argument
@json_option
@runs_dir_option
def rebuild_state(*, run_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Write state.json and the files under tasks/ again from the journal."""
    from babysitter.service.rebuilding import rebuild  # noqa: PLC0415 (only here)

    opened = workspace(runs_dir)
    queries = Queries(opened)
    found = queries.run_id(run_id)
    written = rebuild(opened, found)
    show(
        {"runId": found, "files": written},
        as_json=as_json,
        text=lambda: f"Wrote {written} files of run {found}.",
    )
