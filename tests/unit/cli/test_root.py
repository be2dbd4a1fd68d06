"""The tree of commands: lazy, aliased, helpful."""

import subprocess
import sys

import click
import pytest

from babysitter.cli.root import COMMANDS, VERBS, aliases, babysitter
from tests.test_docs import command_tree


def loaded_after(*words: str) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    code = (
        "import sys; sys.argv = ['babysitter', *sys.argv[1:]]\n"
        "from babysitter.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, cwd="/"
    )
    return set(ended.stdout.splitlines()[-1].split())


def test_the_aliases_are_the_verbs_that_there_are() -> None:
    real = {words.replace(" ", ":") for words in command_tree() if " " in words}

    assert set(aliases()) == real
    assert set(VERBS) <= set(COMMANDS)


def test_every_command_can_print_json() -> None:
    without = [
        words
        for words, command in command_tree().items()
        if not any("--json" in parameter.opts for parameter in command.params)
    ]

    assert without == []


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        (["inbx"], "inbox"),
        (["run", "statsu"], "status"),
        (["run:statsu"], "status"),
        (["jurnal:verify"], "journal:verify"),
        (["start", "--imput"], "--input"),
    ],
)
def test_a_typo_is_answered_with_what_was_meant(typo: list[str], meant: str) -> None:
    with pytest.raises(click.UsageError) as refusal:
        babysitter.main(typo, standalone_mode=False)

    assert meant in refusal.value.format_message()


def test_the_version_costs_next_to_nothing() -> None:
    loaded = loaded_after("--version")

    assert not loaded & {"click", "msgspec", "typing", "json", "re", "babysitter.cli.root"}


def test_help_loads_no_command_but_its_own() -> None:
    loaded = loaded_after("--help")

    assert not any(
        name.startswith(("babysitter.service", "babysitter.model"))
        for name in loaded - {"babysitter.model", "babysitter.model.errors"}
    )


def test_looking_at_a_run_loads_nothing_that_drives_one() -> None:
    loaded = loaded_after("run", "status", "last")

    heavy = ("babysitter.engine", "babysitter.executors", "babysitter.secrets", "babysitter.authoring")
    assert not any(name.startswith(heavy) for name in loaded)
    assert not loaded & {"subprocess", "socket", "asyncio", "ahocorasick_rs", "getpass", "tomllib", "random"}
