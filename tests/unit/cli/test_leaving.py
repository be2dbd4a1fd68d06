"""What goes wrong becomes a status and a sentence, whatever it is; never a traceback."""

import json
from typing import NoReturn

import click
import pytest

from babysitter.cli.leaving import exit_status_of
from babysitter.model.errors import (
    CorruptJournalError,
    Defect,
    InvalidValueError,
    RunLockedError,
    StoreFailedError,
)
from babysitter.stores.interface import Holder

HOLDER = Holder(user="ann", host="here", pid=7, since="2026-01-31T10:15:30.123456Z")


def failing(error: BaseException) -> click.Command:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def command(*, as_json: bool) -> NoReturn:
        del as_json
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidValueError("no.", hint="Do."), 2, "usage.value"),
        (CorruptJournalError("bad.", hint="Do.", line=3), 1, "journal.corrupt"),
        (RunLockedError("held.", hint="Wait.", holder=HOLDER), 4, "refused.locked"),
        (StoreFailedError("disk.", hint="Do."), 4, "store.disk"),
        (Defect("ours.", hint="Report."), 70, "defect"),
        (RuntimeError("the password is hunter2"), 70, "defect"),
        (AssertionError(), 70, "defect"),
        (RecursionError(), 70, "defect"),
        (MemoryError(), 70, "defect"),
        (OSError(28, "No space left on device", "/x"), 4, "refused"),
        (KeyboardInterrupt(), 130, "stopped"),
        (click.UsageError("wrong"), 2, "usage"),
    ],
)
def test_every_error_has_its_status_and_its_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, code: str
) -> None:
    plain = exit_status_of(failing(error), [])
    told = capsys.readouterr()
    machine = exit_status_of(failing(error), ["--json"])
    printed = capsys.readouterr()

    assert (plain, machine) == (status, status)
    assert "Traceback" not in told.err
    assert told.err.count("Error: ") == 1
    assert json.loads(printed.out)["error"]["code"] == code
    assert printed.err.strip() == ""


def test_a_defect_says_where_and_nothing_of_what_it_held(capsys: pytest.CaptureFixture[str]) -> None:
    """The text of an unforeseen error may hold anything, a secret too."""
    exit_status_of(failing(RuntimeError("the password is hunter2")), [])

    told = capsys.readouterr().err
    assert "hunter2" not in told
    assert "RuntimeError at test_leaving.py:" in told
    assert "report" in told


def test_facts_are_part_of_the_json_and_never_hide_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    exit_status_of(failing(RunLockedError("held.", hint="Wait.", holder=HOLDER, odd=b"\xff")), ["--json"])

    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["message"], error["hint"]) == ("held.", "Wait.")
    assert error["holder"]["pid"] == 7


def test_an_error_can_not_draw_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    exit_status_of(failing(InvalidValueError("a\x1b[2Jb\x07\nc", hint="d\x9be\udcff")), [])

    told = capsys.readouterr().err
    assert not set(told) & {"\x1b", "\x07", "\x9b"}
