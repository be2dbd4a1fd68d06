"""A folder with files and git, for tests of what changed in it."""

import itertools
import subprocess
from pathlib import Path

from babysitter.changes.workspace import WorkspaceChanges
from babysitter.executors.sandbox.programs import LocalPrograms

KEPT_OUT = (".env", "*.pem", "__pycache__/")


def changes_of(root: Path) -> WorkspaceChanges:
    numbers = itertools.count()
    return WorkspaceChanges(
        programs=LocalPrograms(),
        root=root,
        folder=root / ".a5c" / "states",
        hidden=(".a5c/",),
        kept_out=KEPT_OUT,
        token=lambda: f"t{next(numbers)}",
    )


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout


def repository(root: Path, files: dict[str, str | bytes]) -> Path:
    """Make a repository with one commit of these files, on the branch main."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    write(root, files)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=one")
    return root


def contents_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
