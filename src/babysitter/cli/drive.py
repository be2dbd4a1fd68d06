"""``start`` and ``resume``: drive a run from this terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from babysitter.cli.arguments import offer_runs
from babysitter.cli.inputs import read_inputs
from babysitter.cli.live import TerminalFace
from babysitter.cli.plain import plain
from babysitter.cli.render import run_summary
from babysitter.cli.terminal import (
    STATUS_OF_RUN,
    json_option,
    leave,
    runs_dir_option,
    show,
    untrusted_option,
    workspace,
)
from babysitter.cli.trusting import asked_once
from babysitter.service.declared import unmaskable
from babysitter.service.patience import Patience
from babysitter.service.queries import Queries
from babysitter.service.runs import RunService

if TYPE_CHECKING:
    from collections.abc import Callable

    from babysitter.service.views import RunView
    from babysitter.service.wiring import Workspace


@click.command(epilog="Example: babysitter start examples/release.py --input index=http://127.0.0.1:8765")
@click.argument("entry")
@click.option(
    "--inputs", "inputs_file", type=click.Path(), help="A JSON file with the inputs; - is standard input."
)
@click.option(
    "--input", "pairs", multiple=True, metavar="K=V", help="One input; V is JSON, or text as it is."
)
@click.option("--run-id", help="The run's id (default: a new ULID).")
@click.option("--detach", is_flag=True, help="Create the run and leave; drive it with resume.")
@click.option("--wait", is_flag=True, help="Stay while only people or far timers remain.")
@click.option("--follow", "-f", is_flag=True, help="Show what tasks write, as they write it; secrets masked.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@untrusted_option
@json_option
@runs_dir_option
def start(  # noqa: PLR0913 (one parameter an option)
    *,
    entry: str,
    inputs_file: str | None,
    pairs: tuple[str, ...],
    run_id: str | None,
    detach: bool,
    wait: bool,
    follow: bool,
    quiet: bool,
    allow_untrusted: bool,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Start a run of a process and drive it until it ends or waits.

    ENTRY is path/to/file.py#name or package.module:name; #name may be left out when the file has one process.
    Leaves with 0 when the run completed, 1 when it failed, 3 when it waits.
    """
    opened = workspace(runs_dir)
    service = RunService(opened)
    if not (quiet or as_json):
        for name in unmaskable(opened):
            click.echo(f"Warning: {name} looks secret, but is too short to mask (8 characters).", err=True)
    inputs = read_inputs(inputs_file, pairs)
    created = asked_once(
        opened,
        lambda: service.create(entry, inputs, run_id=run_id, allow_untrusted=allow_untrusted),
        may_ask=not as_json,
    )
    if detach:
        view = Queries(opened).status(created)
        show(
            view,
            as_json=as_json,
            text=lambda: f"Created run {created}. Drive it with: babysitter resume {created}",
        )
        return
    face = TerminalFace(opened, created, quiet=quiet or as_json, follow=follow)
    drive = partial(service.drive, created, allow_untrusted=allow_untrusted)
    _drive(opened, face, drive, wait=wait, as_json=as_json)


@click.command(epilog="Example: babysitter resume last")
@click.argument("run", required=False, shell_complete=offer_runs)
@click.option("--due", is_flag=True, help="Drive every run that has become due, then leave (for cron).")
@click.option("--wait", is_flag=True, help="Stay while only people or far timers remain.")
@click.option(
    "--accept-changed-process", is_flag=True, help="Go on although the code has changed; journaled."
)
@click.option("--follow", "-f", is_flag=True, help="Show what tasks write, as they write it; secrets masked.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@untrusted_option
@json_option
@runs_dir_option
def resume(  # noqa: PLR0913 (one parameter an option)
    *,
    run: str | None,
    due: bool,
    wait: bool,
    accept_changed_process: bool,
    follow: bool,
    quiet: bool,
    allow_untrusted: bool,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Drive a run on from where its journal stands.

    RUN is a run's id, the beginning of one, or last.
    """
    opened = workspace(runs_dir)
    if due:
        with _telling(opened):
            views = RunService(opened).drive_due()
        show(
            views, as_json=as_json, text=lambda: "\n".join(f"{view.run_id}  {view.status}" for view in views)
        )
        return
    if run is None:
        raise click.UsageError("say which RUN, or --due.", click.get_current_context())
    run_id = Queries(opened).run_id(run)
    face = TerminalFace(opened, run_id, quiet=quiet or as_json, follow=follow)
    drive = partial(
        RunService(opened).drive,
        run_id,
        accept_changed=accept_changed_process,
        allow_untrusted=allow_untrusted,
    )
    _drive(opened, face, drive, wait=wait, as_json=as_json)


def _drive(
    opened: "Workspace", face: TerminalFace, drive: "Callable[..., RunView]", *, wait: bool, as_json: bool
) -> None:
    patience = Patience(wait=wait, far_timer_s=opened.place.settings.worker.far_timer_s)
    stopped_by: list[int] = []

    def stop(number: int, _frame: Any) -> None:  # noqa: ANN401 (the signal module's own)
        if not stopped_by:
            face.stopping(patience.grace_s)
        stopped_by.append(number)
        patience.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    with _telling(opened, face.run_id):
        try:
            view = asked_once(opened, lambda: drive(patience=patience, face=face), may_ask=not as_json)
        finally:
            face.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        show(view, as_json=as_json, text=lambda: run_summary(view, stopped=bool(stopped_by)))
    for name, problem in opened.witness_problems().items():
        click.echo(f"Warning: witness {name} has not seen the newest checkpoint: {problem}", err=True)
    leave(_exit_status(view, stopped_by))


@contextmanager
def _telling(opened: "Workspace", run_id: str = "") -> Iterator[None]:
    """Have people told what comes to wait for them in a run, or in all; say what could not be sent."""
    if not opened.place.settings.notify.channels:
        yield
        return
    from babysitter.service.notify.telling import Beside  # noqa: PLC0415 (only where there are channels)

    beside = Beside(opened, run_id)
    beside.start()
    try:
        yield
    finally:
        for problem in beside.finish():
            click.echo(f"Warning: {plain(problem)}", err=True)


def _exit_status(view: "RunView", stopped_by: list[int]) -> int:
    if stopped_by and view.status in ("running", "waiting"):
        return 128 + stopped_by[0]
    return STATUS_OF_RUN[view.status]
