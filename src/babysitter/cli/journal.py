"""``journal``: print, verify, scan and export journals."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from babysitter.cli.arguments import offer_runs, run_argument
from babysitter.cli.audit_text import audit_text, run_line
from babysitter.cli.root import Verbs
from babysitter.cli.scan_report import Wanted, progress_line, report_scan, scan_options
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, workspace
from babysitter.service.queries import Queries

if TYPE_CHECKING:
    from babysitter.service.wiring import Workspace


@click.group(cls=Verbs, epilog="Example: babysitter journal verify --all")
def journal() -> None:
    """Print, verify, scan and export journals."""


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


@journal.command("verify", epilog="Example: babysitter journal verify --all --trust ~/audit")
@click.argument("run_id", metavar="RUN", required=False, shell_complete=offer_runs)
@click.option("--all", "every", is_flag=True, help="Verify every run, and that the log misses none.")
@click.option("--chain", is_flag=True, help="Only the chain of lines: fast, and it says so.")
@click.option(
    "--trust",
    type=click.Path(exists=True, file_okay=False),
    help="Your own folder: allowed_signers, log.vkey, witnesses, seen/ (docs/how-to/audit.md).",
)
@json_option
@runs_dir_option
def verify(
    *, run_id: str | None, every: bool, chain: bool, trust: str | None, as_json: bool, runs_dir: str | None
) -> None:
    """Check journals, signatures, rules, the log and its witnesses.

    Changes nothing. Leaves with 1 when anything is wrong. What can't be shown is said.
    """
    if (run_id is None) == (not every):
        raise click.UsageError("say which RUN, or --all.", click.get_current_context())
    opened = workspace(runs_dir)
    run_ids = None if run_id is None else [Queries(opened).run_id(run_id)]
    if chain:
        _verify_chains(opened, run_ids if run_ids is not None else opened.store.run_ids(), as_json=as_json)
        return
    from babysitter.service.auditing import audit  # noqa: PLC0415 (imports cryptography)

    report = audit(
        opened.store, opened.log_folder, trust=Path(trust) if trust is not None else None, run_ids=run_ids
    )
    show(report, as_json=as_json, text=lambda: audit_text(report))
    leave(0 if report.ok else 1)


def _verify_chains(opened: "Workspace", run_ids: list[str], *, as_json: bool) -> None:
    from babysitter.service.verifying import verify_runs  # noqa: PLC0415 (only here)

    reports = verify_runs(opened.store, run_ids, chain_only=True)
    lines = [run_line(report) for report in reports]
    show({"runs": reports}, as_json=as_json, text=lambda: "\n".join(lines) or "No runs to verify.")
    leave(0 if all(report.ok for report in reports) else 1)


@journal.command("scan", epilog="Example: babysitter journal scan --all --sarif > journals.sarif")
@click.argument("run_id", metavar="RUN", required=False, shell_complete=offer_runs)
@click.option("--all", "every", is_flag=True, help="Scan every run.")
@scan_options
@runs_dir_option
def scan(*, run_id: str | None, every: bool, runs_dir: str | None, **wanted: Any) -> None:  # noqa: ANN401
    """Look for credentials in all that is kept of runs. Leaves with 1 when there are any."""
    if (run_id is None) == (not every):
        raise click.UsageError("say which RUN, or --all.", click.get_current_context())
    from babysitter.service.credential_scanning import scan_runs  # noqa: PLC0415 (imports the search)

    opened = workspace(runs_dir)
    run_ids = opened.store.run_ids() if run_id is None else [Queries(opened).run_id(run_id)]
    report_scan(scan_runs(opened, run_ids, progress=progress_line()), Wanted(**wanted))


@journal.command("export", epilog="Example: babysitter journal export last --output run.tar")
@run_argument
@click.option("--output", "-o", type=click.Path(), help="The file to write (default: RUN.tar, RUN-SEQ.json).")
@click.option(
    "--event", "seq", type=click.IntRange(1), metavar="SEQ", help="Only the answer in this line, proven."
)
@json_option
@runs_dir_option
def export(*, run_id: str, output: str | None, seq: int | None, as_json: bool, runs_dir: str | None) -> None:
    """Write a run's folder as a tar file that can be verified anywhere. The same run gives the same bytes.

    With --event only one answer, with its proof that the log has it: somebody can be shown that and no more.
    """
    from babysitter.service.exporting import export_run  # noqa: PLC0415 (only here)

    opened = workspace(runs_dir)
    found = Queries(opened).run_id(run_id)
    if seq is not None:
        _export_event(opened, found, seq, Path(output or f"{found}-{seq}.json"), as_json=as_json)
        return
    target = Path(output or f"{found}.tar")
    result = export_run(opened, found, target)
    show(
        result,
        as_json=as_json,
        text=lambda: f"Wrote {result.files} files of run {found} to {target} (SHA-256 {result.sha256}).",
    )


def _export_event(opened: "Workspace", run_id: str, seq: int, target: Path, *, as_json: bool) -> None:
    from babysitter.service.event_proof import prove_event  # noqa: PLC0415 (imports cryptography)

    proof = prove_event(opened, run_id, seq)
    with target.open("xb") as file:
        file.write(msgspec.json.encode(proof) + b"\n")
    show(
        proof,
        as_json=as_json,
        text=lambda: (
            f"Wrote the proof of line {seq} of run {run_id} to {target}. Check it with: "
            f"babysitter audit verify {target}"
        ),
    )
