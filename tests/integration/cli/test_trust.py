"""``process``, and what a person meets who runs untrusted code: real commands, keys and terminals."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Shell
from tests.integration.cli.terminal import Terminal
from tests.test_docs import ROOT

pytestmark = pytest.mark.promise("G07")
FLOW = """\
from babysitter import Context, process, shell_task
import near


@shell_task
def hello() -> list[str]:
    return ["echo", "hello"]


@process
async def main(ctx: Context) -> str:
    return (await ctx.task(hello)).stdout + near.VALUE
"""
RAN = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nVALUE = '!'\n"
HARMLESS = "VALUE = '!'\n"
QUESTION = "Trust this code, as it is now, on this machine?"


@pytest.fixture
def flow(shell: Shell) -> Shell:
    """A process that nobody has trusted."""
    (shell.root / "flow.py").write_text(FLOW)
    (shell.root / "near.py").write_text(HARMLESS)
    return shell


def trust_of(shell: Shell, run_id: str) -> str:
    first = json.loads(shell.journal(run_id).splitlines()[0])["data"]
    return str(first.get("trust"))


def test_untrusted_code_is_refused_with_4_and_the_command_that_changes_it(flow: Shell) -> None:
    (flow.root / "near.py").write_text(RAN)
    for words in (("start", "flow.py"), ("run", "create", "flow.py")):
        ended = flow(*words)

        assert ended.returncode == 4
        assert "babysitter process trust flow.py" in ended.stderr
    error = json.loads(flow("start", "flow.py", "--json").stdout)["error"]
    assert (error["code"], error["reason"]) == ("refused.untrusted", "unknown")
    assert not (flow.root / "ran").exists()
    assert not (flow.root / ".a5c").exists()


def test_trusted_code_runs_until_a_byte_of_it_changes(flow: Shell) -> None:
    assert flow("process", "trust", "flow.py", "--no-bandit").returncode == 0
    assert flow("start", "flow.py", "--run-id", "r").returncode == 0
    assert trust_of(flow, "r") == "local"

    (flow.root / "near.py").write_text(HARMLESS + "#")

    assert flow("start", "flow.py").returncode == 4
    listed = json.loads(flow("process", "list", "--json").stdout)["trusted"]
    assert {(view["entry"], view["current"]) for view in listed} == {("p.py", True), ("flow.py", False)}
    assert flow("process", "untrust", "flow.py").returncode == 0
    assert flow("process", "untrust", "flow.py").returncode == 2


def test_a_secret_list_of_untrusted_code_runs_nothing_of_it(flow: Shell) -> None:
    (flow.root / "near.py").write_text(RAN + "from babysitter import secret\nX = secret('env:NEAR')\n")

    ended = flow("secret", "list", "flow.py")

    assert "env:NEAR" in ended.stdout
    assert not (flow.root / "ran").exists()


def test_at_a_terminal_one_is_asked_once(flow: Shell, terminal: Callable[..., Terminal]) -> None:
    asked = terminal("start", "flow.py", "--run-id", "first")
    asked.wait_for(QUESTION)
    assert "hello  (shell, flow.py:6)" in asked.text
    asked.type("yes\n")
    assert asked.ended() == 0
    assert trust_of(flow, "first") == "local"

    again = terminal("start", "flow.py", "--run-id", "second")

    assert again.ended() == 0
    assert QUESTION not in again.text


@pytest.mark.parametrize("answer", ["\n", "no\n", "maybe\n", "\x04"])
def test_anything_but_yes_is_no(flow: Shell, terminal: Callable[..., Terminal], answer: str) -> None:
    asked = terminal("start", "flow.py")
    asked.wait_for(QUESTION)
    asked.type(answer)

    assert asked.ended() == 4
    assert flow("start", "flow.py").returncode == 4
    assert not (flow.root / ".a5c").exists()


def test_what_was_typed_ahead_answers_nothing(flow: Shell, terminal: Callable[..., Terminal]) -> None:
    asked = terminal("start", "flow.py")
    asked.type("yes\n")
    asked.wait_for(QUESTION)
    asked.type("\n")

    assert asked.ended() == 4


def test_in_ci_nobody_is_asked_and_nothing_is_allowed(flow: Shell, terminal: Callable[..., Terminal]) -> None:
    flow("process", "trust", "flow.py", "--no-bandit")
    in_ci = {"CI": "true"}

    asked = terminal("start", "flow.py", env=in_ci)
    assert asked.ended() == 4
    assert QUESTION not in asked.text
    allowed = flow("start", "flow.py", "--allow-untrusted", env=in_ci)
    assert allowed.returncode == 4
    assert "--allow-untrusted is for a person" in allowed.stderr
    assert flow("process", "trust", "flow.py", env=in_ci).returncode == 4


def test_untrusted_code_may_be_allowed_for_once_and_the_journal_says_so(flow: Shell) -> None:
    assert flow("start", "flow.py", "--allow-untrusted", "--run-id", "r").returncode == 0

    assert trust_of(flow, "r") == "allowed-untrusted"
    assert flow("start", "flow.py").returncode == 4
    assert flow("journal", "verify", "r").returncode == 0


@pytest.mark.promise("G11")
def test_at_a_terminal_a_credential_is_shown_and_not_asked_about(
    flow: Shell, terminal: Callable[..., Terminal]
) -> None:
    (flow.root / "near.py").write_text(f"{HARMLESS}\nKEY = 'AKIA" + "QRSTUVWXYZ234567'\n")

    asked = terminal("start", "flow.py")

    assert asked.ended() == 4
    assert "near.py:3" in asked.text
    assert QUESTION not in asked.text
    assert "QRSTUVWXYZ" not in asked.text
    review = flow("process", "review", "flow.py", "--no-bandit")
    assert (review.returncode, "near.py:3" in review.stdout) == (1, True)
    sarif = json.loads(flow("process", "review", "flow.py", "--no-bandit", "--sarif").stdout)
    places = [
        result["locations"][0]["physicalLocation"] for run in sarif["runs"] for result in run["results"]
    ]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [
        ("near.py", 3)
    ]


@pytest.mark.needs("ssh-keygen", "jq", "sha256sum")
def test_a_signed_word_counts_for_a_colleague_and_stock_tools_check_it(
    flow: Shell, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    key = tmp_path / "alice"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    flow("key", "add", "alice@example.com", str(key))
    trusted = flow("process", "trust", "flow.py", "--no-bandit", "--key", str(key))
    assert trusted.returncode == 0, trusted.stderr
    assert "What alice@example.com signs counts from now on" in trusted.stdout
    assert flow("start", "flow.py", "--run-id", "mine").returncode == 0
    assert trust_of(flow, "mine") == "signed"

    page = (ROOT / "docs/how-to/trust-a-process.md").read_text("utf-8")
    [script] = re.findall(r"^```sh\n(cd workspace\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    checked = flow.sh("set -e; " + script.replace("cd workspace\n", ""))
    assert checked.returncode == 0, checked.stderr
    assert 'Good "babysitter-process" signature for alice@example.com' in checked.stdout
    assert checked.stdout.splitlines()[1:] == ["flow.py: OK", "near.py: OK"]

    colleague = {"XDG_STATE_HOME": str(tmp_path / "colleague")}
    refused = flow("start", "flow.py", env=colleague)
    assert (refused.returncode, "key believe" in refused.stderr) == (4, True)
    asked = terminal("start", "flow.py", "--run-id", "theirs", env=colleague)
    asked.wait_for("Shall what these signers sign count")
    asked.type("y\n")
    assert asked.ended() == 0
    assert trust_of(flow, "theirs") == "signed"

    flow("key", "revoke", "SHA256:")
    assert flow("start", "flow.py").returncode == 4


HOOK = "#!/bin/sh\ntouch {mark}\n"
NAMED_AS_OURS = ("tomllib", "difflib", "tempfile", "termios", "cryptography", "sitecustomize", "conftest")


@pytest.mark.needs("git")
def test_nothing_that_a_clone_brings_runs_but_its_trusted_process(
    flow: Shell, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """Hooks in every folder that somebody's tool would run, git's own settings, and modules named as ours."""
    mark = tmp_path / "a-hook-ran"
    hooks = [".git/hooks", ".a5c/hooks/on-run-start", ".a5c/hooks", ".babysitter/hooks", "hooks", ".githooks"]
    subprocess.run(["git", "init", "-q", str(flow.root)], check=True)
    names = (
        "pre-commit",
        "post-checkout",
        "pre-push",
        "reference-transaction",
        "on-run-start",
        "on-run-start.sh",
    )
    for folder in hooks:
        for name in names:
            path = flow.root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_dir():
                path.write_text(HOOK.format(mark=mark))
                path.chmod(0o755)
    monitor = flow.root / "hooks" / "pre-commit"
    for setting, value in (("core.hooksPath", "hooks"), ("core.fsmonitor", str(monitor))):
        subprocess.run(["git", "-C", str(flow.root), "config", setting, value], check=True)
    for name in NAMED_AS_OURS:
        (flow.root / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")

    for words in (
        ("process", "review", "flow.py", "--no-bandit"),
        ("start", "flow.py"),
        ("run", "list"),
        ("secret", "list"),
        ("process", "trust", "flow.py", "--no-bandit"),
        ("start", "flow.py", "--run-id", "r"),
        ("journal", "verify", "--all"),
        ("process", "list"),
    ):
        flow(*words)
        assert not mark.exists(), words

    assert trust_of(flow, "r") == "local"
    assert os.access(monitor, os.X_OK)


def test_a_task_runs_the_code_that_was_trusted_though_it_changes_meanwhile(flow: Shell) -> None:
    """The inline task stands for somebody who edits the files while the run is under way."""
    (flow.root / "flow.py").write_text(
        "from pathlib import Path\nfrom babysitter import Context, process, task\nimport pack.near\n\n"
        "@task(inline=True)\ndef edit() -> None:\n"
        "    Path('flow.py').write_text('raise SystemExit(9)')\n"
        "    Path('pack/near.py').write_text('VALUE = 2')\n\n"
        "@task\ndef read() -> int:\n    import pack.near\n    return pack.near.VALUE\n\n"
        "@process\nasync def main(ctx: Context) -> int:\n"
        "    await ctx.task(edit)\n    return await ctx.task(read)\n"
    )
    (flow.root / "pack").mkdir()
    (flow.root / "pack" / "near.py").write_text("VALUE = 1\n")
    flow("process", "trust", "flow.py", "--no-bandit")

    ended = flow("start", "flow.py", "--json")

    assert json.loads(ended.stdout)["output"] == 1, ended.stdout + ended.stderr
    assert (flow.root / "pack" / "near.py").read_text() == "VALUE = 2"
