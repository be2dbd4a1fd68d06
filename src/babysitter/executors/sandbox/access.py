"""What a sandbox may touch, as paths: a task's grants resolved against a workspace.

The same plan is carried out by every runner, so that what is granted does not depend
on which of them this machine has.

Invariants, each with a test in tests/unit/executors/test_access.py:
    - run data is never readable and git's hooks and config are never writable, whatever is granted;
    - a relative grant stays inside the workspace, through symbolic links too;
    - ``.git`` is writable only when a grant names it.

Reference: docs/reference/sandbox.md.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from babysitter.model.effects import Denial, Sandbox
from babysitter.model.errors import SandboxError
from babysitter.model.network import NetworkGrant, NetworkGrantError, parse_grants

# In a git directory: what makes git run a program, or look elsewhere for what does.
GIT_LOCKED = ("hooks", "config", "config.worktree", "commondir", "worktrees", "modules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Absolute paths, parents before children, and the network.

    read_only, writable: what the task sees and what it may change.
    hidden: directories inside these that must look empty.
    locked: paths inside writable ones that stay read-only.
    absent: files that must not be there when the task ends; git would obey them.
    """

    workspace: str
    read_only: tuple[str, ...]
    writable: tuple[str, ...]
    hidden: tuple[str, ...]
    locked: tuple[str, ...]
    absent: tuple[str, ...]
    network: NetworkGrant
    devices: tuple[str, ...]


def check_workspace(workspace: Path, home: Path) -> Path:
    """Return the workspace resolved.

    Raises:
        SandboxError: it is not there, or holds the whole home directory, which every task could then read.
    """
    resolved = workspace.resolve()
    if not resolved.is_dir():
        raise SandboxError(
            f"the workspace {resolved} is not a directory.", hint="Start inside the project's folder."
        )
    if home.resolve().is_relative_to(resolved):
        raise SandboxError(
            f"the workspace {resolved} holds the home directory {home}: every task could read its keys.",
            hint="Move the project into a folder of its own and start there.",
        )
    return resolved


def plan_access(workspace: Path, hidden: tuple[Path, ...], sandbox: Sandbox) -> Access:
    """Return what the grants come to; directories granted with a final ``/`` are made when missing.

    Args:
        workspace: resolved.
        hidden: resolved directories of run data.
        sandbox: the task's grants.

    Raises:
        SandboxError: a grant names what is never granted; ``facts["denial"]`` is what to journal.
    """
    network = plan_network(sandbox)
    writable = [_granted(workspace, hidden, path, writing=True) for path in sandbox.write]
    readable = [_granted(workspace, hidden, path, writing=False) for path in sandbox.read]
    git = [found for path in writable if (found := _git_directory(path)) is not None]
    locked: list[Path] = []
    absent: list[Path] = []
    inside = {path / ".git" for path in writable if path not in git}
    # A grant may be larger than the workspace, whose own repository is the one that people use.
    inside |= {workspace / ".git"} if any(workspace.is_relative_to(path) for path in writable) else set()
    locked += [path for path in inside if path.exists() and path not in writable]
    for folder in git:
        locked += _lock_git(folder)
        if not (folder / "commondir").exists():
            absent.append(folder / "commondir")
    return Access(
        workspace=str(workspace),
        read_only=_ordered(
            [path for path in readable if path.exists() and not path.is_relative_to(workspace)]
        ),
        writable=_ordered(writable),
        hidden=_ordered(
            [path for path in hidden if _shows(path, [workspace, *readable, *writable], writable)]
        ),
        locked=_ordered(locked),
        absent=_ordered(absent),
        network=network,
        devices=tuple(sorted(set(sandbox.devices))),
    )


def check_grants(workspace: Path, hidden: tuple[Path, ...], sandbox: Sandbox) -> NetworkGrant:
    """Return the network grants, once all grants are known to be such as may be given; nothing is made.

    Raises:
        SandboxError: as ``plan_access``.
    """
    for path in sandbox.write:
        _granted(workspace, hidden, path, writing=True, making=False)
    for path in sandbox.read:
        _granted(workspace, hidden, path, writing=False)
    return plan_network(sandbox)


def plan_network(sandbox: Sandbox) -> NetworkGrant:
    """Return what the network grants come to.

    Raises:
        SandboxError: one of them says nothing that can be held; ``facts["denial"]`` is what to journal.
    """
    try:
        return parse_grants(sandbox.network)
    except NetworkGrantError as error:
        raise refused(f"network: {error}", "network", error.hint, ", ".join(sandbox.network)) from None


def refused(what: str, rule: str, hint: str, where: str = "") -> SandboxError:
    """Return the error of a permission that is never given, with the denial to journal."""
    denial = Denial(what=what, rule=rule, where=where)
    return SandboxError(f"the sandbox does not give {what}.", hint=hint, denial=denial)


def _granted(
    workspace: Path, hidden: tuple[Path, ...], text: str, *, writing: bool, making: bool = True
) -> Path:
    verb = "write" if writing else "read"
    path = Path(os.path.realpath(workspace / text))
    if not text.startswith("/") and not path.is_relative_to(workspace):
        raise refused(
            f"{verb} of {text}",
            f"{verb}.outside",
            f"It leads to {path}, outside the workspace. Grant the absolute path if that is meant.",
            text,
        )
    if any(path.is_relative_to(folder) for folder in hidden):
        raise refused(f"{verb} of {text}", "run-data", "Run data belongs to Babysitter alone.", text)
    if writing:
        _check_writable(path, text)
        if text.endswith("/"):
            if making:
                path.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise SandboxError(
                f"the write grant {text} is not there.",
                hint=f'Write it as "{text}/" to have the directory made, or make the file first.',
            )
    return path


def _check_writable(path: Path, text: str) -> None:
    if path == Path("/") or path.parts[1:2] in (("proc",), ("sys",), ("dev",)):
        raise refused(
            f"write of {text}", "write.system", "Grant the folder that the task really writes.", text
        )
    parts = path.parts
    if ".git" in parts:
        inside = parts[parts.index(".git") + 1 :]
        if inside and inside[0] in GIT_LOCKED:
            raise refused(
                f"write of {text}", "git", "Hooks and config make git run programs outside the sandbox.", text
            )


def _git_directory(path: Path) -> Path | None:
    """Return the path when it is a git directory itself: only a grant that names one makes it writable."""
    is_git = path.is_dir() and ((path / "HEAD").is_file() or path.name == ".git")
    return path if is_git and (path.name == ".git" or (path / "objects").is_dir()) else None


def _lock_git(folder: Path) -> list[Path]:
    if not (folder / "config").is_file():
        return [folder]
    # What is missing could be made by the task; a mount needs something to stand on.
    (folder / "hooks").mkdir(exist_ok=True)
    if b"worktreeconfig" in (folder / "config").read_bytes().lower():
        (folder / "config.worktree").touch()
    return [folder / name for name in GIT_LOCKED if (folder / name).exists()]


def _shows(path: Path, visible: list[Path], writable: list[Path]) -> bool:
    if not any(path.is_relative_to(folder) for folder in visible):
        return False
    if not path.exists() and any(path.is_relative_to(folder) for folder in writable):
        # Else the task could make it, and leave run data for us to believe.
        path.mkdir(mode=0o700, parents=True)
    return path.exists()


def _ordered(paths: list[Path]) -> tuple[str, ...]:
    return tuple(sorted({str(path) for path in paths}))
