"""Grants against a workspace: what they come to, and what is refused whatever is granted."""

from pathlib import Path

import pytest

from babysitter.executors.sandbox.access import Access, check_workspace, plan_access
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError
from babysitter.model.network import NetworkGrant


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "work"
    for folder in (".git/hooks", ".git/objects", ".a5c/runs", "src"):
        (root / folder).mkdir(parents=True)
    (root / ".git/config").write_text("[core]\n")
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    return root


def plan(workspace: Path, **grants: tuple[str, ...]) -> Access:
    return plan_access(workspace, (workspace / ".a5c",), Sandbox(**grants))  # type: ignore[arg-type]


def test_without_grants_nothing_is_writable_and_run_data_is_hidden(workspace: Path) -> None:
    access = plan(workspace)

    assert access.writable == ()
    assert access.hidden == (f"{workspace}/.a5c",)
    assert access.network == NetworkGrant()


def test_a_grant_of_everything_leaves_git_read_only(workspace: Path) -> None:
    assert plan(workspace, write=(".",)).locked == (f"{workspace}/.git",)


def test_a_grant_of_git_leaves_what_makes_it_run_programs_read_only(workspace: Path) -> None:
    access = plan(workspace, write=(".", ".git/"))

    assert access.locked == (f"{workspace}/.git/config", f"{workspace}/.git/hooks")
    assert access.absent == (f"{workspace}/.git/commondir",)


def test_a_grant_around_the_workspace_leaves_its_git_read_only(workspace: Path) -> None:
    assert f"{workspace}/.git" in plan(workspace, write=(str(workspace.parent),)).locked


def test_missing_hooks_are_made_so_that_the_task_cannot(workspace: Path) -> None:
    (workspace / ".git/hooks").rmdir()

    assert f"{workspace}/.git/hooks" in plan(workspace, write=(".git/",)).locked


def test_a_config_of_its_own_worktree_cannot_be_added(workspace: Path) -> None:
    (workspace / ".git/config").write_text("[extensions]\n\tworktreeConfig = true\n")

    assert f"{workspace}/.git/config.worktree" in plan(workspace, write=(".git/",)).locked


def test_a_git_directory_without_config_is_read_only_as_a_whole(workspace: Path) -> None:
    (workspace / ".git/config").unlink()

    assert plan(workspace, write=(".git/",)).locked == (f"{workspace}/.git",)


def test_run_data_that_is_not_there_yet_is_made_where_a_task_could_make_it(workspace: Path) -> None:
    other = workspace / "data"

    access = plan_access(workspace, (other,), Sandbox(write=(".",)))

    assert access.hidden == (str(other),)
    assert other.stat().st_mode & 0o777 == 0o700


def test_a_granted_directory_is_made(workspace: Path) -> None:
    access = plan(workspace, write=("dist/deep/",))

    assert access.writable == (f"{workspace}/dist/deep",)
    assert (workspace / "dist/deep").is_dir()


def test_a_granted_file_that_is_not_there_is_an_error_that_says_what_to_do(workspace: Path) -> None:
    with pytest.raises(SandboxError, match='"report/"'):
        plan(workspace, write=("report",))


@pytest.mark.parametrize(
    ("grants", "rule"),
    [
        ({"write": ("../x/",)}, "write.outside"),
        ({"read": ("../x",)}, "read.outside"),
        ({"write": (".a5c/",)}, "run-data"),
        ({"read": (".a5c/runs",)}, "run-data"),
        ({"read": ("src/../.a5c",)}, "run-data"),
        ({"write": (".git/hooks/",)}, "git"),
        ({"write": (".git/config",)}, "git"),
        ({"write": (".git/worktrees/x/",)}, "git"),
        ({"write": ("/",)}, "write.system"),
        ({"write": ("/proc/self/",)}, "write.system"),
        ({"network": ("example.org",)}, "network"),
    ],
)
def test_what_is_never_granted_is_refused_with_the_denial_to_journal(
    grants: dict[str, tuple[str, ...]], rule: str, workspace: Path
) -> None:
    with pytest.raises(SandboxError) as refused:
        plan(workspace, **grants)

    assert refused.value.facts["denial"].rule == rule


def test_a_link_does_not_lead_a_grant_outside(workspace: Path) -> None:
    (workspace / "dist").symlink_to(workspace.parent)

    with pytest.raises(SandboxError, match="outside the workspace"):
        plan(workspace, write=("dist/",))


def test_a_link_does_not_lead_a_grant_to_run_data(workspace: Path) -> None:
    (workspace / "dist").symlink_to(".a5c/runs")

    with pytest.raises(SandboxError, match="Run data"):
        plan(workspace, write=("dist/",))


def test_a_workspace_that_holds_the_home_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home/me").mkdir(parents=True)

    with pytest.raises(SandboxError, match="holds the home directory"):
        check_workspace(tmp_path, tmp_path / "home/me")
    assert check_workspace(tmp_path / "home", tmp_path / "elsewhere") == (tmp_path / "home").resolve()


def test_a_workspace_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="not a directory"):
        check_workspace(tmp_path / "gone", tmp_path / "home")
