"""What a person sees before they sign an answer, and after: the same for a run here and for a server's."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.terminal import style_err

if TYPE_CHECKING:
    from babysitter.service.signed_answers import Wanted
    from babysitter.service.statements import Covered
    from babysitter.service.views import EventView

_PAST = {"approve": "Approved", "reject": "Rejected", "defer": "Deferred"}


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
    server: str | None
    break_glass: bool = False


def show_and_ask(covered: "Covered", decision: str, how: How, key: str) -> "Wanted":
    """Show what an answer covers, ask at a terminal whether to sign it, and return what is wanted."""
    from babysitter.service.signed_answers import Wanted  # noqa: PLC0415 (imports cryptography)

    if not how.as_json:
        # Always: nobody should sign what was not on the screen.
        click.echo(plain_lines(covered.document), err=True)
        name = plain(f"{covered.run_id}/{covered.asked.breakpoint_id}")
        click.echo(f"You {decision} {name}, exactly this: {_summary(covered)}", err=True)
        if how.break_glass:
            click.echo(
                style_err("BREAKING THE GLASS: journaled, logged, and to be reviewed.", fg="red"), err=True
            )
    if sys.stdin.isatty() and not (how.yes or how.as_json):
        click.confirm(f"Sign it with {key}?", abort=True, err=True)
    return Wanted(
        decision=decision,
        comment=how.comment,
        key=key,
        approver=how.approver,
        on_behalf_of=how.on_behalf_of,
        break_glass=how.break_glass,
    )


def _summary(covered: "Covered") -> str:
    asked = covered.asked
    calls = ", ".join(f"{call.task_id} ({call.args_sha256[:12]}…)" for call in asked.approves) or "no call"
    return (
        f"{calls}; shown.md {asked.shown_sha256[:12]}…; line {covered.place.seq} of the journal, "
        f"{covered.place.head[:12]}…"
    )


def answered(name: str, decision: str, lines: "Sequence[EventView]", *, request_id: str, goes_on: str) -> str:
    """Return what became of an answer. ``goes_on``: what happens now, where it was decided."""
    if not lines:
        return f"Queued for the driver of {name.partition('/')[0]} as {request_id}."
    told = [f"{_PAST[decision]} {name}; line {lines[0].seq} of its journal says so."]
    if lines[-1].type == "BREAKPOINT_RESPONDED" and decision == "approve":
        told.append("More people must approve before it is released.")
    elif decision != "defer":
        told.append(goes_on)
    return "\n".join(told)
