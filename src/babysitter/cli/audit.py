"""``audit``: what an auditor asks for: who approved what, a report, everything to verify elsewhere."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from babysitter.cli.arguments import offer_runs
from babysitter.cli.audit_text import audit_text
from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, workspace
from babysitter.service.queries import Queries

if TYPE_CHECKING:
    from babysitter.service.wiring import Workspace


@click.group(cls=Verbs, epilog="Example: babysitter audit report last --output report.html")
def audit() -> None:
    """List approvals, write a report, hand everything over, verify what was handed over."""


@audit.command(
    "approvals", epilog="Example: babysitter audit approvals --since 2026-01 --environment production"
)
@click.option("--since", default="", metavar="DATE", help="From this date or time on.")
@click.option("--by", default="", metavar="PERSON", help="Of this person, or in their place.")
@click.option("--rule", default="", help="Under this rule.")
@click.option("--environment", default="", help="About this environment.")
@click.option("--process", default="", help="In runs of this process.")
@click.option(
    "--decision", default="", type=click.Choice(["", "approve", "reject", "defer"]), help="Only these."
)
@json_option
@runs_dir_option
def approvals(*, as_json: bool, runs_dir: str | None, **wanted: str) -> None:
    """List every answer of every run: who said what about what, and how we know."""
    from babysitter.service.approvals_list import Wanted, list_approvals  # noqa: PLC0415 (only here)

    views = list_approvals(workspace(runs_dir), Wanted(**wanted))
    rows = [
        (
            view.at[:19],
            view.approver,
            view.decision + (" (glass)" if view.break_glass else ""),
            view.method,
            view.rule,
            f"{view.run_id}/{view.breakpoint_id}",
            str(view.seq),
        )
        for view in views
    ]
    heads = ("AT", "WHO", "SAID", "HOW", "RULE", "ABOUT", "LINE")
    show(
        {"approvals": views}, as_json=as_json, text=lambda: table(rows, heads) if rows else "No such answers."
    )


@audit.command("access", epilog="Example: babysitter audit access --since 2026-01 --denied")
@click.option("--who", default="", metavar="NAME", help="Of this person or agent.")
@click.option("--since", default="", metavar="DATE", help="From this date or time on.")
@click.option("--denied", is_flag=True, help="Only what was refused.")
@click.option("--limit", default=100, show_default=True, help="So many of the newest; at most 500.")
@json_option
@runs_dir_option
def access(*, who: str, since: str, denied: bool, limit: int, as_json: bool, runs_dir: str | None) -> None:
    """List who asked what of this workspace's server, newest first. Leaves with 1 if its log is broken."""
    from babysitter.service.hosting.access_seen import AccessWanted, access_seen  # noqa: PLC0415 (only here)

    wanted = AccessWanted(who=who, since=since, denied=denied, limit=limit)
    found = access_seen(workspace(runs_dir), wanted)
    rows = [
        (
            each.at[:19],
            each.who or "-",
            each.address,
            f"{each.method} {each.path}",
            f"{each.status} {each.refused}".rstrip(),
        )
        for each in found.requests
    ]
    lines = [table(rows, ("AT", "WHO", "FROM", "WHAT", "RESULT")) if rows else "No such requests."]
    if found.older is not None:
        lines.append(f"{found.total} in all; --limit shows more of them.")
    lines += [found.problem] if found.problem else []
    show(found, as_json=as_json, text=lambda: "\n".join(lines))
    leave(1 if found.problem else 0)


@audit.command("report", epilog="Example: babysitter audit report --since 2026-01-01 --output january.html")
@click.argument("run_id", metavar="RUN", required=False, shell_complete=offer_runs)
@click.option("--since", metavar="DATE", help="Every run that began then or later.")
@click.option(
    "--format", "form", type=click.Choice(["html", "md"]), help="Default: by the file's ending, else md."
)
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="Write it to this file.")
@json_option
@runs_dir_option
def report(
    *,
    run_id: str | None,
    since: str | None,
    form: str | None,
    output: str | None,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Write what happened so that somebody who answers for it can read it, and what can't be proven."""
    from babysitter.service.report_pages import as_html, as_markdown  # noqa: PLC0415 (only here)
    from babysitter.service.reporting import report_on  # noqa: PLC0415 (imports cryptography)

    if (run_id is None) == (since is None):
        raise click.UsageError("say which RUN, or --since.", click.get_current_context())
    opened = workspace(runs_dir)
    run_ids, title = _which(opened, run_id, since)
    blocks = report_on(opened, run_ids, title=title)
    chosen = form or ("html" if output is not None and output.endswith((".html", ".htm")) else "md")
    page = as_html(title, blocks) if chosen == "html" else as_markdown(blocks)
    if output is not None:
        Path(output).write_text(page, encoding="utf-8")
    whole = {"title": title, "runs": run_ids, "format": chosen, "output": output, "page": page}
    show(
        whole,
        as_json=as_json,
        text=lambda: page.rstrip() if output is None else f"Wrote {title} to {output}.",
    )


def _which(opened: "Workspace", run_id: str | None, since: str | None) -> tuple[list[str], str]:
    queries = Queries(opened)
    if run_id is not None:
        found = queries.run_id(run_id)
        return [found], f"Report on run {found}"
    assert since is not None, "one of the two was given"
    runs = sorted(
        (view for view in queries.runs() if view.created_at >= since), key=lambda view: view.created_at
    )
    return [view.run_id for view in runs], f"Report on {len(runs)} runs since {since}"


@audit.command("export", epilog="Example: babysitter audit export --output audit.tar")
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=offer_runs)
@click.option(
    "--output", "-o", default="audit.tar", type=click.Path(dir_okay=False), help="The file to write."
)
@json_option
@runs_dir_option
def export(*, runs: tuple[str, ...], output: str, as_json: bool, runs_dir: str | None) -> None:
    """Write runs, by default all, and the log to one tar file that can be verified elsewhere.

    No key and nothing derived is in it. Runs that are left out are named.
    """
    from babysitter.service.handing_over import hand_over  # noqa: PLC0415 (only here)

    opened = workspace(runs_dir)
    queries = Queries(opened)
    run_ids = [queries.run_id(run) for run in runs] if runs else opened.store.run_ids()
    done = hand_over(opened, run_ids, Path(output))
    left = f" {len(done.left_out)} runs were left out, and it says which." if done.left_out else ""
    show(
        done,
        as_json=as_json,
        text=lambda: (
            f"Wrote {done.runs} runs, {done.files} files, to {output} (SHA-256 {done.sha256}).{left}"
        ),
    )


@audit.command("verify", epilog="Example: babysitter audit verify audit.tar --trust ~/audit")
@click.argument("what", type=click.Path(exists=True))
@click.option("--trust", type=click.Path(exists=True, file_okay=False), help="Your own folder of keys.")
@json_option
def verify(*, what: str, trust: str | None, as_json: bool) -> None:
    """Verify what was handed over: a tar file, a folder with runs and log, or the proof of one event.

    Needs no workspace. Leaves with 1 when anything is wrong.
    """
    from babysitter.service.auditing import audit_folder  # noqa: PLC0415 (imports cryptography)
    from babysitter.service.handing_over import unpack  # noqa: PLC0415

    path, own = Path(what), Path(trust) if trust is not None else None
    if path.suffix == ".json":
        _verify_event(path, own, as_json=as_json)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = audit_folder(path if path.is_dir() else unpack(path, Path(folder)), own)
    show(found, as_json=as_json, text=lambda: audit_text(found))
    leave(0 if found.ok else 1)


def _verify_event(path: Path, trust: Path | None, *, as_json: bool) -> None:
    from babysitter.service.event_verifying import verify_event  # noqa: PLC0415 (imports cryptography)

    found = verify_event(path.read_bytes(), trust)
    about = f"{plain(found.run_id)}/{plain(found.breakpoint_id)}"
    head = (
        f"{plain(found.approver)} said {found.decision} to {about} in line {found.seq}, {found.recorded_at}"
    )
    lines = [
        head,
        *(f"  not shown: {plain(told)}" for told in found.unproven),
        "OK",
    ]
    show(found, as_json=as_json, text=lambda: "\n".join(lines))
