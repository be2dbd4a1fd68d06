"""Our hooks in real repositories: with commits and pushes of git itself, and beside the hooks of others."""

import os
import stat
import sys
from pathlib import Path

import pytest

from babysitter.model.errors import RefusedError
from babysitter.service.git import hooks
from tests.integration.git.repository import Repo

pytestmark = pytest.mark.needs("git")
SH = "#!/bin/sh\n"


def hook(repo: Repo, name: str) -> Path:
    return repo.root / ".git/hooks" / name


def done(changes: object) -> list[tuple[str, str]]:
    assert isinstance(changes, list)
    return [(each.name, each.done) for each in changes]


@pytest.mark.promise("G06")
def test_a_commit_of_run_data_is_refused_and_one_without_is_not(repo: Repo) -> None:
    repo.hooks().install()
    repo.staged(".a5c/runs/r/run.json")
    refused = repo.tried("commit", "-m", "bad")
    repo.git("rm", "--cached", "-r", "--quiet", ".a5c")
    repo.staged("a.txt")
    taken = repo.tried("commit", "-m", "good")

    assert (refused.returncode, taken.returncode) == (1, 0)
    assert ".a5c/runs/r/run.json is run data" in refused.stderr
    assert "git rm -r --cached --quiet -- .a5c/runs/r/run.json" in refused.stderr


@pytest.mark.promise("G06")
def test_what_is_committed_by_name_is_looked_at_in_the_index_that_git_makes_for_it(repo: Repo) -> None:
    """With `git commit FILE` and `git commit --all` git commits another index than the usual one."""
    repo.commit("a.txt")
    repo.commit(".env", "A=1\n")
    repo.hooks().install()
    repo.write(".env", "A=2\n")
    repo.staged("a.txt", "2\n")

    by_name = repo.tried("commit", "-m", "m", "a.txt")
    everything = repo.tried("commit", "--all", "-m", "m")

    assert (by_name.returncode, everything.returncode) == (0, 1)
    assert ".env is an environment file" in everything.stderr


@pytest.mark.promise("G06")
def test_a_push_of_run_data_is_refused_though_it_was_committed_unseen(repo: Repo, remote: Repo) -> None:
    repo.hooks().install()
    repo.commit("a.txt")
    good = repo.tried("push", "origin", "main")
    commit = repo.commit(".a5c/x")
    bad = repo.tried("push", "origin", "main")

    assert (good.returncode, bad.returncode) == (0, 1)
    assert commit[:12] in bad.stderr
    assert ".a5c/x" in bad.stderr


@pytest.mark.promise("G06")
def test_new_branches_tags_deletions_and_nothing_can_be_pushed(repo: Repo, remote: Repo) -> None:
    repo.hooks().install()
    repo.commit("a.txt")
    repo.git("tag", "-a", "v1", "-m", "first")

    statuses = [
        repo.tried("push", "origin", "main", "v1").returncode,
        repo.tried("push", "origin", "main").returncode,
        repo.tried("push", "origin", "HEAD:refs/heads/topic").returncode,
        repo.tried("push", "origin", "--delete", "topic").returncode,
    ]

    assert statuses == [0, 0, 0, 0]


def test_installing_twice_changes_nothing(repo: Repo) -> None:
    first = repo.hooks().install()
    before = hook(repo, "pre-push").stat()
    second = repo.hooks().install()

    assert done(first) == [("pre-commit", "installed"), ("pre-push", "installed")]
    assert done(second) == [("pre-commit", "kept"), ("pre-push", "kept")]
    assert hook(repo, "pre-push").stat().st_ino == before.st_ino
    assert stat.S_IMODE(before.st_mode) == 0o755


def test_a_hook_of_an_older_version_of_ours_is_renewed(repo: Repo) -> None:
    repo.hooks().install()
    file = hook(repo, "pre-commit")
    file.write_text(f"{file.read_text()}# older\n")

    changes = repo.hooks().install()

    assert done(changes) == [("pre-commit", "updated"), ("pre-push", "kept")]
    assert not list(file.parent.glob("*.before-babysitter"))


def test_a_hook_that_was_there_is_called_after_ours_and_can_still_refuse(repo: Repo) -> None:
    repo.write(".git/hooks/pre-commit", f'{SH}echo "theirs: $*"; test ! -e refuse\n', mode=0o755)
    repo.hooks().install()
    repo.staged("a.txt")
    taken = repo.tried("commit", "-m", "m")
    repo.write("refuse")
    repo.staged("a.txt", "2")
    refused = repo.tried("commit", "-m", "m")

    assert (taken.returncode, refused.returncode) == (0, 1)
    assert "theirs:" in taken.stderr


def test_a_pre_push_hook_that_was_there_gets_its_arguments_and_its_input(repo: Repo, remote: Repo) -> None:
    repo.write(".git/hooks/pre-push", f'{SH}echo "$1" > told; cat >> told\n', mode=0o755)
    repo.hooks().install()
    commit = repo.commit("a.txt")

    repo.git("push", "--quiet", "origin", "main")

    told = (repo.root / "told").read_text().splitlines()
    assert told == ["origin", f"refs/heads/main {commit} refs/heads/main {'0' * 40}"]


def test_a_hook_that_was_there_gets_nothing_when_nothing_is_pushed(repo: Repo, remote: Repo) -> None:
    """Not even an empty line: such hooks read line by line."""
    repo.write(".git/hooks/pre-push", f"{SH}cat > told\n", mode=0o755)
    repo.hooks().install()
    repo.commit("a.txt")
    repo.git("push", "--quiet", "origin", "main")

    repo.git("push", "--quiet", "origin", "main")

    assert (repo.root / "told").read_bytes() == b""


def test_ours_refuses_before_a_hook_that_was_there_is_called(repo: Repo) -> None:
    repo.write(".git/hooks/pre-commit", f"{SH}touch called\n", mode=0o755)
    repo.hooks().install()
    repo.staged(".env")

    assert repo.tried("commit", "-m", "m").returncode == 1
    assert not (repo.root / "called").exists()


def test_taking_ours_away_brings_back_what_was_there(repo: Repo) -> None:
    repo.write(".git/hooks/pre-commit", f"{SH}# theirs\n", mode=0o755)
    repo.hooks().install()

    first, second = repo.hooks().uninstall(), repo.hooks().uninstall()

    assert done(first) == [("pre-commit", "removed"), ("pre-push", "removed")]
    assert done(second) == [("pre-commit", "absent"), ("pre-push", "absent")]
    assert hook(repo, "pre-commit").read_text() == f"{SH}# theirs\n"
    assert not hook(repo, "pre-push").exists()


def test_a_hook_that_took_our_place_since_is_left_alone(repo: Repo) -> None:
    repo.hooks().install()
    repo.write(".git/hooks/pre-commit", f"{SH}# somebody else's\n", mode=0o755)

    changes = repo.hooks().uninstall()

    assert done(changes) == [("pre-commit", "absent"), ("pre-push", "removed")]
    assert hook(repo, "pre-commit").exists()


def test_when_no_name_is_free_for_the_hook_of_before_nothing_is_overwritten(repo: Repo) -> None:
    repo.write(".git/hooks/pre-commit", f"{SH}# theirs\n", mode=0o755)
    repo.write(".git/hooks/pre-commit.before-babysitter", f"{SH}# kept\n", mode=0o755)

    with pytest.raises(RefusedError, match="somebody else") as caught:
        repo.hooks().install()

    assert "babysitter git check-staged" in caught.value.hint
    assert hook(repo, "pre-commit").read_text() == f"{SH}# theirs\n"


def test_a_hook_that_pre_commit_com_has_moved_away_still_counts_as_ours(repo: Repo) -> None:
    """Their installer renames a hook that it finds to NAME.legacy, and its own calls that."""
    repo.hooks().install()
    hook(repo, "pre-commit").rename(hook(repo, "pre-commit.legacy"))
    repo.write(".git/hooks/pre-commit", f'{SH}exec "$0.legacy" "$@"\n', mode=0o755)
    repo.staged(".env")

    refused = repo.tried("commit", "-m", "m")

    assert refused.returncode == 1
    assert repo.hooks().missing() == []
    assert done(repo.hooks().install())[0] == ("pre-commit", "kept")
    assert done(repo.hooks().uninstall())[0] == ("pre-commit", "removed")


@pytest.mark.parametrize(
    "content",
    ["echo hello", "babysitter git check-staged || exit 1", "# babysitter git check-staged", hooks.MARK],
)
def test_a_hook_written_by_hand_counts_when_it_calls_us(content: str, repo: Repo) -> None:
    repo.write(".git/hooks/pre-commit", f"{SH}{content}\n", mode=0o755)

    assert ("pre-commit" in repo.hooks().missing()) == (content[:10] != "babysitter")


def test_a_hook_that_can_not_be_started_does_not_count(repo: Repo) -> None:
    repo.hooks().install()
    hook(repo, "pre-push").chmod(0o644)

    assert repo.hooks().missing() == ["pre-push"]


def test_a_hooks_folder_of_this_repository_is_where_they_go(repo: Repo) -> None:
    repo.git("config", "core.hooksPath", ".githooks")

    repo.hooks().install()
    repo.staged(".env")

    assert (repo.root / ".githooks/pre-commit").is_file()
    assert repo.tried("commit", "-m", "m").returncode == 1


def test_a_hooks_folder_of_all_repositories_is_left_alone(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n\thooksPath = {tmp_path}/hooks\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))

    with pytest.raises(RefusedError, match="every repository") as caught:
        repo.hooks().install()

    assert repo.hooks().missing() == ["pre-commit", "pre-push"]
    assert "git config --local core.hooksPath" in caught.value.hint
    assert not (tmp_path / "hooks").exists()


def test_a_second_work_tree_and_a_submodule_have_their_hooks_where_git_looks(
    repo: Repo, tmp_path: Path
) -> None:
    repo.commit("a.txt")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "second"))
    second = Repo(tmp_path / "second")
    other = Repo.make(tmp_path / "other")
    other.commit("b.txt")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "lib")
    module = Repo(repo.root / "lib")

    refused = []
    for place in (second, module):
        place.hooks().install()
        place.staged(".env")
        refused.append(place.tried("commit", "-m", "m").returncode)

    assert refused == [1, 1]
    assert hook(repo, "pre-commit").is_file()
    assert (repo.root / ".git/modules/lib/hooks/pre-commit").is_file()


def test_outside_of_a_work_tree_there_is_nothing_to_do(remote: Repo, tmp_path: Path) -> None:
    for place in (remote, Repo(tmp_path)):
        with pytest.raises(RefusedError, match="no work tree"):
            place.hooks().install()


@pytest.mark.promise("G06")
def test_a_hook_that_does_not_find_us_refuses_and_says_what_to_do(repo: Repo) -> None:
    repo.hooks(python="/nowhere/python").install()
    repo.environment["PATH"] = path_without_us()
    repo.staged("a.txt")

    refused = repo.tried("commit", "-m", "m")

    assert refused.returncode == 1
    assert "babysitter git install-hooks" in refused.stderr


def test_a_hook_whose_interpreter_has_lost_us_takes_the_one_of_the_path(repo: Repo, tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "babysitter").write_text(f"{SH}echo found on the path; exit 3\n")
    (bin_ / "babysitter").chmod(0o755)
    repo.hooks(package="/nowhere/__main__.py").install()
    repo.environment["PATH"] = f"{bin_}{os.pathsep}{path_without_us()}"
    repo.staged("a.txt")

    refused = repo.tried("commit", "-m", "m")

    assert (refused.returncode, "found on the path" in refused.stderr) == (1, True)


@pytest.mark.promise("G06")
def test_nothing_that_lies_in_the_repository_is_imported_by_the_hook(repo: Repo) -> None:
    repo.hooks().install()
    for name in (
        "babysitter/__init__.py",
        "babysitter/__main__.py",
        "click.py",
        "json.py",
        "sitecustomize.py",
    ):
        repo.staged(name, "open('sprung', 'w')\n")

    assert repo.tried("commit", "-m", "m").returncode == 0
    assert not (repo.root / "sprung").exists()


def test_a_path_with_quotes_and_spaces_is_called_as_it_is(repo: Repo, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s a "path" $HOME'
    odd.mkdir()
    (odd / "python").symlink_to(sys.executable)
    (odd / "python3").write_text(f'{SH}echo "odd: $*"; exit 0\n')
    (odd / "python3").chmod(0o755)
    repo.hooks(python=str(odd / "python3")).install()
    repo.staged("a.txt")

    taken = repo.tried("commit", "-m", "m")

    assert (taken.returncode, "odd: -P -m babysitter git check-staged" in taken.stderr) == (0, True)


def path_without_us() -> str:
    """Return the folders of the PATH that have git and a shell, and no Babysitter."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "babysitter").exists())
