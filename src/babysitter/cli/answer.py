"""``inbox``, ``approve``, ``reject``, ``defer`` and ``breakpoint``: questions and the answers of people."""

from collections.abc import Callable
from typing import Any

import click

from babysitter.cli.arguments import breakpoint_argument, run_argument
from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.render import breakpoint_list
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace
from babysitter.model.errors import NotFoundError
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.queries import Queries
from babysitter.service.reading import find_breakpoint
from babysitter.service.views import BreakpointView

_PAST = {"approve": "Approved", "reject": "Rejected", "defer": "Deferred"}


@click.command(epilog="Example: babysitter inbox --json")
@json_option
@runs_dir_option
def inbox(*, as_json: bool, runs_dir: str | None) -> None:
    """List what waits for a person, oldest first."""
    views = Queries(workspace(runs_dir)).inbox()
    show(
        {"breakpoints": views},
        as_json=as_json,
        text=lambda: breakpoint_list(views, empty="Nothing waits for a person."),
    )


def _answer(breakpoint_id: str, decision: str, comment: str, *, as_json: bool, runs_dir: str | None) -> None:
    opened = workspace(runs_dir)
    run_id, found = find_breakpoint(opened.store, breakpoint_id)
    is_driven = opened.store.holder(run_id) is not None
    sent = Delivery(opened).answer(run_id, found, decision, comment=comment)
    whole = {
        "runId": run_id,
        "breakpointId": found,
        "decision": decision,
        "requestId": sent.request_id,
        "lines": sent.lines,
    }
    show(
        whole,
        as_json=as_json,
        text=lambda: _answered(f"{run_id}/{found}", decision, sent, is_driven=is_driven),
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


def _comment(command: Callable[..., Any]) -> Callable[..., Any]:
    option = click.option(
        "--comment", default="", help="Kept in the journal; the process gets it as feedback."
    )
    return option(command)


@click.command(epilog="Example: babysitter approve 01J9/4-production-deployment --comment 'looks right'")
@breakpoint_argument
@_comment
@json_option
@runs_dir_option
def approve(*, breakpoint_id: str, comment: str, as_json: bool, runs_dir: str | None) -> None:
    """Say yes to a breakpoint. BP is <runId>/<breakpointId> or a unique beginning of it.

    Never drives the run: it prints the command that does.
    """
    _answer(breakpoint_id, "approve", comment, as_json=as_json, runs_dir=runs_dir)


@click.command(epilog="Example: babysitter reject 01J9/4-production-deployment --comment 'not on a Friday'")
@breakpoint_argument
@_comment
@json_option
@runs_dir_option
def reject(*, breakpoint_id: str, comment: str, as_json: bool, runs_dir: str | None) -> None:
    """Say no to a breakpoint. BP is <runId>/<breakpointId> or a unique beginning of it."""
    _answer(breakpoint_id, "reject", comment, as_json=as_json, runs_dir=runs_dir)


@click.command(epilog="Example: babysitter defer 01J9/4-production-deployment --comment 'after the freeze'")
@breakpoint_argument
@_comment
@json_option
@runs_dir_option
def defer(*, breakpoint_id: str, comment: str, as_json: bool, runs_dir: str | None) -> None:
    """Say "not now" to a breakpoint: neither yes nor no; it stays open."""
    _answer(breakpoint_id, "defer", comment, as_json=as_json, runs_dir=runs_dir)


@click.group("breakpoint", cls=Verbs, epilog="Example: babysitter breakpoint list last")
def breakpoint_() -> None:
    """Look at a run's breakpoints and their answers."""


@breakpoint_.command("list", epilog="Example: babysitter breakpoint list last")
@run_argument
@json_option
@runs_dir_option
def list_(*, run_id: str, as_json: bool, runs_dir: str | None) -> None:
    """List every breakpoint of a run, decided ones too."""
    queries = Queries(workspace(runs_dir))
    views = queries.breakpoints(queries.run_id(run_id))
    show(
        {"breakpoints": views},
        as_json=as_json,
        text=lambda: breakpoint_list(views, empty="This run has no breakpoints."),
    )


@breakpoint_.command("show", epilog="Example: babysitter breakpoint show 01J9/4-production-deployment")
@breakpoint_argument
@json_option
@runs_dir_option
def show_(*, breakpoint_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Print what an approver is shown, byte for byte as the journal's digest has it."""
    queries = Queries(workspace(runs_dir))
    run_id, view = _find(queries, breakpoint_id)
    shown = queries.read_file(run_id, f"breakpoints/{view.breakpoint_id}/shown.md").decode()
    show({"breakpoint": view, "shown": shown}, as_json=as_json, text=lambda: plain_lines(shown).rstrip())


@breakpoint_.command("history", epilog="Example: babysitter breakpoint history 01J9/4-production-deployment")
@breakpoint_argument
@json_option
@runs_dir_option
def history(*, breakpoint_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Say who answered a breakpoint, and what came of it."""
    queries = Queries(workspace(runs_dir))
    run_id, view = _find(queries, breakpoint_id)
    lines = [
        f"{run_id}/{view.breakpoint_id}  {view.state}",
        f"  {view.asked_at}  asked: {plain(view.question)}",
    ]
    for answer in view.answers:
        why = f": {plain(answer['comment'])}" if answer["comment"] else ""
        lines.append(f"  {plain(answer['approver'])}  {answer['decision']}{why}")
    show(view, as_json=as_json, text=lambda: "\n".join(lines))


def _find(queries: Queries, text: str) -> tuple[str, BreakpointView]:
    run_text, mark, name = text.partition("/")
    run_id = queries.run_id(run_text)
    views = (
        [view for view in queries.breakpoints(run_id) if view.breakpoint_id.startswith(name)] if mark else []
    )
    exact = [view for view in views if view.breakpoint_id == name]
    if len(exact or views) != 1:
        raise NotFoundError(
            f"{text} names no breakpoint of run {run_id}.",
            hint=f"See them with: babysitter breakpoint list {run_id}",
        )
    return run_id, (exact or views)[0]
