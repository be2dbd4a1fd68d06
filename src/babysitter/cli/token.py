"""``token``: what programs and people show a server instead of signing in."""

from typing import Any

import click

from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace

_COLUMNS = ("ID", "STATE", "KIND", "NAME", "PERSON", "WORKSPACES", "EXPIRES", "LAST USED")


@click.group(cls=Verbs, epilog="Example: babysitter token create --kind agent --name ci")
def token() -> None:
    """Make, list and revoke tokens of the server of this workspace."""


@token.command("create", epilog="Example: babysitter token create --kind agent --name ci --expires 30d")
@click.option("--kind", required=True, type=click.Choice(["agent", "human", "auditor", "admin"]))
@click.option("--name", required=True, help="What it is for.")
@click.option("--person", default="", metavar="NAME", help="Whose it is; for a human token.")
@click.option(
    "--workspace",
    "workspaces",
    multiple=True,
    default=("all",),
    metavar="ID|all",
    help="Where it counts; may be repeated. Default: all.",
)
@click.option(
    "--scope", "scopes", multiple=True, metavar="ACTION", help="Only this, of what it could; may be repeated."
)
@click.option("--expires", default="90d", metavar="TIME", show_default=True, help="12h, 30d; at most 365d.")
@json_option
@runs_dir_option
def create(*, as_json: bool, runs_dir: str | None, **wish: Any) -> None:  # noqa: ANN401 (the options, checked by click)
    """Make a token. It is shown once, and kept nowhere.

    Kinds, roles and actions: docs/reference/roles.md.
    """
    from babysitter.service.access.opening import local_tokens  # noqa: PLC0415 (only here)
    from babysitter.service.access.tokens import TokenWish  # noqa: PLC0415 (only here)

    made = local_tokens(workspace(runs_dir)).create(TokenWish(**wish))
    about = f"{made.token.kind} token {made.token.id}, until {made.token.expires_at[:16]}Z."
    # Alone on standard output, so that it can go straight to where it is kept.
    if not as_json:
        click.echo(f"Made {about} It is not shown again.", err=True)
    show(made, as_json=as_json, text=lambda: made.text)


@token.command("list", epilog="Example: babysitter token list")
@json_option
@runs_dir_option
def list_(*, as_json: bool, runs_dir: str | None) -> None:
    """List the tokens: what each may do, whether it counts, when it was last used."""
    from babysitter.service.access.opening import local_tokens  # noqa: PLC0415 (only here)

    views = local_tokens(workspace(runs_dir)).tokens()
    rows = [
        (
            view.id,
            view.state,
            view.kind + (f": {', '.join(view.scopes)}" if view.scopes else ""),
            view.name,
            view.person or "",
            ", ".join(view.workspaces),
            view.expires_at[:16],
            (view.last_used_at or "never")[:16],
        )
        for view in views
    ]
    show(
        {"tokens": views},
        as_json=as_json,
        text=lambda: table(rows, _COLUMNS) if rows else "No tokens. Make one with: babysitter token create",
    )


@token.command("revoke", epilog="Example: babysitter token revoke 0Kx3mPq2w9Z")
@click.argument("token_id", metavar="ID")
@json_option
@runs_dir_option
def revoke(*, token_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Have a token count no more, at once. ID as ``token list`` shows it, or the beginning of one."""
    from babysitter.service.access.opening import local_tokens  # noqa: PLC0415 (only here)

    view = local_tokens(workspace(runs_dir)).revoke(token_id)
    show(view, as_json=as_json, text=lambda: f"Revoked {view.id} ({plain(view.name)}).")
