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
from pathlib import Path
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
            where = f" ({error.filename})" if error.filename else ""
            hint = "Check that the disk has room and that the path may be read and written."
            _print_error("refused", f"{error.strerror or error}{where}.", hint, as_json=as_json)
            return _REFUSED_STATUS
        case _:
            _print_defect(error, as_json=as_json)
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
        error = {**(facts or {}), "code": code, "message": message, "hint": hint}
        error = {key: _encodable(value) for key, value in error.items()}
        click.echo(msgspec.json.encode({"error": error}).decode())
        return
    if before:
        click.echo(before, err=True)
    head = click.style("Error:", fg="red", bold=True) if coloured(sys.stderr) else "Error:"
    click.echo(f"{head} {plain_lines(message)}", err=True)
    if hint:
        click.echo(plain_lines(hint), err=True)


def _print_defect(error: BaseException, *, as_json: bool) -> None:
    """Say that it is our fault. The text of the error may hold anything, so only its place is shown."""
    import traceback  # noqa: PLC0415 (never, one hopes)

    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-4:]]
    message = f"a defect of Babysitter: {type(error).__name__} at {' < '.join(reversed(places))}."
    hint = "Nothing that was acknowledged is lost. Please report it with that line, as SECURITY.md says."
    _print_error("defect", message, hint, as_json=as_json)


def _encodable(value: Any) -> Any:  # noqa: ANN401 (an error's fact)
    """Return a fact as JSON has it; a text that no UTF-8 can hold (an argument of odd bytes) made plain."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    try:
        return msgspec.to_builtins(value, enc_hook=str)
    except (TypeError, ValueError):
        return plain_lines(str(value))


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
