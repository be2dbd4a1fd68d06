"""A server elsewhere, for commands that take ``--server URL``: with the token of the login there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from babysitter.service.access.remote import Remote


def server_option(*, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds ``--server`` to a command."""
    return click.option(
        "--server", metavar="URL", required=required, help="A server, as https://babysitter.example.com."
    )


def refuse_two_places(runs_dir: str | None) -> None:
    """Refuse ``--runs-dir`` beside ``--server``: one of them would be passed over in silence."""
    if runs_dir:
        raise click.UsageError("--server and --runs-dir are two places.", click.get_current_context())


def remote(url: str) -> "Remote":
    """Return the server, as who signed in there with ``babysitter login``.

    Raises:
        CredentialError: nobody of this account has, or too long ago.
    """
    from babysitter.config import user_state  # noqa: PLC0415 (not for --help)
    from babysitter.service.access.remote import logins_folder, remote_at  # noqa: PLC0415 (same)
    from babysitter.service.ports import SystemClock  # noqa: PLC0415 (same)

    return remote_at(url, logins_folder(user_state()), SystemClock())
