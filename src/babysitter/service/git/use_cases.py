"""What the ``git`` commands do, in the repository of the current folder."""

import os
import sys
from pathlib import Path

import babysitter
from babysitter.config import environment, find_root, load_place
from babysitter.model.errors import RefusedError, UsageError
from babysitter.service.git.credentials import find_credentials
from babysitter.service.git.hooks import Hooks
from babysitter.service.git.incoming import Push, read_pushes
from babysitter.service.git.refusing import Inspection, inspect_pushed, inspect_staged
from babysitter.service.git.repository import Repository
from babysitter.service.wiring import local_programs

_NOTHING = "0" * 40


def hooks_of(folder: Path | None = None) -> Hooks:
    """Return the hooks of the repository that a folder is in."""
    return Hooks(
        repository=Repository(programs=local_programs(), folder=folder or Path.cwd()),
        python=sys.executable,
        package=str(Path(babysitter.__file__).with_name("__main__.py")),
    )


def check_index() -> Inspection:
    """Look at what is about to be committed.

    Raises:
        RefusedError: this is no repository, or something in it can't be read.
    """
    repository = _repository()
    top = _top(repository)
    return inspect_staged(repository, find=find_credentials(find_root(Path.cwd())), runs_dir=_runs_dir(top))


def check_pushes(lines: str, *, remote: str) -> Inspection:
    """Look at what is about to be pushed.

    Args:
        lines: what git gives a pre-push hook on standard input.
        remote: the remote's name, or its address.

    Raises:
        UsageError: nobody says what is pushed.
        RefusedError: this is no repository, or something in it can't be read.
    """
    repository = _repository()
    top = _top(repository)
    pushes, remote = _pushes(repository, lines, remote)
    return inspect_pushed(
        repository,
        pushes,
        remote=remote,
        find=find_credentials(find_root(Path.cwd())),
        runs_dir=_runs_dir(top),
    )


def _pushes(repository: Repository, lines: str, remote: str) -> tuple[list[Push], str]:
    """Return what is pushed, and where to: from standard input, or as pre-commit.com tells it."""
    if lines.strip():
        return read_pushes(lines), remote
    env = environment()
    # Without PRE_COMMIT_TO_REF it pushes all that there is: the first push of a branch.
    local = env.get("PRE_COMMIT_TO_REF") or env.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    if not env.get("PRE_COMMIT"):
        raise UsageError(
            "nobody says what is pushed, so nobody can look at it.",
            hint="git says it to a pre-push hook on standard input: pass that on, or use the hook of "
            "babysitter git install-hooks.",
        )
    commit = repository.ask("rev-parse", "--verify", f"{local}^{{commit}}").decode().strip()
    push = Push(
        local_ref=env.get("PRE_COMMIT_LOCAL_BRANCH", local),
        local=commit,
        remote_ref=env.get("PRE_COMMIT_REMOTE_BRANCH", ""),
        remote=env.get("PRE_COMMIT_FROM_REF") or _NOTHING,
    )
    return [push], env.get("PRE_COMMIT_REMOTE_NAME", "") or remote


def _repository() -> Repository:
    return Repository(programs=local_programs(), folder=Path.cwd(), inside_hook=True, timeout_s=600)


def _top(repository: Repository) -> Path:
    found = repository.call("rev-parse", "--show-toplevel")
    if found.status != 0:
        raise RefusedError("this is no work tree of git's.", hint="Go to the repository.")
    return Path(os.fsdecode(found.stdout.rstrip(b"\n")))


def _runs_dir(top: Path) -> str:
    """Return where the settings keep runs, relative to the repository; empty where that is elsewhere.

    Raises:
        SettingsError: the settings are wrong, so nobody knows where run data is.
    """
    runs_dir = load_place(find_root(Path.cwd())).runs_dir
    return runs_dir.relative_to(top).as_posix() if runs_dir.is_relative_to(top) else ""
