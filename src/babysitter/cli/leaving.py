"""How a command leaves: its exit status, and what went wrong as what / where / what to do.

Exit status: 0 done; 1 the answer is no; 2 usage; 3 waiting; 4 refused or
impossible here; 130/143 stopped by a signal; 70 a defect of ours. Whatever
happens, no traceback and no control character of a program reaches the terminal.
"""

import io
import os
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import click
import msgspec

from babysitter.cli.plain import plain_lines
from babysitter.cli.terminal import coloured
from babysitter.model.errors import BabysitterError

_SIGINT_STATUS = 130
_REFUSED_STATUS = 4
_DEFECT_STATUS = 70


def exit_status_of(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command; print what goes wrong; return the exit status."""
    _accept_any_text()
    # What stands behind -- is another program's.
    as_json = "--json" in takewhile(lambda argument: argument != "--", arguments)
    try:
        status = command.main(args=list(arguments), prog_name="babysitter", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 (the last boundary: whatever it is becomes a status and a sentence)
        return _status_after(error, as_json=as_json)
    return status if isinstance(status, int) else 0


def _status_after(error: BaseException, *, as_json: bool) -> int:
    try:
        status = _tell(error, as_json=as_json)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # Nobody reads what went wrong; the status says it all the same.
        _silence_stdout()
        return _REFUSED_STATUS
    return status


def _tell(error: BaseException, *, as_json: bool) -> int:
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            _tell_usage(error, as_json=as_json)
            return 2
        case BabysitterError():
            _print_error(error.code, error.message, error.hint, as_json=as_json, facts=error.facts)
            return error.exit_status
        case KeyboardInterrupt() | click.Abort() | EOFError():
            _print_error("stopped", "stopped.", "Nothing that was acknowledged is lost.", as_json=as_json)
            return _SIGINT_STATUS
        case BrokenPipeError() | SystemExit():
            # The reader has had enough (``| head``), which is no error; click makes a SystemExit of it.
            _silence_stdout()
            return 0
        case OSError():
            _silence_stdout()
            _print_unexpected(error, as_json=as_json)
            return _REFUSED_STATUS
        case _:
            _print_unexpected(error, as_json=as_json)
            return _DEFECT_STATUS


def _tell_usage(error: click.ClickException, *, as_json: bool) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        assert context is not None, "click says whose help is wanted"
        if as_json:
            _print_error("usage", "say which command.", f"Try: {context.command_path} --help", as_json=True)
        else:
            click.echo(error.format_message(), err=True)
        return
    usage = context.get_usage() if context is not None else ""
    hint = f"Try: {context.command_path} --help" if context is not None else ""
    message = error.format_message()
    _print_error("usage", message[:1].lower() + message[1:], hint, as_json=as_json, before=usage)


def _print_error(
    code: str,
    message: str,
    hint: str,
    *,
    as_json: bool,
    before: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    if as_json:
        from babysitter.service.refusals import view_of  # noqa: PLC0415 (only for an error)

        click.echo(msgspec.json.encode({"error": view_of(code, message, hint, facts)}).decode())
        return
    if before:
        click.echo(before, err=True)
    head = click.style("Error:", fg="red", bold=True) if coloured(sys.stderr) else "Error:"
    click.echo(f"{head} {plain_lines(message)}", err=True)
    if hint:
        click.echo(plain_lines(hint), err=True)


def _print_unexpected(error: BaseException, *, as_json: bool) -> None:
    from babysitter.service.refusals import error_view  # noqa: PLC0415 (never, one hopes)

    told = error_view(error)
    _print_error(told["code"], told["message"], told["hint"], as_json=as_json)


def _accept_any_text() -> None:
    """Have odd characters replaced where the terminal's encoding lacks them, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """Keep Python from flushing, at its end, into what can't be written."""
    if sys.stdout is None:
        return
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
