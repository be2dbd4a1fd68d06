"""``breakpoint``: look at questions, ask back, pass them on, and see which rules would answer them."""

from typing import Any

import click
from msgspec import to_builtins

from babysitter.cli.arguments import breakpoint_argument, run_argument
from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.remote import refuse_two_places, server_option
from babysitter.cli.render import breakpoint_list
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.queries import Queries
from babysitter.service.reading import find_breakpoint


@click.group("breakpoint", cls=Verbs, epilog="Example: babysitter breakpoint list last")
def breakpoint_() -> None:
    """Look at breakpoints and their answers, ask back, pass them on."""


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
@server_option()
@json_option
@runs_dir_option
def show_(*, breakpoint_id: str, server: str | None, as_json: bool, runs_dir: str | None) -> None:
    """Print what an approver is shown, byte for byte as the journal's digest has it.

    With --server it is fetched from a server where you are signed in, and checked here against the journal.
    """
    if server:
        from babysitter.cli.remote_answer import show_there  # noqa: PLC0415 (only with --server)

        refuse_two_places(runs_dir)
        show_there(server, breakpoint_id, as_json=as_json)
        return
    queries = Queries(workspace(runs_dir))
    run_id, view = queries.find_breakpoint(breakpoint_id)
    shown = queries.read_file(run_id, f"breakpoints/{view.breakpoint_id}/shown.md").decode()
    show({"breakpoint": view, "shown": shown}, as_json=as_json, text=lambda: plain_lines(shown).rstrip())


@breakpoint_.command("history", epilog="Example: babysitter breakpoint history 01J9/4-production-deployment")
@breakpoint_argument
@json_option
@runs_dir_option
def history(*, breakpoint_id: str, as_json: bool, runs_dir: str | None) -> None:
    """Say what became of a breakpoint: answers, questions asked back, to whom it was passed on, the end."""
    queries = Queries(workspace(runs_dir))
    run_id, view = queries.find_breakpoint(breakpoint_id)
    events = queries.breakpoint_events(run_id, view.breakpoint_id)
    lines = [f"{run_id}/{view.breakpoint_id}  {view.state}"]
    for event in events:
        said = _said(event.type, event.data if isinstance(event.data, dict) else {})
        lines.append(f"  {event.recorded_at}  {plain(said)}")
    whole = {**to_builtins(view), "events": events}
    show(whole, as_json=as_json, text=lambda: "\n".join(lines))


def _said(type_: str, data: dict[str, Any]) -> str:
    """Return what a line says of its question, in words."""
    by, why = data.get("by", ""), data.get("reason") or data.get("feedback") or data.get("comment") or ""
    behalf = f" for {data['onBehalfOf']}" if data.get("onBehalfOf") else ""
    how = f"by {data.get('method')}{'  BREAKING THE GLASS' if data.get('breakGlass') else ''}"
    told = {
        "BREAKPOINT_REQUESTED": f"asked: {data.get('question', '')}",
        "BREAKPOINT_RESPONDED": f"{data.get('approver')}{behalf}  {data.get('decision')}  {how}",
        "BREAKPOINT_INFO_REQUESTED": f"{by} asks: {data.get('question', '')}",
        "BREAKPOINT_INFO_GIVEN": f"{by} replies: {data.get('answer', '')}",
        "BREAKPOINT_REASSIGNED": f"{by} passes it on to {', '.join(data.get('to', []))}",
    }.get(type_, type_.removeprefix("BREAKPOINT_").lower())
    return f"{told}: {why}" if why else told


@breakpoint_.command("ask", epilog="Example: babysitter breakpoint ask 01J9/4-go 'which database is that?'")
@breakpoint_argument
@click.argument("question")
@json_option
@runs_dir_option
def ask(*, breakpoint_id: str, question: str, as_json: bool, runs_dir: str | None) -> None:
    """Ask for more before answering. Neither yes nor no; the journal keeps it."""
    opened = workspace(runs_dir)
    run_id, found = find_breakpoint(opened.store, breakpoint_id)
    sent = Delivery(opened).ask_about(run_id, found, question)
    _show_sent(f"{run_id}/{found}", sent, "Asked", as_json=as_json)


@breakpoint_.command("reply", epilog="Example: babysitter breakpoint reply 01J9/4-go 'the staging copy'")
@breakpoint_argument
@click.argument("answer")
@json_option
@runs_dir_option
def reply(*, breakpoint_id: str, answer: str, as_json: bool, runs_dir: str | None) -> None:
    """Give what somebody asked for before answering."""
    opened = workspace(runs_dir)
    run_id, found = find_breakpoint(opened.store, breakpoint_id)
    sent = Delivery(opened).ask_about(run_id, found, answer, is_reply=True)
    _show_sent(f"{run_id}/{found}", sent, "Replied", as_json=as_json)


@breakpoint_.command(
    "reassign", epilog="Example: babysitter breakpoint reassign 01J9/4-go --to bob@example.com"
)
@breakpoint_argument
@click.option(
    "--to", "people", multiple=True, required=True, help="Who is asked now; of those who may answer."
)
@click.option("--comment", default="", help="Why; kept in the journal.")
@json_option
@runs_dir_option
def reassign(
    *, breakpoint_id: str, people: tuple[str, ...], comment: str, as_json: bool, runs_dir: str | None
) -> None:
    """Pass a question on to others of those who may answer it."""
    opened = workspace(runs_dir)
    run_id, found = find_breakpoint(opened.store, breakpoint_id)
    sent = Delivery(opened).pass_on(run_id, found, people, comment=comment)
    _show_sent(f"{run_id}/{found}", sent, "Passed on", as_json=as_json)


@breakpoint_.command("rules", epilog="Example: babysitter breakpoint rules")
@json_option
@runs_dir_option
def rules(*, as_json: bool, runs_dir: str | None) -> None:
    """List the rules of the settings that answer in a person's place, in the order they are tried."""
    found = workspace(runs_dir).policy_now().auto_approve
    lines = [
        f"{rule.id}  {rule.breakpoint}  "
        + ("never" if rule.never else f"after {rule.after} approvals in a row" if rule.after else "at once")
        for rule in found
    ]
    show(
        {"rules": found},
        as_json=as_json,
        text=lambda: "\n".join(lines) or "No rule answers in a person's place.",
    )


def _show_sent(name: str, sent: Sent, word: str, *, as_json: bool) -> None:
    text = (
        f"{word} about {name}; line {sent.lines[0].seq} of its journal says so."
        if sent.lines
        else f"Queued for the driver of {name.partition('/')[0]} as {sent.request_id}."
    )
    show(
        {"breakpoint": name, "requestId": sent.request_id, "lines": sent.lines},
        as_json=as_json,
        text=lambda: text,
    )
