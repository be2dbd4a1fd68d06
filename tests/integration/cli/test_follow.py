"""``--follow``, and the one thing that may show a secret: a terminal where the variable says so.

Never the disk.
"""

from collections.abc import Callable

import pytest

from tests.integration.cli.conftest import Shell
from tests.integration.cli.terminal import Terminal

SECRET = "zebra-crossing-4711"
Open = Callable[..., Terminal]


def on_disk(shell: Shell, value: str) -> list[str]:
    """Return the files of the workspace that hold the value."""
    files = [path for path in shell.root.rglob("*") if path.is_file()]
    return [path.name for path in files if value.encode() in path.read_bytes()]


@pytest.mark.promise("G14")
def test_live_output_is_masked_by_default(shell: Shell, terminal: Open) -> None:
    at = terminal("start", "p.py#spill", "--follow", "--run-id", "r", env={"SPILL_TOKEN": SECRET})

    assert at.ended() == 0
    assert "leak │ the token is ${secret:env:SPILL_TOKEN}; good bye" in at.text
    assert SECRET not in at.text
    assert on_disk(shell, SECRET) == []


@pytest.mark.promise("G14")
def test_the_variable_unmasks_live_output_on_the_drivers_terminal_and_nothing_on_disk(
    shell: Shell, terminal: Open
) -> None:
    env = {"SPILL_TOKEN": SECRET, "BABYSITTER_ALLOW_SECRET_LOGS": "true"}

    at = terminal("start", "p.py#spill", "--follow", "--run-id", "r", env=env)

    assert at.ended() == 0
    assert f"leak │ the token is {SECRET}; good bye" in at.text
    assert at.text.count(SECRET) == 1, "the summary shows what the journal holds"
    assert on_disk(shell, SECRET) == []


@pytest.mark.promise("G14")
@pytest.mark.parametrize("said", ["false", "0", "", "maybe"])
def test_only_a_plain_yes_unmasks(shell: Shell, terminal: Open, said: str) -> None:
    env = {"SPILL_TOKEN": SECRET, "BABYSITTER_ALLOW_SECRET_LOGS": said}

    at = terminal("start", "p.py#spill", "--follow", "--run-id", "r", env=env)

    assert at.ended() == 0
    assert SECRET not in at.text


@pytest.mark.promise("G14")
def test_piped_output_is_masked_whatever_the_variable_says(shell: Shell) -> None:
    """A pipe may end in a file or in a log of the CI."""
    env = {"SPILL_TOKEN": SECRET, "BABYSITTER_ALLOW_SECRET_LOGS": "true"}

    ended = shell("start", "p.py#spill", "--follow", "--run-id", "r", env=env)

    assert ended.returncode == 0
    assert "leak │ the token is ${secret:env:SPILL_TOKEN}; good bye" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


def test_what_a_run_came_to_is_shown_as_the_journal_holds_it(shell: Shell) -> None:
    """The driver's own state has values in clear; neither its JSON nor the harness's may show them."""
    env = {"SPILL_TOKEN": SECRET}

    driven = shell("start", "p.py#spill", "--run-id", "r", "--json", env=env)
    stopped = shell("run", "iterate", "r", "--json", env=env)

    assert (driven.returncode, stopped.returncode) == (0, 0)
    assert "${secret:env:SPILL_TOKEN}" in driven.stdout
    assert SECRET not in driven.stdout + driven.stderr + stopped.stdout


def test_nothing_is_followed_unless_asked(shell: Shell) -> None:
    ended = shell("start", "p.py#say", "--input", "text=hello", "--run-id", "r")

    assert ended.returncode == 0
    assert "│" not in ended.stderr
    assert ended.stderr.split("\n")[1:-1] == ["  … speak", ended.stderr.split("\n")[2]]
    assert "✓ speak" in ended.stderr


def test_control_characters_of_programs_never_reach_the_terminal(terminal: Open) -> None:
    """Neither those of live output, nor of results, nor of errors.

    They could hide lines or answer for a person.
    """
    evil = r"\033[2J\033]0;owned\007one\rtwo\u202eabc\n"

    at = terminal("start", "p.py#say", "--follow", "--input", f"text={evil}", "--run-id", "r")

    assert at.ended() == 0
    assert "speak │ two" in at.text
    assert "\x1b[2J" not in at.seen
    assert "\x1b]0" not in at.seen
    assert "\x07" not in at.seen
    assert "\u202e" not in at.seen
