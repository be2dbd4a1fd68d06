"""``notify``: what people were told, or are to be told, and telling them."""

import click

from babysitter.cli.plain import plain
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, style, workspace

_COLOURS = {"owed": "yellow", "sent": "green", "failed": "red", "withdrawn": "white"}


@click.group(cls=Verbs, epilog="Example: babysitter notify send")
def notify() -> None:
    """Tell people what waits for them, on the channels of [notify] in babysitter.toml."""


@notify.command("list", epilog="Example: babysitter notify list --state owed")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["owed", "sent", "failed", "withdrawn"]),
    help="Only these; may be repeated.",
)
@json_option
@runs_dir_option
def list_(*, states: tuple[str, ...], as_json: bool, runs_dir: str | None) -> None:
    """List what people were told or are to be told, the oldest first."""
    from babysitter.service.notify.telling import list_notices  # noqa: PLC0415 (not for --help)

    views = [view for view in list_notices(workspace(runs_dir)) if not states or view.state in states]
    lines = []
    for view in views:
        about = f"{view.run_id}/{view.breakpoint_id}" if view.breakpoint_id else view.run_id
        state = style(view.state.ljust(9), fg=_COLOURS[view.state])
        lines.append(f"{view.due_at[:19]}Z  {state}  {view.channel}  {view.kind}  {about}")
        if view.problem:
            lines.append(f"    {plain(view.problem)}")
    show({"notices": views}, as_json=as_json, text=lambda: "\n".join(lines) or "Nothing was to be told.")


@notify.command("send", epilog="Example: babysitter notify send")
@json_option
@runs_dir_option
def send(*, as_json: bool, runs_dir: str | None) -> None:
    """Send what is owed and due, then leave (for cron). Leaves with 1 when a channel did not take it.

    Drivers send what their own runs call for; this sends reminders, escalations and what drivers could not.
    """
    from babysitter.service.notify.telling import send_owed  # noqa: PLC0415 (not for --help)

    view = send_owed(workspace(runs_dir))
    lines = [f"{view.sent} sent, {view.owed} owed" + (f", {view.failed} failed" if view.failed else "")]
    lines += [style(plain(problem), fg="red") for problem in view.problems.values()]
    lines += [f"{run_id} can't be read: {plain(why)}" for run_id, why in view.unreadable.items()]
    if view.is_busy:
        lines = ["Another process is sending."]
    show(view, as_json=as_json, text=lambda: "\n".join(lines))
    leave(1 if view.problems or view.unreadable else 0)


@notify.command("test", epilog="Example: babysitter notify test ops")
@click.argument("channel")
@json_option
def test(*, channel: str, as_json: bool) -> None:
    """Send a letter on a channel that says that it is a test. Leaves with 4 when it was not taken."""
    from babysitter.service.notify.telling import try_channel  # noqa: PLC0415 (not for --help)

    try_channel(workspace(), channel)
    show({"channel": channel, "sent": True}, as_json=as_json, text=lambda: f"{plain(channel)} has taken it.")
