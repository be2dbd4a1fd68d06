"""Completion, in the shells that do it. Bash is asked through its own completion function."""

import json

import pytest

from tests.integration.cli.conftest import Shell

COMPLETE = r"""
eval "$(babysitter completion bash)"
compopt() { :; }
COMP_LINE=%(line)s
COMP_POINT=${#COMP_LINE}
COMP_WORDS=(%(words)s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_babysitter_completion babysitter
printf '%%s\n' "${COMPREPLY[@]}"
"""


def in_bash(shell: Shell, *words: str) -> list[str]:
    """Return what bash offers; the words are split as bash splits them: at : and = too."""
    quoted = " ".join(f"'{word}'" for word in ("babysitter", *words))
    ended = shell.sh(COMPLETE % {"line": f"'babysitter {''.join(words)}'", "words": quoted})
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], ["resume", "reject", "retention"]),
        (["run", "st"], ["status"]),
        (["run", ":", "st"], ["status"]),
        (
            ["run", ":"],
            "list status show events watch create iterate cancel signal replay rebuild-state".split(),
        ),
        (["journal", ":", "ver"], ["verify"]),
        (["start", "--fo"], ["--follow"]),
        (["run", ":", "list", "--stat"], ["--status"]),
        (["run", "list", "--status", "wai"], ["waiting"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["nonsense", ""], []),
    ],
)
def test_bash_completes(shell: Shell, words: list[str], offered: list[str]) -> None:
    assert in_bash(shell, *words) == offered


def test_runs_and_breakpoints_are_completed(shell: Shell) -> None:
    shell("start", "p.py#ask", "--run-id", "first")

    assert in_bash(shell, "run", "status", "f") == ["first"]
    assert in_bash(shell, "approve", "") == ["first/1-production-deployment"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("zsh", "plain\nrun\\:status\n"), ("fish", "plain,run:status")],
)
def test_zsh_and_fish_are_answered_in_their_own_form(shell: Shell, kind: str, expected: str) -> None:
    env = {"_BABYSITTER_COMPLETE": f"{kind}_complete", "COMP_WORDS": "babysitter run:sta", "COMP_CWORD": "1"}
    if kind == "fish":
        env["COMP_CWORD"] = "run:sta"

    ended = shell(env=env)

    assert ended.returncode == 0
    assert expected.replace("\\", "") in ended.stdout.replace("\\", "")


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_the_script_says_where_it_goes(shell: Shell, kind: str) -> None:
    ended = shell("completion", kind, "--json")

    script = json.loads(ended.stdout)["script"]
    assert script.startswith("# Put this line in ~/.")
    assert "_BABYSITTER_COMPLETE" in script
