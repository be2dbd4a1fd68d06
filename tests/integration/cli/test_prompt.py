"""Breakpoints on a real terminal: what is shown, what an answer does, and how the terminal is left."""

import json
from collections.abc import Callable

import pytest

from tests.integration.cli.conftest import Shell
from tests.integration.cli.terminal import Terminal

Open = Callable[..., Terminal]
PROMPT = "approve, reject or defer, and why? "


def output_of(shell: Shell) -> dict[str, object]:
    output: dict[str, object] = json.loads(shell("run", "status", "r", "--json").stdout)["output"]
    return output


@pytest.mark.promise("G12")
def test_the_question_is_shown_with_its_context_and_what_comes_of_each_answer(terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")

    at.wait_for(PROMPT)

    for text in (
        "◆ Production Deployment ──",
        "  Deploy with production credentials?\n",
        '"environment": "production"',
        '"critical": true',
        "approve  lets the process go on",
        "reject   tells the process no; your comment is its feedback",
        "defer    says not now",
        "From elsewhere: babysitter approve r/1-production-deployment",
    ):
        assert text in at.text
    assert "\x1b[36m" in at.seen, "a title has its colour"
    assert max(len(line) for line in at.text.split("\n")) <= 80


def test_no_color_is_kept_on_a_terminal(terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r", env={"NO_COLOR": "1"})

    at.wait_for(PROMPT)

    assert "\x1b[3" not in at.seen
    assert "\x1b[1m" not in at.seen


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("approve looks right\n", {"approved": True, "feedback": "looks right"}),
        ("a\n", {"approved": True, "feedback": ""}),
        ("Reject: not on a Friday\n", {"approved": False, "feedback": "not on a Friday"}),
    ],
)
def test_an_answer_with_its_comment_reaches_the_process(
    shell: Shell, terminal: Open, typed: str, expected: dict[str, object]
) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for(PROMPT)

    at.type(typed)

    assert at.ended() == 0
    assert expected.items() <= output_of(shell).items()


def test_what_is_no_answer_is_asked_again_and_never_a_yes(shell: Shell, terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for(PROMPT)

    at.type("\n")
    at.type("a quick look first\n")
    at.wait_for("Please begin with approve, reject or defer; nothing was answered.")
    at.type("yesterday\n")
    at.type("no\n")

    assert at.ended() == 0
    assert output_of(shell)["approved"] is False


def test_what_was_typed_before_the_question_does_not_answer_it(shell: Shell, terminal: Open) -> None:
    shell("start", "p.py#ask", "--run-id", "r")
    at = terminal("resume", "r")
    at.type("approve\n")

    at.wait_for(PROMPT)
    at.type("reject\n")

    assert at.ended() == 0
    assert output_of(shell)["approved"] is False


def test_a_deferred_question_stays_open_and_the_command_says_how_to_go_on(terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for(PROMPT)

    at.type("defer after lunch\n")

    assert at.ended() == 3
    assert "Go on with: babysitter resume r" in at.text


def test_the_question_withdraws_when_its_answer_comes_from_elsewhere(shell: Shell, terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for(PROMPT)

    elsewhere = shell("approve", "r", "--comment", "by phone")

    assert (elsewhere.returncode, at.ended()) == (0, 0)
    assert "Its driver goes on." in elsewhere.stdout
    assert "approved by" in at.text
    assert ": by phone" in at.text
    assert at.seen.rindex("\x1b[2K") > at.seen.rindex(PROMPT), "the prompt was wiped away"
    assert at.text.rindex("approved by") > at.text.rindex(PROMPT), "and did not come back"


def test_an_interrupt_at_the_prompt_leaves_with_130_and_the_run_resumes(shell: Shell, terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for(PROMPT)

    at.interrupt()
    assert at.ended() == 130
    assert "Stopped. Nothing is lost; go on with: babysitter resume r" in at.text

    again = terminal("resume", "r")
    again.wait_for(PROMPT)
    again.type("approve\n")
    assert again.ended() == 0
    assert "going on from line 2" in again.text
    assert output_of(shell)["approved"] is True


def test_the_end_of_input_is_no_answer(terminal: Open) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for(PROMPT)

    at.type("\x04")

    assert at.ended() == 3


def test_the_status_line_tells_what_runs_and_is_gone_at_the_end(shell: Shell, terminal: Open) -> None:
    at = terminal("start", "p.py#sleepy", "--run-id", "r")
    at.wait_for("nap 0 s")

    at.interrupt()
    at.wait_for("stopping: nap may end within 10 s; once more (Ctrl-C) ends it now")
    at.interrupt()

    assert at.ended() == 130
    assert at.seen.rindex("\x1b[2K") > at.seen.rindex("nap 0 s")
    assert "nap" not in at.seen[at.seen.rindex("\x1b[2K") :].split("Stopped.")[0].replace("1-nap", "")
    assert shell("journal", "verify", "r").returncode == 0
