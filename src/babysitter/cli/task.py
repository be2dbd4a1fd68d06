"""``task``: look at a run's tasks, or post the result of one."""

import click

from babysitter.cli.arguments import run_argument
from babysitter.cli.inputs import parse_json, read_file
from babysitter.cli.render import event_line, task_list
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace
from babysitter.service.queries import Queries


@click.group(cls=Verbs, epilog="Example: babysitter task list last")
def task() -> None:
    """Look at a run's tasks, or post the result of one."""


@task.command("list", epilog="Example: babysitter task list last --pending")
@run_argument
@click.option("--pending", is_flag=True, help="Only those without an outcome.")
@json_option
@runs_dir_option
def list_(*, run_id: str, pending: bool, as_json: bool, runs_dir: str | None) -> None:
    """List a run's tasks in the order they were asked for."""
    queries = Queries(workspace(runs_dir))
    views = queries.tasks(queries.run_id(run_id))
    if pending:
        views = [view for view in views if view.state not in ("ok", "error", "cancelled")]
    show({"tasks": views}, as_json=as_json, text=lambda: task_list(views))


@task.command("show", epilog="Example: babysitter task show last 1-build")
@run_argument
@click.argument("effect_id", metavar="TASK")
@json_option
@runs_dir_option
def show_(*, run_id: str, effect_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Show everything the journal has about a task."""
    queries = Queries(workspace(runs_dir))
    views = queries.task_events(queries.run_id(run_id), effect_id)
    show(
        {"effectId": effect_id, "events": views},
        as_json=as_json,
        text=lambda: "\n".join(event_line(view) for view in views),
    )


@task.command("post", epilog="""Example: babysitter task post RUN 1-build --value '{"files": 3}'""")
@run_argument
@click.argument("effect_id", metavar="TASK")
@click.option("--value", help="The result, as JSON.")
@click.option("--error", help="The task failed, with this message.")
@click.option("--error-name", default="Error", show_default=True, help="The failure's name.")
@click.option("--stdout-file", type=click.Path(), help="What the task wrote on stdout.")
@click.option("--stderr-file", type=click.Path(), help="What the task wrote on stderr.")
@json_option
@runs_dir_option
def post(  # noqa: PLR0913 (one parameter an option)
    *,
    run_id: str,
    effect_id: str,
    value: str | None,
    error: str | None,
    error_name: str,
    stdout_file: str | None,
    stderr_file: str | None,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Give a task the outcome that you brought about, after ``run iterate`` handed it out."""
    from babysitter.service.harness import Harness  # noqa: PLC0415 (loads the engine)

    if (value is None) == (error is None):
        raise click.UsageError("give either --value or --error.", click.get_current_context())
    opened = workspace(runs_dir)
    found = Queries(opened).run_id(run_id)
    sent = Harness(opened).post(
        found,
        effect_id,
        value=parse_json(value, "--value"),
        error=(error_name, error) if error is not None else None,
        stdout=_text_of(stdout_file, "--stdout-file"),
        stderr=_text_of(stderr_file, "--stderr-file"),
    )
    line = event_line(sent.lines[0]) if sent.lines else f"Queued for the run's driver as {sent.request_id}."
    show({"requestId": sent.request_id, "lines": sent.lines}, as_json=as_json, text=lambda: line)


def _text_of(path: str | None, option: str) -> str | None:
    return None if path is None else read_file(path, option).decode(errors="replace")
