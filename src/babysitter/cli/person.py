"""``person``: who may add a passkey and sign in to the server of this workspace."""

import click

from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace


@click.group(cls=Verbs, epilog="Example: babysitter person invite alice@example.com")
def person() -> None:
    """Invite people to sign in with a passkey, list them, let one in no more."""


@person.command("invite", epilog="Example: babysitter person invite alice@example.com --may-sign")
@click.argument("name")
@click.option("--may-sign", is_flag=True, help="The passkey goes into the file of signers as well.")
@json_option
@runs_dir_option
def invite(*, name: str, may_sign: bool, as_json: bool, runs_dir: str | None) -> None:
    """Print a link with which somebody adds one passkey within a day. Hand it to that person alone.

    NAME as the file of signers and [access] have it. With --may-sign the passkey signs approvals too,
    once the change of that file counts ([signing.changes]).
    """
    from babysitter.service.access.opening import local_people  # noqa: PLC0415 (only here)

    found = local_people(workspace(runs_dir)).invite(name, may_sign=may_sign)
    if not as_json:
        until = f"{plain(found.person)} has until {found.expires_at[:16]}Z."
        click.echo(f"{until} Whoever has the link signs in as them:", err=True)
    show(found, as_json=as_json, text=lambda: found.link)


@person.command("list", epilog="Example: babysitter person list")
@json_option
@runs_dir_option
def list_(*, as_json: bool, runs_dir: str | None) -> None:
    """List who signs in: roles, passkeys, sessions, open invitations."""
    from babysitter.service.access.opening import local_people  # noqa: PLC0415 (only here)

    views = local_people(workspace(runs_dir)).people()
    rows = [
        (
            view.person,
            "; ".join(f"{place}: {', '.join(roles)}" for place, roles in view.roles.items()) or "none",
            str(len(view.passkeys)),
            str(view.sessions),
            (view.invited_until or "")[:16],
            (view.last_sign_in_at or "never")[:16],
        )
        for view in views
    ]
    heads = ("PERSON", "ROLES", "PASSKEYS", "SESSIONS", "INVITED UNTIL", "LAST SIGNED IN")
    show(
        {"people": views},
        as_json=as_json,
        text=lambda: table(rows, heads) if rows else "Nobody yet. Begin with: babysitter person invite NAME",
    )


@person.command("remove", epilog="Example: babysitter person remove alice@example.com")
@click.argument("name")
@json_option
@runs_dir_option
def remove(*, name: str, as_json: bool, runs_dir: str | None) -> None:
    """Let somebody in no more: passkeys and sessions go, tokens are revoked, an invitation is void.

    [access] and the file of signers still name them; take them out there as well.
    """
    from babysitter.service.access.opening import local_people  # noqa: PLC0415 (only here)

    local_people(workspace(runs_dir)).remove(name)
    text = (
        f"{plain(name)} does not come in any more. Take the name out of [access] and revoke its keys as well."
    )
    show({"removed": name}, as_json=as_json, text=lambda: text)


@person.command("passkeys", epilog="Example: babysitter person passkeys alice@example.com")
@click.argument("name")
@json_option
@runs_dir_option
def passkeys(*, name: str, as_json: bool, runs_dir: str | None) -> None:
    """List the passkeys of a person: what they call each, when it was added and used, whether it signs."""
    from babysitter.service.access.opening import local_passkeys  # noqa: PLC0415 (only here)

    views = local_passkeys(workspace(runs_dir)).of(name)
    rows = [
        (
            view.id,
            plain(view.name),
            view.added_at[:16],
            (view.last_used_at or "never")[:16],
            str(view.sessions),
            "yes" if view.signs else "no",
            view.fingerprint,
        )
        for view in views
    ]
    heads = ("ID", "NAME", "ADDED", "LAST USED", "SESSIONS", "SIGNS", "FINGERPRINT")
    show(
        {"passkeys": views},
        as_json=as_json,
        text=lambda: table(rows, heads) if rows else f"{plain(name)} has no passkey here.",
    )


@person.command(
    "remove-passkey", epilog="Example: babysitter person remove-passkey alice@example.com 3f0c2a9d41b7e856"
)
@click.argument("name")
@click.argument("passkey")
@click.option("--last", is_flag=True, help="It may be the last one that the person has.")
@json_option
@runs_dir_option
def remove_passkey(*, name: str, passkey: str, last: bool, as_json: bool, runs_dir: str | None) -> None:
    """Have one passkey let nobody in any more; sessions that it opened end. The others stay.

    PASSKEY is an id or fingerprint of ``person passkeys NAME``. What it signs is another matter: the
    file of signers keeps it until ``key revoke``.
    """
    from babysitter.service.access.opening import local_passkeys  # noqa: PLC0415 (only here)

    found = local_passkeys(workspace(runs_dir)).remove(name, passkey, is_last_meant=last)
    lines = [f"Removed {found.passkey.id} of {plain(found.person)}.", *map(plain, found.follows)]
    if found.revoke:
        lines.append(f"To end its signatures too: {found.revoke}")
    show(found, as_json=as_json, text=lambda: "\n".join(lines))
