"""``journal``: print, verify and export journals."""

import sys
from pathlib import Path

import click

from babysitter.cli.arguments import offer_runs, run_argument
from babysitter.cli.plain import plain
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, style, workspace
from babysitter.service.queries import Queries


@click.group(cls=Verbs, epilog="Example: babysitter journal verify --all")
def journal() -> None:
    """Print, verify and export journals."""


@journal.command("cat", epilog="Example: babysitter journal cat last | jq .type")
@run_argument
@json_option
@runs_dir_option
def cat(*, run_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Print a run's journal, byte for byte: one JSON object a line."""
    queries = Queries(workspace(runs_dir))
    found = queries.run_id(run_id)
    data = queries.journal(found)
    if as_json:
        show({"runId": found, "journal": data.decode(errors="backslashreplace")}, as_json=True)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@journal.command("verify", epilog="Example: babysitter journal verify last")
@click.argument("run_id", metavar="RUN", required=False, shell_complete=offer_runs)
@click.option("--all", "every", is_flag=True, help="Verify every run.")
@json_option
@runs_dir_option
def verify(*, run_id: str | None, every: bool, as_json: bool, runs_dir: str | None) -> None:
    """Check a run's chain, order, grammar, files and digests.

    Changes nothing. Leaves with 1 when anything is wrong.
    """
    from babysitter.service.verifying import verify_runs  # noqa: PLC0415 (only here)

    if (run_id is None) == (not every):
        raise click.UsageError("say which RUN, or --all.", click.get_current_context())
    opened = workspace(runs_dir)
    run_ids = opened.store.run_ids() if run_id is None else [Queries(opened).run_id(run_id)]
    reports = verify_runs(opened, run_ids)
    lines = []
    for report in reports:
        word = style("verified", fg="green") if report.ok else style("WRONG", fg="red", bold=True)
        lines.append(f"{report.run_id}  {word}  {report.lines} lines")
        lines += [f"  {plain(problem)}" for problem in report.problems]
        if report.ok:
            lines += [f"  not shown by a journal alone: {plain(text)}" for text in report.unproven]
    show({"runs": reports}, as_json=as_json, text=lambda: "\n".join(lines) or "No runs to verify.")
    leave(0 if all(report.ok for report in reports) else 1)


@journal.command("export", epilog="Example: babysitter journal export last --output run.tar")
@run_argument
@click.option("--output", "-o", type=click.Path(), help="The tar file to write (default: RUN.tar).")
@json_option
@runs_dir_option
def export(*, run_id: str, output: str | None, as_json: bool, runs_dir: str | None) -> None:
    """Write a run's folder as a tar file that can be verified anywhere. The same run gives the same bytes."""
    from babysitter.service.exporting import export_run  # noqa: PLC0415 (only here)

    opened = workspace(runs_dir)
    found = Queries(opened).run_id(run_id)
    target = Path(output or f"{found}.tar")
    result = export_run(opened, found, target)
    show(
        result,
        as_json=as_json,
        text=lambda: f"Wrote {result.files} files of run {found} to {target} (SHA-256 {result.sha256}).",
    )
