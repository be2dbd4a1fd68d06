"""Asking once, at a terminal, whether code that nobody has trusted may run on this machine.

What was typed before the question stood there never answers it, and an empty line never means yes. Nobody is
asked where the answer can't be yes, where the terminal is none, or in continuous integration.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from babysitter.cli.plain import plain, plain_lines
from babysitter.config import in_ci
from babysitter.model.errors import UntrustedProcessError

if TYPE_CHECKING:
    from babysitter.service.wiring import Workspace

R = TypeVar("R")
_YES = frozenset({"y", "yes"})
_REVIEW = frozenset({"r", "review"})


def asked_once(opened: "Workspace", run: Callable[[], R], *, may_ask: bool = True) -> R:
    """Return what ``run`` gives; where its code is not trusted, ask whether it is, and run it then.

    Raises:
        UntrustedProcessError: it is not, and nobody could be asked or somebody said no.
    """
    try:
        return run()
    except UntrustedProcessError as refusal:
        if not may_ask or in_ci() or not _is_terminal():
            raise
        if refusal.facts.get("reason") == "signers":
            _ask_about_signers(opened, refusal)
        elif opened.place.settings.trust.takes_local:
            _ask_about_code(opened, refusal)
        else:
            raise
    return run()


def _is_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _ask_about_code(opened: "Workspace", refusal: UntrustedProcessError) -> None:
    from babysitter.cli.process_text import finding_lines, review_text, summary  # noqa: PLC0415 (only here)
    from babysitter.service.process.accepting import blocks  # noqa: PLC0415
    from babysitter.service.process_review import Reviewing  # noqa: PLC0415
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415

    entry = str(refusal.facts["entry"])
    found = Reviewing(opened).review(entry, with_bandit=False)
    _say(plain_lines(refusal.message))
    for line in summary(found):
        _say(line)
    for each in found.scan.findings:
        for line in finding_lines(each):
            _say(line)
    if any(blocks(each) for each in found.scan.findings):
        raise refusal
    _say("It was not checked by bandit; babysitter process review does that.")
    while True:
        answer = _answer("Trust this code, as it is now, on this machine? [y]es, [N]o, [r]eview: ")
        if answer in _YES:
            Trusting(opened).trust(entry, with_bandit=False)
            return
        if answer not in _REVIEW:
            raise refusal
        click.echo_via_pager(f"{review_text(found)}\n\n{_code(opened, entry)}")


def _ask_about_signers(opened: "Workspace", refusal: UntrustedProcessError) -> None:
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415 (only here)

    _say(plain_lines(refusal.message))
    _say("Whoever could change this folder could have put themselves there: ask them whose keys these are.")
    if (
        _answer("Shall what these signers sign count on this machine, in this folder? [y]es, [N]o: ")
        not in _YES
    ):
        raise refusal
    Trusting(opened).believe_signers()


def _code(opened: "Workspace", entry: str) -> str:
    from babysitter.service.process.closure import read_sources  # noqa: PLC0415 (only here)

    files = read_sources(entry, opened.root).files
    return "\n".join(
        f"=== {plain(path)}\n{plain_lines(text.decode(errors='replace'))}" for path, text in files.items()
    )


def _say(text: str) -> None:
    click.echo(text, err=True)


def _answer(question: str) -> str:
    import termios  # noqa: PLC0415 (only where there is a terminal)

    try:
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    except termios.error:
        return ""
    click.echo(question, err=True, nl=False)
    return sys.stdin.readline().strip().lower()
