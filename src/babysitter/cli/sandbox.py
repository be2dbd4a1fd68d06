"""``sandbox``: say what a task may do, and try a command in a sandbox."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, show, style, style_err, workspace
from babysitter.model.output import Tail

if TYPE_CHECKING:
    from babysitter.service.performing import Stop
    from babysitter.service.sandboxing import SandboxView, TrialView

_KEPT_BYTES = 32 * 1024
_HEADS = {
    "sees": "Sees",
    "writes": "Writes",
    "reaches": "Reaches",
    "environment": "Environment",
    "limits": "Limits",
}


@click.group(cls=Verbs, epilog="Example: babysitter sandbox explain process.py#build")
def sandbox() -> None:
    """Say what a task may do, and try a command in a sandbox."""


@sandbox.command("explain", epilog="Example: babysitter sandbox explain process.py#build")
@click.argument("task")
@json_option
def explain(*, task: str, as_json: bool) -> None:
    """Print what a task may do here: what it sees, writes and reaches, its limits, and the profile's digest.

    TASK is path/to/file.py#task or package.module:task. The file is loaded, as a run would.
    Leaves with 4 when an attempt would be refused.
    """
    from babysitter.service import sandboxing  # noqa: PLC0415 (loads processes)

    found = sandboxing.explain(workspace(), task)
    show(found, as_json=as_json, text=lambda: _explained(found))
    leave(4 if found.refusal else 0)


def _explained(found: "SandboxView") -> str:
    lines = [f"{style(plain(found.task), bold=True)}  {found.kind} task of {plain(found.source)}"]
    for name, head in _HEADS.items():
        sentences = getattr(found.words, name)
        if name == "environment":
            sentences = (", ".join(sentences),)
        lines += [f"{(head if first else ''):<12}  {plain(text)}" for first, text in _numbered(sentences)]
    if found.timeout_s is not None:
        lines.append(f"{'':<12}  {found.timeout_s:g} s")
    for name, added in found.extra.items():
        lines.append(f"{'Settings add':<12}  {name} {plain(', '.join(added))}")
    lines.append(f"{'Confined by':<12}  {found.runner}")
    lines.append(f"{'SHA-256':<12}  {found.sandbox_sha256}")
    if found.refusal:
        lines.append(style(f"Refused: {plain(found.refusal)} {plain(found.hint or '')}", fg="red"))
    return "\n".join(lines)


def _numbered(sentences: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    for index, text in enumerate(sentences):
        yield index == 0, text


class _Sink:
    """An OutputSink that shows what comes, on a terminal without control characters, and keeps the end."""

    def __init__(self, stream: BinaryIO | None, *, terminal: bool) -> None:
        self._stream = stream
        self._terminal = terminal
        self._begun = b""
        self._kept = Tail(_KEPT_BYTES)

    def write(self, chunk: bytes) -> None:
        """Show and keep."""
        self._kept.write(chunk)
        if self._stream is None:
            return
        if self._terminal:
            # Whole lines: a character, or a sequence of the terminal, may be cut in two.
            whole, mark, self._begun = (self._begun + chunk).rpartition(b"\n")
            chunk = plain_lines((whole + mark).decode(errors="replace")).encode(errors="replace")
        self._stream.write(chunk)
        self._stream.flush()

    def end(self) -> None:
        """Show what is left: a last line without an end."""
        if self._begun:
            self.write(b"\n")

    def tail(self, count: int) -> str:
        """Return the end as text."""
        return self._kept.tail(count)


@contextmanager
def _stopped_by_signals() -> Iterator["Stop"]:
    from babysitter.service.performing import Stop  # noqa: PLC0415 (loads processes)

    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@sandbox.command(
    "try",
    context_settings={"allow_interspersed_args": False},
    epilog="Example: babysitter sandbox try --network example.com:443 -- curl -sS https://example.com/",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--like", metavar="TASK", help="Begin with this task's sandbox: path/to/file.py#task.")
@click.option("--network", multiple=True, metavar="HOST:PORT", help="Reach this host on this port.")
@click.option("--read", multiple=True, metavar="PATH", help="Read this too.")
@click.option("--write", multiple=True, metavar="PATH", help="Write here; a directory ends in /.")
@click.option("--env", multiple=True, metavar="NAME", help="Pass this variable on.")
@click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="End it after so long.")
@json_option
def try_(*, command: tuple[str, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401 (one a grant)
    """Run a command in a sandbox of this workspace, with no more than the options grant.

    Shows what it writes, and on stderr what was denied. Leaves with the command's own exit status: 128 + the
    signal's number when a signal ended it, 124 when its time was up, 130 when it was stopped; with 4 when
    it was not started. Nothing is journaled.
    """
    from babysitter.service import sandboxing  # noqa: PLC0415 (loads processes)

    wanted = sandboxing.Wanted(argv=command, keep_output=as_json, **options)
    stdout = _Sink(None if as_json else sys.stdout.buffer, terminal=sys.stdout.isatty())
    stderr = _Sink(None if as_json else sys.stderr.buffer, terminal=sys.stderr.isatty())
    with _stopped_by_signals() as stop:
        found = sandboxing.try_command(workspace(), wanted, (stdout, stderr), stop)
    for sink in (stdout, stderr):
        sink.end()
    show(found, as_json=as_json)
    if not as_json:
        _tell(found)
    leave(found.status)


def _tell(found: "TrialView") -> None:
    for denial in found.denials:
        where = f": {denial.where}" if denial.where else ""
        click.echo(
            style_err(f"denied  {plain(denial.what)}{plain(where)} ({denial.rule})", fg="red"), err=True
        )
    if found.why in ("timeout", "stopped"):
        click.echo(style_err(f"ended  {found.why}", fg="yellow"), err=True)
