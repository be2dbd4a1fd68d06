"""``serve``: the server of this workspace, and of those that its settings name beside it."""

from typing import TYPE_CHECKING

import click

from babysitter.cli.plain import plain
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, style_err, workspace

if TYPE_CHECKING:
    from babysitter.server.serving import Serving
    from babysitter.service.wiring import Workspace

_STOPPED_BY = 128


@click.command(epilog="Example: babysitter serve --port 3185")
@click.option("--host", metavar="ADDRESS", default="", help="Where to listen (default: 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="On which port (default: 3185; 0: a free one).")
@click.option(
    "--tls-cert", metavar="FILE", type=click.Path(), default="", help="A certificate, PEM; renewed as it is."
)
@click.option("--tls-key", metavar="FILE", type=click.Path(), default="", help="Its key, PEM, mode 0600.")
@json_option
@runs_dir_option
def serve(
    *, host: str, port: int | None, tls_cert: str, tls_key: str, as_json: bool, runs_dir: str | None
) -> None:
    """Show and drive the runs, and let people answer in a browser. Ends with a signal.

    Nothing works without a credential. Beyond this machine it listens only with TLS, and only when somebody
    can sign in.
    """
    from babysitter.server.serving import serving, where_of  # noqa: PLC0415 (only to serve)

    opened = workspace(runs_dir)
    where = where_of(opened, host_name=host, port=-1 if port is None else port, cert=tls_cert, key=tls_key)
    with serving(opened, where) as server:
        whole = {"url": server.url, "workspaces": list(server.hosting.all), "invitation": None}
        invitation = _first_invitation(opened, server)
        if invitation:
            whole["invitation"] = invitation
        show(whole, as_json=as_json, text=lambda: _welcome(server, invitation))
        stopped_by = server.run()
    if not as_json:
        click.echo("Stopped. Nothing that was acknowledged is lost.", err=True)
    leave(_STOPPED_BY + stopped_by)


def _first_invitation(opened: "Workspace", server: "Serving") -> str:
    """Return a link for the person at the terminal where nobody can sign in yet; empty otherwise."""
    if server.premises.people():
        return ""
    return server.premises.invite(opened.place.user)


def _welcome(server: "Serving", invitation: str) -> str:
    names = ", ".join(plain(name) for name in server.hosting.all)
    if invitation:
        click.echo(
            style_err("Nobody can sign in yet. This link adds your passkey, once:", bold=True), err=True
        )
        click.echo(f"  {invitation}", err=True)
        click.echo("It goes into the file of signers too, so that it signs answers.", err=True)
    for line in server.hints():
        click.echo(line, err=True)
    how = "" if invitation else "\nSign in there with a passkey; for programs: babysitter token create."
    return f"Serving {names} at {server.url}{how}\nStop it with Ctrl-C."
