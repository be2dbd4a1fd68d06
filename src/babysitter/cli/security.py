"""``security``: have scanners look at the workspace, and run its security tests."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from babysitter.cli.plain import plain
from babysitter.cli.root import Verbs
from babysitter.cli.security_tests import tests
from babysitter.cli.terminal import json_option, leave, show, style, workspace

if TYPE_CHECKING:
    from babysitter.model.findings import Finding, Scan, ToolRun

_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "blue"}


@click.group(cls=Verbs, epilog="Example: babysitter security scan src --tool bandit --tool semgrep")
def security() -> None:
    """Have scanners look at the workspace's code and dependencies, and run its security tests."""


security.add_command(tests)


@security.command("scan", epilog="Example: babysitter security scan src --tool semgrep --sarif > scan.sarif")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--tool", "tools", multiple=True, metavar="NAME", help="A scanner; may be repeated.")
@click.option("--network", is_flag=True, help="Let the tools that ask a service reach the network.")
@click.option("--env", "env", multiple=True, metavar="NAME", help="A variable for such a tool (SNYK_TOKEN).")
@click.option("--baseline", default="", metavar="FILE", help="Known findings, which are not new.")
@click.option("--write-baseline", default="", metavar="FILE", help="Keep what is found as known, in FILE.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0 on stdout.")
@json_option
def scan(
    *,
    paths: tuple[str, ...],
    as_sarif: bool,
    as_json: bool,
    write_baseline: str,
    **asked: object,
) -> None:
    """Have scanners look at PATHS (all of the workspace), each in the sandbox, with our rules.

    Without --tool those of [scan] tools run. Leaves with 1 when there are findings, and with 4 when a tool is
    missing, offline or failed: what was not looked at is not clean.
    """
    from babysitter.service.scanning import (  # noqa: PLC0415 (only here)
        ask,
        sarif_of,
        scan_workspace,
        write_baseline_of,
    )

    opened = workspace()
    found = scan_workspace(opened, ask(opened, Path.cwd(), paths, asked), _tell)
    if write_baseline:
        count = write_baseline_of(found, Path(write_baseline))
        click.echo(f"{plain(write_baseline)}: {count} known findings.", err=True)
    if as_sarif:
        click.echo(json.dumps(sarif_of(found), indent=1))
    else:
        show(found, as_json=as_json, text=lambda: _text(found))
    leave(4 if not found.complete else 1 if found.findings and not write_baseline else 0)


def _tell(program: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(f"starting {plain(program)} …", err=True)


def _text(found: "Scan") -> str:
    lines = [_finding(each) for each in found.findings]
    lines += [style(plain(note), fg="yellow") for note in found.notes]
    lines += [_tool(run) for run in found.tools]
    quiet = [f"{len(found.known)} in the baseline"] if found.known else []
    quiet += [f"{len(found.suppressed)} suppressed"] if found.suppressed else []
    besides = f" ({', '.join(quiet)})" if quiet else ""
    if not found.complete:
        lines.append(
            style(f"NOT SCANNED: not every tool passed. {len(found.findings)} findings{besides}.", fg="red")
        )
    elif found.findings:
        counts = ", ".join(f"{count} {name}" for name, count in found.counts().items() if count)
        lines.append(f"{len(found.findings)} findings: {counts}{besides}.")
    else:
        lines.append(style(f"No findings{besides}.", fg="green"))
    return "\n".join(lines)


def _finding(found: "Finding") -> str:
    place = found.path + (f":{found.span.line}" if found.span else "")
    also = "".join(f", {same.tool} {same.rule}" for same in found.also)
    severity = style(found.severity.ljust(8), fg=_COLOURS[found.severity])
    who = plain(f"{found.tool} {found.rule}{also}")
    first = f"{severity} {plain(place)}  {plain(found.message)}"
    return f"{first}\n         {found.category}  {who}  {found.fingerprint}"


def _tool(run: "ToolRun") -> str:
    name = plain(f"{run.tool} {run.version}".strip())
    if run.state == "passed":
        return f"{style('passed', fg='green')}   {name}: examined {run.examined} {plain(run.unit)}"
    return f"{style(run.state.ljust(8), fg='red')} {name}: {plain(run.why)}\n         {plain(run.fix)}"
