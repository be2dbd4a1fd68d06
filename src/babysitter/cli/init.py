"""``init``: make a folder a workspace."""

from pathlib import Path

import click

from babysitter.cli.terminal import json_option, show
from babysitter.service.founding import found_workspace


@click.command(epilog="Example: babysitter init")
@click.argument("folder", type=click.Path(file_okay=False), default=".")
@json_option
def init(*, folder: str, as_json: bool) -> None:
    """Make a folder a workspace: babysitter.toml, .gitignore lines, an example process.

    What is there already is kept; only lines that are missing are added.
    """
    result = found_workspace(Path(folder))
    lines = [f"  {path}  {what}" for path, what in result.files.items()]
    lines += ["Start the example with: babysitter start process.py"]
    show(result, as_json=as_json, text=lambda: "\n".join([f"Workspace {result.root}", *lines]))
