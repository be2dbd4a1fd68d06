"""``key``: who may sign with which key, in OpenSSH's own files."""

from pathlib import Path

import click

from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, workspace
from babysitter.config import signing_key

_NOT_IN_FORCE = (
    "\nNOT IN FORCE: {} more must sign these files first, with: babysitter key approve. Until then those "
    "before count, less the keys that these revoke."
)


@click.group(cls=Verbs, epilog="Example: babysitter key add alice@example.com ~/.ssh/id_ed25519.pub")
def key() -> None:
    """Say who may sign with which key. The files belong in version control."""


@key.command("list", epilog="Example: babysitter key list")
@json_option
@runs_dir_option
def list_(*, as_json: bool, runs_dir: str | None) -> None:
    """List the keys that may sign, and whether each counts now."""
    from babysitter.service.people import People  # noqa: PLC0415 (only here)

    people = People(workspace(runs_dir))
    views, missing = people.keys(), people.missing_signatures()
    rows = [
        (", ".join(view.principals), view.state, view.type, view.fingerprint, view.comment) for view in views
    ]
    show(
        {"keys": views, "missingSignatures": missing},
        as_json=as_json,
        text=lambda: (
            (
                table(rows, ("PERSON", "STATE", "TYPE", "FINGERPRINT", "COMMENT"))
                if rows
                else "Nobody may sign yet. Add somebody with: babysitter key add YOU@EXAMPLE.COM KEY.pub"
            )
            + (_NOT_IN_FORCE.format(missing) if missing else "")
        ),
    )


@key.command("add", epilog="Example: babysitter key add alice@example.com ~/.ssh/id_ed25519.pub")
@click.argument("person")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--valid-before", metavar="DATE", help="The key counts until then.")
@json_option
@runs_dir_option
def add(*, person: str, file: str, valid_before: str | None, as_json: bool, runs_dir: str | None) -> None:
    """Add a person's public key to the file of signers. Give the .pub file, or the key beside it."""
    from babysitter.service.people import People  # noqa: PLC0415 (only here)

    done = People(workspace(runs_dir)).add(person, Path(file), valid_before=valid_before)
    show(
        done,
        as_json=as_json,
        text=lambda: (
            f"Added {done.fingerprint} of {plain(person)} to {done.path}.{_then(done.needs_signatures)}"
        ),
    )


@key.command("revoke", epilog="Example: babysitter key revoke SHA256:lKJxLztF")
@click.argument("fingerprint")
@json_option
@runs_dir_option
def revoke(*, fingerprint: str, as_json: bool, runs_dir: str | None) -> None:
    """Have a key count no more. FINGERPRINT, or a beginning of it, as ``key list`` shows it.

    What it signed before, and the log has, still counts as of then.
    """
    from babysitter.service.people import People  # noqa: PLC0415 (only here)

    done = People(workspace(runs_dir)).revoke(fingerprint)
    show(done, as_json=as_json, text=lambda: f"Revoked {done.fingerprint}.{_then(done.needs_signatures)}")


@key.command("approve", epilog="Example: babysitter key approve --key ~/.ssh/id_ed25519")
@click.option(
    "--key", "key_", metavar="PATH|agent", help="Sign with this SSH key (default: $BABYSITTER_KEY)."
)
@click.option("--as", "person", metavar="NAME", help="Who you are, where the key is of several.")
@json_option
@runs_dir_option
def approve(*, key_: str | None, person: str | None, as_json: bool, runs_dir: str | None) -> None:
    """Sign the files of signers as they are now, where the settings want that ([signing.changes]).

    Leaves with 3 while more people have to.
    """
    from babysitter.service.people import People  # noqa: PLC0415 (only here)

    used = key_ or signing_key()
    if not used:
        raise click.UsageError("say which --key signs.", click.get_current_context())
    done = People(workspace(runs_dir)).approve(used, person)
    rest = f"{done.missing} more must sign before it counts." if done.missing else "It is in force."
    show(done, as_json=as_json, text=lambda: f"Signed as {plain(done.person)}: {done.path}. {rest}")
    leave(3 if done.missing else 0)


@key.command("believe", epilog="Example: babysitter key believe")
@json_option
@runs_dir_option
def believe(*, as_json: bool, runs_dir: str | None) -> None:
    """Say that the files of signers, as they are, count for you on this machine, in this folder.

    They come with the code. Until you have said so, what they sign lets no process run here.
    """
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415 (only here)

    names = Trusting(workspace(runs_dir)).believe_signers()
    show(
        {"signers": names},
        as_json=as_json,
        text=lambda: (
            f"What {plain(', '.join(names)) or 'nobody'} signs counts on this machine, in this folder."
        ),
    )


def _then(count: int) -> str:
    return f" It counts once {count} people have run: babysitter key approve" if count else ""
