"""Exit statuses, one by one, and that no input ends in a traceback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Shell
from tests.integration.cli.terminal import Terminal


def test_0_is_done(shell: Shell) -> None:
    ended = shell("start", "p.py#quick", "--input", "n=4", "--run-id", "r", "--json")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["output"] == 8


def test_1_is_a_run_that_failed_and_a_journal_that_does_not_verify(shell: Shell) -> None:
    failed = shell("start", "p.py#fail", "--run-id", "r")
    assert failed.returncode == 1
    assert "ValueError: no\N{REPLACEMENT CHARACTER}[31m good" in failed.stdout
    assert shell("run", "status", "r").returncode == 1

    path = shell.root / ".a5c/runs/r/journal/journal.jsonl"
    path.write_text(path.read_text("utf-8").replace("ValueError", "TypeError "), encoding="utf-8")
    wrong = shell("journal", "verify", "r")

    # A change of the last line itself shows in no chain; the line before it does.
    assert wrong.returncode in (0, 1)
    path.write_text(path.read_text("utf-8").replace('"p.py#fail"', '"p.py#gail"'), encoding="utf-8")
    wrong = shell("journal", "verify", "r")
    assert wrong.returncode == 1
    assert "r  WRONG" in wrong.stdout
    assert "Line 2 " in wrong.stdout
    assert "Problem(" not in wrong.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["run", "status", "nowhere"],
        ["run", "status"],
        ["start", "nowhere.py"],
        ["start", "p.py"],
        ["start", "p.py#nothing"],
        ["start", "p.py#quick", "--input", "n"],
        ["start", "p.py#quick", "--input", "n=[1"],
        ["start", "p.py#quick", "--inputs", "nowhere.json"],
        ["start", "p.py#quick", "--inputs", "."],
        ["start", "p.py#quick", "--run-id", "../../escape"],
        ["approve", "nowhere/1"],
        ["breakpoint", "show", "nowhere/1"],
        ["journal", "verify"],
        ["task", "post", "nowhere", "1", "--value", "1"],
        ["completion", "tcsh"],
        ["--nonsense"],
        ["resume"],
    ],
)
def test_2_is_a_wrong_call_told_as_what_where_and_what_to_do(shell: Shell, words: list[str]) -> None:
    ended = shell(*words, "--json")

    assert (ended.returncode, ended.stderr) == (2, "")
    error = json.loads(ended.stdout)["error"]
    assert error["code"].startswith("usage")
    assert error["message"]
    assert error["hint"]


def test_an_error_goes_to_stderr_in_plain_words(shell: Shell) -> None:
    ended = shell("run", "status", "nowhere")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "Error: there is no run nowhere.\nSee them with: babysitter run list\n"


def test_3_waits_and_says_the_command_to_answer_with(shell: Shell) -> None:
    waiting = shell("start", "p.py#ask", "--run-id", "r")

    assert waiting.returncode == 3
    assert "answer with: babysitter approve r/1-production-deployment" in waiting.stdout
    assert shell("run:status", "r").returncode == 3
    assert shell("approve", "r").stdout.endswith("Go on with: babysitter resume r\n")


def test_4_is_refused_here(shell: Shell) -> None:
    assert shell("start", "p.py#quick", "--input", "n=1", "--run-id", "r").returncode == 0

    again = shell("start", "p.py#quick", "--input", "n=1", "--run-id", "r", "--json")
    ended = shell("run", "cancel", "r")

    assert again.returncode == 4
    assert json.loads(again.stdout)["error"]["code"] == "refused.exists"
    assert ended.returncode == 4
    assert "has ended" in ended.stderr


def test_4_is_a_run_that_someone_else_drives(shell: Shell, terminal: Callable[..., Terminal]) -> None:
    at = terminal("start", "p.py#ask", "--run-id", "r")
    at.wait_for("and why? ")

    second = shell("resume", "r")

    assert second.returncode == 4
    assert f"process {at.process.pid}" in second.stderr or str(at.process.pid) in second.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_in_order_and_the_run_resumes(
    shell: Shell, number: signal.Signals, status: int
) -> None:
    argv = [sys.executable, "-m", "babysitter", "start", "p.py#sleepy", "--run-id", "r", "--follow"]
    driver = subprocess.Popen(
        argv,
        cwd=shell.root,
        env=shell.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with driver:
        assert driver.stderr is not None
        while "napping" not in (line := driver.stderr.readline()):
            assert line, "the driver ended early"

        driver.send_signal(number)
        while "stopping: nap may end within 10 s" not in (line := driver.stderr.readline()):
            assert line, "the driver ended early"
        driver.send_signal(number)

        assert driver.wait(timeout=20) == status
    assert shell("journal", "verify", "r").returncode == 0
    assert shell("run", "cancel", "r", "--json").returncode == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"n": NaN}',
        b"[" * 200_000,
        b'{"n": "\\ud800"}',
        b'{"n": 1e999}',
        b"\0" * 4096,
    ],
    ids=["empty", "cut", "not UTF-8", "NaN", "deep", "surrogate", "infinite", "NUL"],
)
def test_bad_inputs_end_in_a_sentence(shell: Shell, content: bytes) -> None:
    (shell.root / "in.json").write_bytes(content)

    ended = shell("start", "p.py#quick", "--inputs", "in.json")

    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: ")
    assert "Traceback" not in ended.stderr


def test_an_endless_input_is_refused(shell: Shell) -> None:
    ended = shell("start", "p.py#quick", "--inputs", "/dev/zero")

    assert ended.returncode == 2
    assert "more than 64 MiB" in ended.stderr


def test_an_argument_that_is_not_text_is_refused(shell: Shell) -> None:
    argv: list[str | bytes] = [
        sys.executable,
        "-m",
        "babysitter",
        "start",
        "p.py#quick",
        "--input",
        b"n=\xff\x1b[2J",
    ]

    ended = subprocess.run(argv, cwd=shell.root, env=shell.environment, capture_output=True, check=False)

    assert ended.returncode == 2
    assert b"Error: " in ended.stderr
    assert b"\x1b" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [("babysitter.toml", b"\xff\xfe"), ("babysitter.toml", b"[sandbx]\n"), ("p.py", b"\xff(")],
)
def test_a_file_that_can_not_be_read_is_named(shell: Shell, name: str, content: bytes) -> None:
    (shell.root / name).write_bytes(content)

    ended = shell("start", "p.py#quick", "--input", "n=1")

    assert ended.returncode == 2
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_had_enough_is_no_error(shell: Shell) -> None:
    shell("start", "p.py#quick", "--input", "n=1", "--run-id", "r")

    ended = shell.sh(
        "babysitter run events r | head -n 1; babysitter journal cat r | true; echo ${PIPESTATUS[0]}"
    )

    assert ended.stderr == ""
    assert ended.stdout.endswith("\n0\n")


def test_a_full_disk_behind_stdout_is_told(shell: Shell) -> None:
    ended = shell.sh("babysitter run list >/dev/full")

    assert ended.returncode == 4
    assert ended.stderr.startswith("Error: No space left on device")


def test_progress_that_nobody_reads_does_not_stop_the_run(shell: Shell) -> None:
    ended = shell.sh(
        "babysitter start p.py#quick --input n=1 --run-id r 2>&1 >/dev/null | true; babysitter run status r"
    )

    assert ended.returncode == 0
    assert "completed" in ended.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_do_no_harm(shell: Shell, closed: str) -> None:
    ended = shell.sh(f"babysitter start p.py#quick --input n=1 --run-id r {closed}")

    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_a_folder_that_is_gone_is_told(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    ended = shell.sh(f"cd {gone} && rmdir {gone} && {sys.executable} -m babysitter run list")

    assert ended.returncode == 4
    assert "Traceback" not in ended.stderr


def test_a_terminal_without_utf8_shows_what_it_can(shell: Shell) -> None:
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    ended = shell("start", "p.py#quick", "--input", "n=1", env=env)

    assert ended.returncode == 0
    assert os.linesep in ended.stderr
