"""Programs of this machine are found where this machine keeps them, not in the folder we happen to be in."""

from pathlib import Path

import pytest

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.errors import MissingToolError

pytestmark = pytest.mark.promise("G05")


@pytest.mark.parametrize("folder", ["", ".", "node_modules/.bin"])
def test_a_program_that_came_with_the_code_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """``PATH=./node_modules/.bin:$PATH`` is common, and a repository can hold a ``git`` there."""
    monkeypatch.chdir(tmp_path)
    for name in ("semgrep", "git"):
        program = tmp_path / folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\necho from the code\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    with pytest.raises(MissingToolError):
        LocalPrograms().call(("semgrep", "--version"))
    assert b"from the code" not in LocalPrograms().call(("env", "git", "--version")).stdout
    assert b"from the code" not in LocalPrograms().call(("git", "--version")).stdout


def test_a_path_that_the_caller_gives_counts(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)

    assert LocalPrograms().call(("tool",), env={"PATH": f"{tmp_path}:/bin"}).stdout == b"here\n"
