"""``inbox``, ``approve``, ``reject`` and ``defer``: what waits for people, and their answers."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from babysitter.cli.arguments import breakpoint_argument
from babysitter.cli.before_signing import How, answered, show_and_ask
from babysitter.cli.remote import refuse_two_places, server_option
from babysitter.cli.render import breakpoint_list
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace
from babysitter.config import signing_key
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.queries import Queries
from babysitter.service.reading import find_breakpoint

if TYPE_CHECKING:
    from babysitter.service.wiring import Workspace


@click.command(epilog="Example: babysitter inbox --watch")
@click.option("--watch", is_flag=True, help="Stay, and show what waits as it comes and goes.")
@server_option()
@json_option
@runs_dir_option
def inbox(*, watch: bool, server: str | None, as_json: bool, runs_dir: str | None) -> None:
    """List what waits for a person, oldest first. With --server: at a server where you are signed in."""
    if server:
        from babysitter.cli.remote_answer import inbox_there  # noqa: PLC0415 (only with --server)

        refuse_two_places(runs_dir)
        if watch:
            raise click.UsageError("--watch is for this machine's runs.", click.get_current_context())
        inbox_there(server, as_json=as_json)
        return
    opened = workspace(runs_dir)
    if watch:
        from babysitter.cli.watching import watch_inbox  # noqa: PLC0415 (only here)

        watch_inbox(opened, live=sys.stdout.isatty() and sys.stdin.isatty() and not as_json, as_json=as_json)
        return
    views = Queries(opened).inbox()
    show(
        {"breakpoints": views},
        as_json=as_json,
        text=lambda: breakpoint_list(views, empty="Nothing waits for a person."),
    )


def _answer(breakpoint_id: str, decision: str, how: How) -> None:
    if how.server:
        _answer_there(how.server, breakpoint_id, decision, how)
        return
    opened = workspace(how.runs_dir)
    run_id, found = find_breakpoint(opened.store, breakpoint_id)
    is_driven = opened.store.holder(run_id) is not None
    key = how.key or signing_key()
    if key:
        sent = _sign(opened, (run_id, found), decision, how, key)
    elif how.break_glass or how.on_behalf_of or how.approver:
        raise click.UsageError("--as, --on-behalf-of and --break-glass need --key.", _context())
    else:
        sent = Delivery(opened).answer(run_id, found, decision, comment=how.comment)
    whole = {
        "runId": run_id,
        "breakpointId": found,
        "decision": decision,
        "requestId": sent.request_id,
        "lines": sent.lines,
    }
    show(
        whole,
        as_json=how.as_json,
        text=lambda: answered(
            f"{run_id}/{found}",
            decision,
            sent.lines,
            request_id=sent.request_id,
            goes_on="Its driver goes on." if is_driven else f"Go on with: babysitter resume {run_id}",
        ),
    )


def _sign(opened: "Workspace", name: tuple[str, str], decision: str, how: How, key: str) -> Sent:
    from babysitter.service.signed_answers import SignedAnswers  # noqa: PLC0415 (imports cryptography)

    use_case = SignedAnswers(opened)
    covered = use_case.covered(*name)
    return use_case.send(covered, show_and_ask(covered, decision, how, key))


def _answer_there(server: str, breakpoint_id: str, decision: str, how: How) -> None:
    from babysitter.cli.remote_answer import answer_there  # noqa: PLC0415 (only with --server)

    key = how.key or signing_key()
    if not key:
        raise click.UsageError("an answer to a server is signed: say which --key.", _context())
    refuse_two_places(how.runs_dir)
    answer_there(server, breakpoint_id, decision, how, key)


def _context() -> click.Context:
    return click.get_current_context()


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what approve, reject and defer share, and hand it on as ``how``."""
    options = (
        click.option("--comment", default="", help="Kept in the journal; the process gets it as feedback."),
        click.option(
            "--key",
            metavar="PATH|agent",
            help="Sign with this SSH key, or with one of the agent (default: $BABYSITTER_KEY).",
        ),
        click.option("--as", "approver", metavar="NAME", help="Who you are, where the key is of several."),
        click.option("--on-behalf-of", metavar="NAME", help="Whose place you take, by delegation."),
        click.option("--yes", "-y", is_flag=True, help="Do not ask whether to sign."),
        server_option(),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(epilog="Example: babysitter approve 01J9/4-production-deployment --key ~/.ssh/id_ed25519")
@breakpoint_argument
@_options
@click.option(
    "--break-glass", is_flag=True, help="An emergency: needs a comment, and is reviewed afterwards."
)
@json_option
@runs_dir_option
def approve(*, breakpoint_id: str, **how: Any) -> None:  # noqa: ANN401 (the options, checked by click)
    """Say yes to a breakpoint. BP is <runId>/<breakpointId> or a unique beginning of it.

    Never drives the run: it prints the command that does. With --key the answer is signed over exactly what
    is shown; anybody can check it with ssh-keygen. With --server the question is fetched, checked and signed
    here: nothing that the server says is believed.
    """
    _answer(breakpoint_id, "approve", How(**how))


@click.command(epilog="Example: babysitter reject 01J9/4-production-deployment --comment 'not on a Friday'")
@breakpoint_argument
@_options
@json_option
@runs_dir_option
def reject(*, breakpoint_id: str, **how: Any) -> None:  # noqa: ANN401 (the options, checked by click)
    """Say no to a breakpoint. BP is <runId>/<breakpointId> or a unique beginning of it."""
    _answer(breakpoint_id, "reject", How(**how))


@click.command(epilog="Example: babysitter defer 01J9/4-production-deployment --comment 'after the freeze'")
@breakpoint_argument
@_options
@json_option
@runs_dir_option
def defer(*, breakpoint_id: str, **how: Any) -> None:  # noqa: ANN401 (the options, checked by click)
    """Say "not now" to a breakpoint: neither yes nor no; it stays open."""
    _answer(breakpoint_id, "defer", How(**how))
