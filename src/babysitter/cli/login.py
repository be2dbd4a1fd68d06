"""``login`` and ``logout``: be signed in at a server, with an SSH key."""

from pathlib import Path

import click

from babysitter.cli.plain import plain
from babysitter.cli.remote import server_option
from babysitter.cli.terminal import json_option, show
from babysitter.config import signing_key, user_state

_EXAMPLE = "Example: babysitter login --server https://babysitter.example.com --key ~/.ssh/id_ed25519"


@click.command(epilog=_EXAMPLE)
@server_option(required=True)
@click.option(
    "--key", "key_", metavar="PATH|agent", help="Sign with this SSH key (default: $BABYSITTER_KEY)."
)
@click.option("--as", "person", metavar="NAME", help="Who you are, as the server's file of signers has you.")
@json_option
def login(*, server: str, key_: str | None, person: str | None, as_json: bool) -> None:
    """Sign in at a server with your SSH key, for half a day.

    The token is kept for your account alone. Without --as you are whom this workspace's file of signers
    names.
    """
    from babysitter.service.access import remote  # noqa: PLC0415 (only here)
    from babysitter.service.wiring import local_programs, open_workspace  # noqa: PLC0415 (only here)

    used = key_ or signing_key()
    if not used:
        raise click.UsageError("say which --key signs.", click.get_current_context())
    programs = local_programs()
    who = person or remote.owner_here(open_workspace(Path.cwd()), used)
    kept = remote.log_in(
        remote.Remote(server),
        programs=programs,
        folder=remote.logins_folder(user_state()),
        key=used,
        person=who,
    )
    done = {"server": kept.url, "person": kept.person, "expiresAt": kept.expires_at}
    text = f"Signed in at {kept.url} as {plain(kept.person)}, until {kept.expires_at[:16]}Z."
    show(done, as_json=as_json, text=lambda: text)


@click.command(epilog="Example: babysitter logout --server https://babysitter.example.com")
@server_option(required=True)
@json_option
def logout(*, server: str, as_json: bool) -> None:
    """Sign out at a server: its token is revoked there and forgotten here."""
    from babysitter.service.access import remote  # noqa: PLC0415 (only here)

    revoked = remote.log_out(server, remote.logins_folder(user_state()))
    rest = "" if revoked else " The server did not answer: there the token counts until it runs out."
    show({"server": server, "revoked": revoked}, as_json=as_json, text=lambda: f"Signed out.{rest}")
