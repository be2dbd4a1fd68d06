"""What every command shares: its options, the workspace, output, colour. Errors and statuses: leaving.py."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from babysitter.service.wiring import Workspace

STATUS_OF_RUN = {"completed": 0, "failed": 1, "cancelled": 1, "waiting": 3, "running": 3}


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(command)


def runs_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--runs-dir``."""
    return click.option(
        "--runs-dir", metavar="DIR", type=click.Path(), help="Where runs are kept (default: .a5c/runs)."
    )(command)


def untrusted_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--allow-untrusted``."""
    return click.option(
        "--allow-untrusted",
        is_flag=True,
        help="Run code that nobody has trusted; journaled, and refused where CI is set.",
    )(command)


def workspace(runs_dir: str | None = None) -> "Workspace":
    """Open the workspace of the current folder."""
    from babysitter.service.wiring import open_workspace  # noqa: PLC0415 (not for --help)

    return open_workspace(Path.cwd(), runs_dir=runs_dir)


def show(value: Any, *, as_json: bool, text: Callable[[], str] | None = None) -> None:  # noqa: ANN401 (any view)
    """Print a view: as one JSON object, or as ``text`` says."""
    if as_json:
        click.echo(msgspec.json.encode(value).decode())
    elif text is not None:
        rendered = text()
        if rendered:
            click.echo(rendered)


def style(text: str, **how: Any) -> str:  # noqa: ANN401 (click's own)
    """Return the text coloured, where stdout is a terminal that wants colour."""
    return click.style(text, **how) if coloured(sys.stdout) else text


def style_err(text: str, **how: Any) -> str:  # noqa: ANN401 (click's own)
    """Return the text coloured, where stderr is a terminal that wants colour."""
    return click.style(text, **how) if coloured(sys.stderr) else text


def coloured(stream: Any) -> bool:  # noqa: ANN401 (a text stream, or None where it was closed)
    """Tell whether what goes to the stream is coloured."""
    from babysitter.config import wants_colour  # noqa: PLC0415 (reads the environment)

    return wants_colour(is_terminal=stream is not None and stream.isatty())


def columns() -> int:
    """Return how wide the terminal is; 80 where there is none."""
    import shutil  # noqa: PLC0415 (few commands lay out text)

    return shutil.get_terminal_size().columns


def leave(status: int) -> None:
    """End the command with an exit status."""
    click.get_current_context().exit(status)
