"""What a task sees of the workspace and may change in it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError
from tests.integration.sandbox.conftest import Trial

pytestmark = pytest.mark.promise("G05")

ALL = Sandbox(write=(".",))
GIT = Sandbox(write=(".", ".git/"))


def test_the_workspace_can_be_read(any_trial: Trial) -> None:
    any_trial.run("cat", "src/readme")

    assert any_trial.out == "anyone may read this"


def test_a_granted_folder_is_made_and_can_be_written(any_trial: Trial, workspace: Path) -> None:
    any_trial.run(
        "sh", "-c", "mkdir dist/deep && echo made > dist/deep/file", sandbox=Sandbox(write=("dist/",))
    )

    assert (workspace / "dist/deep/file").read_text() == "made\n", any_trial.err


def test_run_data_stays_hidden_when_everything_is_granted(trial: Trial, workspace: Path) -> None:
    trial.run(
        "sh",
        "-c",
        "cat .a5c/runs/other/inputs.json; echo x > .a5c/x; mv .a5c moved; rm -rf .a5c",
        sandbox=ALL,
    )

    assert trial.out == ""
    assert [path.name for path in (workspace / ".a5c").iterdir()] == ["runs"]


@pytest.mark.parametrize(
    "attack",
    [
        "echo evil > .git/hooks/pre-commit",
        "echo evil >> .git/config",
        "rm -rf .git/hooks",
        "mv .git/config .git/moved",
        "mv .git/hooks .git/moved",
        "mv .git moved && mkdir -p .git/hooks && echo evil > .git/hooks/pre-commit",
        "ln -s /tmp .git/hooks/link",
    ],
)
@pytest.mark.parametrize("sandbox", [ALL, GIT], ids=["everything", "git too"])
def test_hooks_and_config_of_git_never_change(
    attack: str, sandbox: Sandbox, trial: Trial, workspace: Path
) -> None:
    trial.run("sh", "-c", attack, sandbox=sandbox)

    assert (workspace / ".git/config").read_text() == "[core]\n"
    assert list((workspace / ".git/hooks").iterdir()) == []


def test_git_is_read_only_unless_it_is_named(bubblewrapped: Trial, workspace: Path) -> None:
    bubblewrapped.run("sh", "-c", "echo x > .git/index; echo y > beside", sandbox=ALL)

    assert not (workspace / ".git/index").exists()
    assert (workspace / "beside").exists()


def test_a_commit_works_when_git_is_named(bubblewrapped: Trial, workspace: Path) -> None:
    if shutil.which("git") is None:
        pytest.fail("git is missing: apt install git")
    shutil.rmtree(workspace / ".git")
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    identity = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    ended = bubblewrapped.run("sh", "-c", "git add src && git commit -qm made", sandbox=GIT, env=identity)

    assert ended.status == 0, bubblewrapped.err


def test_a_file_that_redirects_git_is_removed_and_reported(bubblewrapped: Trial, workspace: Path) -> None:
    ended = bubblewrapped.run("sh", "-c", "echo /tmp/evil > .git/commondir", sandbox=GIT)

    assert not (workspace / ".git/commondir").exists()
    assert [denial.rule for denial in ended.denials] == ["git"]


def test_a_pointer_to_a_git_directory_cannot_be_replaced(trial: Trial, workspace: Path) -> None:
    shutil.rmtree(workspace / ".git")
    (workspace / ".git").write_text("gitdir: /elsewhere\n")

    trial.run("sh", "-c", "echo gitdir: /tmp > .git; rm .git; mv .git moved", sandbox=ALL)

    assert (workspace / ".git").read_text() == "gitdir: /elsewhere\n"


@pytest.mark.parametrize(
    "path", [".a5c", ".a5c/runs/", ".git/hooks/", ".git/config", "../", "link/", "/", "/proc/self/"]
)
def test_what_is_never_granted_is_refused_with_a_denial(path: str, any_trial: Trial, workspace: Path) -> None:
    (workspace / "link").symlink_to(workspace.parent)

    with pytest.raises(SandboxError) as refused:
        any_trial.run("true", sandbox=Sandbox(write=(path,)))

    assert refused.value.facts["denial"].where == path


def test_the_system_is_read_only_and_what_it_needs_is_there(trial: Trial) -> None:
    trial.run("sh", "-c", "id -un; date +%Z; cat /etc/nsswitch.conf | wc -l; ls / | wc -l")

    assert len(trial.out.splitlines()) >= 3


def test_python_finds_babysitter(any_trial: Trial) -> None:
    ended = any_trial.python("import babysitter.model.effects, msgspec, orjson")

    assert ended.status == 0, any_trial.err
