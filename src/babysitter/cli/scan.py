"""``scan``: credentials in files, trees, git history and standard input."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from babysitter.cli.scan_report import Wanted, progress_line, report_scan, scan_options
from babysitter.cli.terminal import workspace

if TYPE_CHECKING:
    from babysitter.model.findings import Scan
    from babysitter.service.wiring import Workspace


@click.command(epilog="Example: babysitter scan . --baseline known.json --sarif > scan.sarif")
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=str))
@click.option(
    "--git", "commits", metavar="RANGE", help="Scan every version that these commits brought: main..HEAD"
)
@click.option(
    "--exclude", metavar="GLOB", multiple=True, help="Leave out names or relative paths that match."
)
@scan_options
def scan(*, paths: tuple[str, ...], commits: str | None, exclude: tuple[str, ...], **wanted: Any) -> None:  # noqa: ANN401
    """Look for credentials in files and folders, in - (standard input), or in git history.

    Our own rules count, and those of [secrets] rules in babysitter.toml. Leaves with 1 when there are
    findings, with
    4 when something could not be examined. A comment in the data never switches anything off; a false
    alarm is
    allowed by its fingerprint, in babysitter.toml.
    """
    if not paths and commits is None:
        raise click.UsageError("say which PATH, - or --git RANGE.", click.get_current_context())
    report_scan(_scanned(workspace(), paths, commits, exclude), Wanted(**wanted))


def _scanned(
    opened: "Workspace", paths: tuple[str, ...], commits: str | None, exclude: tuple[str, ...]
) -> "Scan":
    from babysitter.service.credential_scanning import (  # noqa: PLC0415 (imports the search)
        scan_history,
        scan_stdin,
        scan_tree,
        together,
    )

    tell = progress_line()
    if commits is not None:
        return together([scan_history(opened, Path(path), commits, tell) for path in paths or (".",)])
    scans = [scan_stdin(sys.stdin.buffer, opened)] if "-" in paths else []
    files = [Path(path) for path in paths if path != "-"]
    if files:
        scans.append(scan_tree(files, opened, exclude=exclude, progress=tell))
    return together(scans)
