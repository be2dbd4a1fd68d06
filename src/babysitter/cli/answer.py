"""``inbox``, ``approve``, ``reject`` and ``defer``: what waits for people, and their answers."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from babysitter.cli.arguments import breakpoint_argument
from babysitter.cli.plain import plain_lines
from babysitter.cli.render import breakpoint_list
from babysitter.cli.terminal import json_option, runs_dir_option, show, style_err, workspace
from babysitter.config import signing_key
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.queries import Queries
from babysitter.service.reading import find_breakpoint

if TYPE_CHECKING:
    from babysitter.service.statements import Covered
    from babysitter.service.wiring import Workspace

_PAST = {"approve": "Approved", "reject": "Rejected", "defer": "Deferred"}


@click.command(epilog="Example: babysitter inbox --watch")
@click.option("--watch", is_flag=True, help="Stay, and show what waits as it comes and goes.")
@json_option
@runs_dir_option
def inbox(*, watch: bool, as_json: bool, runs_dir: str | None) -> None:
    """List what waits for a person, oldest first."""
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


def _answer(breakpoint_id: str, decision: str, how: "How") -> None:
    opened = workspace(how.runs_dir)
    run_id, found = find_breakpoint(opened.store, breakpoint_id)
    is_driven = opened.store.holder(run_id) is not None
    key = how.key or signing_key()
    if key:
        sent = _sign(opened, (run_id, found), decision, how, key)
    elif how.break_glass or how.on_behalf_of or how.approver:
        raise click.UsageError(
            "--as, --on-behalf-of and --break-glass need --key.", click.get_current_context()
        )
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
        text=lambda: _answered(f"{run_id}/{found}", decision, sent, is_driven=is_driven),
    )


def _sign(opened: "Workspace", name: tuple[str, str], decision: str, how: "How", key: str) -> Sent:
    from babysitter.service.signed_answers import SignedAnswers, Wanted  # noqa: PLC0415 (imports cryptography)

    use_case = SignedAnswers(opened)
    covered = use_case.covered(*name)
    if not how.as_json:
        # Always: nobody should sign what was not on the screen.
        click.echo(plain_lines(covered.document), err=True)
        click.echo(f"You {decision} exactly this: {_summary(covered)}", err=True)
        if how.break_glass:
            click.echo(
                style_err("BREAKING THE GLASS: journaled, logged, and to be reviewed.", fg="red"), err=True
            )
    if sys.stdin.isatty() and not (how.yes or how.as_json):
        click.confirm(f"Sign it with {key}?", abort=True, err=True)
    wanted = Wanted(
        decision=decision,
        comment=how.comment,
        key=key,
        approver=how.approver,
        on_behalf_of=how.on_behalf_of,
        break_glass=how.break_glass,
    )
    return use_case.send(covered, wanted)


def _summary(covered: "Covered") -> str:
    asked = covered.asked
    calls = ", ".join(f"{call.task_id} ({call.args_sha256[:12]}…)" for call in asked.approves) or "no call"
    return (
        f"{calls}; shown.md {asked.shown_sha256[:12]}…; line {covered.place.seq} of the journal, "
        f"{covered.place.head[:12]}…"
    )


def _answered(name: str, decision: str, sent: Sent, *, is_driven: bool) -> str:
    run_id = name.partition("/")[0]
    if not sent.lines:
        return f"Queued for the driver of {run_id} as {sent.request_id}."
    lines = [f"{_PAST[decision]} {name}; line {sent.lines[0].seq} of its journal says so."]
    if sent.lines[-1].type == "BREAKPOINT_RESPONDED" and decision == "approve":
        lines.append("More people must approve before it is released.")
    elif decision != "defer" and is_driven:
        lines.append("Its driver goes on.")
    elif decision != "defer":
        lines.append(f"Go on with: babysitter resume {run_id}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How an answer is given: the options that approve, reject and defer share."""

    comment: str
    key: str | None
    approver: str | None
    on_behalf_of: str | None
    yes: bool
    as_json: bool
    runs_dir: str | None
    break_glass: bool = False


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
    is shown; anybody can check it with ssh-keygen.
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
