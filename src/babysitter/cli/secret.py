"""``secret``: which secrets are declared, and whether they resolve. Never prints a value."""

import click

from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, show, workspace
from babysitter.service.declared import declared_secrets


@click.group(cls=Verbs, epilog="Example: babysitter secret check process.py")
def secret() -> None:
    """List the secrets that are declared and check that they resolve. Never prints a value."""


def _run(entry: str | None, *, as_json: bool, check: bool) -> None:
    views = declared_secrets(workspace(), entry)
    rows = [(view.ref, view.state, view.why) for view in views]
    details = "".join(f"\n{view.detail}" for view in views if view.detail)
    show(
        {"secrets": views},
        as_json=as_json,
        text=lambda: (
            table(rows, ("SECRET", "STATE", "DECLARED BY")) + details if rows else "No secrets are declared."
        ),
    )
    if check and any(view.state != "resolves" for view in views if view.why != "its name in the environment"):
        leave(1)


@secret.command("list", epilog="Example: babysitter secret list process.py")
@click.argument("entry", required=False)
@json_option
def list_(*, entry: str | None, as_json: bool) -> None:
    """List the secrets that a run here would declare: by the process, the settings, or their names."""
    _run(entry, as_json=as_json, check=False)


@secret.command("check", epilog="Example: babysitter secret check process.py")
@click.argument("entry", required=False)
@json_option
def check(*, entry: str | None, as_json: bool) -> None:
    """Check that every secret that the process or the settings name resolves.

    Leaves with 1 when one does not.
    """
    _run(entry, as_json=as_json, check=True)
