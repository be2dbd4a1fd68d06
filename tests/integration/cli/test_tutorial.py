"""docs/tutorial/first-process.md: what it says to type is typed here, in order, and does what it says."""

import re
import shutil

import pytest

from tests.integration.cli.conftest import Shell
from tests.test_docs import ROOT

PAGE = ROOT / "docs/tutorial/first-process.md"


def blocks() -> list[tuple[str, str]]:
    """Return (language, content) of each fenced block of the page."""
    return re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return the lines that a reader types, after the installation."""
    return [line[2:] for kind, text in blocks() if kind == "console" for line in text.splitlines()]


@pytest.mark.needs("jq")
def test_every_command_of_the_tutorial_does_what_the_tutorial_says(shell: Shell) -> None:
    [process] = [text for kind, text in blocks() if kind == "python"]
    shell.root.joinpath("babysitter.toml").unlink()
    said: dict[str, str] = {}
    folder = "."

    for command in commands():
        if command.startswith("cd "):
            folder = command[3:]
            continue
        if "hello.py" in command:
            (shell.root / folder / "hello.py").write_text(process, encoding="utf-8")
        ended = shell.sh(f"cd {folder}; {command}")
        assert "Traceback" not in ended.stderr, command
        said[command] = ended.stdout + ended.stderr

    def of(start: str) -> str:
        return next(text for command, text in said.items() if command.startswith(start))

    assert "publish  (shell, hello.py" in of("babysitter process review hello.py")
    assert "NOT CHECKED by bandit: it was left out" in of("babysitter process review hello.py")
    assert "Trusted hello.py" in of("babysitter process trust hello.py")
    assert "exit status 3" in of("babysitter start hello.py")
    assert "hello-1/" in of("babysitter inbox")
    assert "Approved hello-1/" in of("babysitter approve hello-1")
    assert "exit status 137" in of("timeout --signal=KILL")
    assert "completed" in of("babysitter resume hello-1")
    assert of("cat out/published.txt") == "Hello, Ada!\n"
    assert "Short and friendly." in of("""jq 'select(.type=="BREAKPOINT_RELEASED")'""")
    assert '"action": "retry"' in of("""jq 'select(.type=="EFFECT_UNKNOWN")'""")
    assert of("head -n 4").split()[0] == of("sed -n 5p").strip()
    assert "exit status 1" in of("babysitter journal verify hello-1; echo")
    assert "line 10" in of("babysitter journal verify hello-1; echo").lower()
    assert "hello-1  verified" in said["babysitter journal verify hello-1"]


def test_the_retry_page_has_a_process_that_loads(shell: Shell) -> None:
    page = (ROOT / "docs/how-to/retry-with-feedback.md").read_text("utf-8")
    [(_, process)] = re.findall(r"^```(python)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (shell.root / "plan.py").write_text(process, encoding="utf-8")
    shell.trust("plan.py")

    assert shell("run", "create", "plan.py", "--input", "goal=launch").returncode == 0


def test_a_rejected_plan_is_written_anew_with_the_feedback_until_it_is_approved(shell: Shell) -> None:
    """examples/retry_with_feedback.py, as a person goes through it."""
    shutil.copy(ROOT / "examples/retry_with_feedback.py", shell.root)
    shell.trust("retry_with_feedback.py")
    assert shell("start", "retry_with_feedback.py", "--input", "goal=launch", "--run-id", "r").returncode == 3

    for words in ("Name the rollback.", "Say who is on call."):
        assert shell("reject", "r", "--comment", words).returncode == 0
        assert shell("resume", "r").returncode == 3
    assert "heeds: Name the rollback." in shell("breakpoint", "show", shell_inbox(shell)).stdout
    assert shell("approve", "r").returncode == 0
    ended = shell("resume", "r")

    assert ended.returncode == 0
    assert '"rounds":3' in ended.stdout
    assert r"- heeds: Name the rollback.\n- heeds: Say who is on call.\n" in ended.stdout
    assert sorted(path.name for path in (shell.root / ".a5c/runs/r/artifacts").iterdir()) == [
        "plan-1.md",
        "plan-2.md",
        "plan-3.md",
    ]
    assert shell("run", "replay", "r", "--check").returncode == 0


def test_a_disagreement_without_end_ends_after_five_rounds(shell: Shell) -> None:
    shutil.copy(ROOT / "examples/retry_with_feedback.py", shell.root)
    shell.trust("retry_with_feedback.py")
    shell("start", "retry_with_feedback.py", "--input", "goal=launch", "--run-id", "r")

    statuses = []
    for _ in range(5):
        shell("reject", "r", "--comment", "No.")
        statuses.append(shell("resume", "r").returncode)

    assert statuses == [3, 3, 3, 3, 0]
    assert '{"rounds":5,"plan":null,"why":"No."}' in shell("run", "status", "r").stdout


def shell_inbox(shell: Shell) -> str:
    """Return the name of the one question that waits."""
    found = re.search(r"^(r/\S+)", shell("inbox").stdout, re.MULTILINE)
    assert found is not None
    return found[1]
