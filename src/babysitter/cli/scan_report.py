"""What ``scan`` and ``journal scan`` share: their options, their progress, and how findings are told."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from babysitter.cli.plain import plain
from babysitter.cli.terminal import json_option, leave, show, style
from babysitter.model.findings import Finding, Scan

_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "blue"}
_EVERY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a scan is to be told."""

    as_json: bool
    as_sarif: bool
    baseline: str | None
    write_baseline: str | None


def scan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of ``Wanted``."""
    for option in (
        click.option("--write-baseline", metavar="FILE", help="Keep what is found as known, in FILE."),
        click.option("--baseline", metavar="FILE", help="Known findings, which are not new."),
        click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0 on stdout."),
        json_option,
    ):
        command = option(command)
    return command


def progress_line() -> Callable[[int, str], None] | None:
    """Return what tells progress on stderr, where that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None

    def told(count: int, name: str) -> None:
        if count % _EVERY == 0:
            click.echo(f"\r\x1b[K{count} files  {plain(name)[-60:]}\r", nl=False, err=True)

    return told


def report_scan(scan: Scan, wanted: Wanted) -> None:
    """Tell what was found, and leave: 1 with findings, 0 without, 4 when something could not be examined."""
    from babysitter.scanners.sarif import to_sarif  # noqa: PLC0415 (only where something is scanned)
    from babysitter.service.credential_scanning import against_baseline  # noqa: PLC0415

    if sys.stderr is not None and sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    told = against_baseline(
        scan,
        Path(wanted.baseline) if wanted.baseline else None,
        Path(wanted.write_baseline) if wanted.write_baseline else None,
    )
    if wanted.as_sarif:
        click.echo(msgspec.json.encode(to_sarif(told)).decode())
    else:
        show(told, as_json=wanted.as_json, text=lambda: _text(told))
    if not told.complete:
        run = told.tools[0]
        click.echo(f"{style('incomplete', fg='yellow')}: {plain(run.why)} {plain(run.fix)}", err=True)
    leave(1 if told.findings else 0 if told.complete else 4)


def _text(scan: Scan) -> str:
    lines = [_line(found) for found in scan.findings]
    examined = f"{scan.tools[0].examined} {scan.tools[0].unit} examined"
    if scan.findings:
        lines.append(f"{len(scan.findings)} findings, {examined}.")
    elif scan.complete:
        lines.append(f"No findings, {examined}.")
    if scan.known:
        lines.append(f"{len(scan.known)} more are known by the baseline.")
    return "\n".join(lines)


def _line(found: Finding) -> str:
    place = plain(found.path) + (f":{found.span.line}:{found.span.column}" if found.span is not None else "")
    severity = style(found.severity, fg=_COLOURS[found.severity])
    return f"{place}  {severity}  {plain(found.rule)}  {plain(found.message)}\n    {plain(found.fix)}"
