"""``inbox``, ``breakpoint show`` and answers with ``--server``: checked, shown and signed on this machine."""

from typing import TYPE_CHECKING

import click

from babysitter.cli.before_signing import How, answered, show_and_ask
from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.remote import remote
from babysitter.cli.render import breakpoint_list
from babysitter.cli.terminal import show

if TYPE_CHECKING:
    from babysitter.service.elsewhere.answers import RemoteAnswers


def inbox_there(url: str, *, as_json: bool) -> None:
    """List what waits for people at a server."""
    found = _answers(url).inbox()
    show(
        found,
        as_json=as_json,
        text=lambda: breakpoint_list(
            [each.breakpoint for each in found.breakpoints], empty="Nothing waits for a person there."
        ),
    )
    if found.breakpoints and not as_json:
        click.echo(
            "This is the server's word. What you sign is checked here first: "
            f"babysitter approve BP --server {plain(url)} --key KEY",
            err=True,
        )


def show_there(url: str, text: str, *, as_json: bool) -> None:
    """Print what an approver is shown, after it was checked here."""
    use_case = _answers(url)
    covered = use_case.covered(use_case.find(text, decided_too=True))
    whole = {
        "runId": covered.run_id,
        "breakpointId": covered.asked.breakpoint_id,
        "shown": covered.document,
        "shownSha256": covered.asked.shown_sha256,
        "journal": covered.place,
    }
    show(whole, as_json=as_json, text=lambda: plain_lines(covered.document).rstrip())


def answer_there(url: str, text: str, decision: str, how: How, key: str) -> None:
    """Check, show and sign an answer here, and give it to the server."""
    use_case = _answers(url)
    named = use_case.find(text)
    covered = use_case.covered(named)
    sent = use_case.send(named, covered, show_and_ask(covered, decision, how, key))
    whole = {
        "server": url,
        "runId": named.run_id,
        "breakpointId": named.breakpoint_id,
        "decision": decision,
        "requestId": sent.request_id,
        "lines": sent.lines,
    }
    name = plain(f"{named.run_id}/{named.breakpoint_id}")
    show(
        whole,
        as_json=how.as_json,
        text=lambda: answered(
            name,
            decision,
            sent.lines,
            request_id=plain(sent.request_id),
            goes_on="The server goes on with it.",
        ),
    )


def _answers(url: str) -> "RemoteAnswers":
    from babysitter.service.elsewhere.answers import RemoteAnswers  # noqa: PLC0415 (imports cryptography)
    from babysitter.service.ports import SystemClock, SystemDice  # noqa: PLC0415 (same)
    from babysitter.service.signing_keys import Machine  # noqa: PLC0415 (same)
    from babysitter.service.wiring import local_programs  # noqa: PLC0415 (same)

    machine = Machine(programs=local_programs(), clock=SystemClock(), dice=SystemDice())
    return RemoteAnswers(remote(url), machine)
