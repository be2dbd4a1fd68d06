"""What a commit or a push would bring into the history: paths and contents, as git itself has them.

Never the working tree: what is there may differ from what was staged. Symlinks count with the path that they
hold, submodules with their own path alone, deletions not at all. Names are whatever bytes a name can have.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from babysitter.model.errors import RefusedError, UsageError
from babysitter.service.git.repository import Repository

_SUBMODULE = "160000"
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file that comes in. ``blob``: the object with its content; empty for a submodule.

    commit: which commit brings it; empty for what is staged.
    """

    path: str
    blob: str
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One line of what git tells a pre-push hook."""

    local_ref: str
    local: str
    remote_ref: str
    remote: str


def staged(repository: Repository) -> list[Entry]:
    """Return what the index has and the newest commit has not."""
    head = repository.call("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    against = head.stdout.decode().strip() if head.status == 0 else empty_tree(repository)
    listed = repository.ask("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", against)
    return list(_entries(listed))


def pushed(repository: Repository, push: Push, remote: str) -> list[Entry]:
    """Return what a push of one ref brings that the remote has not.

    Args:
        repository: from which it is pushed.
        push: what git said of the ref.
        remote: the remote's name, or its address where it has none.

    Raises:
        UsageError: git said something that is no object.
        RefusedError: an object is not here, so nobody can say what would be pushed.
    """
    for name in (push.local, push.remote):
        if not _OBJECT.fullmatch(name):
            raise UsageError(
                f"{name[:80]!r} is no object's name.", hint="Give what git gives a pre-push hook."
            )
    if is_nothing(push.local):
        return []
    commit = repository.call("rev-parse", "--verify", "--quiet", f"{push.local}^{{commit}}")
    if commit.status != 0:
        return _without_commit(repository, push.local)
    commits = new_commits(repository, push, remote)
    # -c: of a merge, what differs from all parents, so that what others brought is not held against it.
    options = ("--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-renames", "--no-abbrev")
    listed = repository.ask("diff-tree", *options, stdin="".join(f"{name}\n" for name in commits).encode())
    return list(_entries(listed))


def new_commits(repository: Repository, push: Push, remote: str) -> list[str]:
    """Return the commits that a push brings, oldest first."""
    known = [f"^{push.remote}"] if not is_nothing(push.remote) and _is_here(repository, push.remote) else []
    # An address with special characters would be a pattern, and could mean other remotes as well.
    seen = [f"--remotes={remote}"] if remote and not set(remote) & set("*?[\\") else []
    asked = ("rev-list", "--reverse", f"{push.local}^{{commit}}", *known, "--not", *seen)
    return repository.ask(*asked).decode().split()


def read_pushes(text: str) -> list[Push]:
    """Return what git gives a pre-push hook on standard input.

    Raises:
        UsageError: a line is something else.
    """
    found = []
    for line in filter(None, text.split("\n")):
        words = line.split(" ")
        if len(words) != 4:
            raise UsageError(
                f"{line[:80]!r} is no line of a push.", hint="Give what git gives a pre-push hook."
            )
        found.append(Push(local_ref=words[0], local=words[1], remote_ref=words[2], remote=words[3]))
    return found


def is_nothing(name: str) -> bool:
    """Tell whether git says with this name that there is no object."""
    return not name.strip("0")


def empty_tree(repository: Repository) -> str:
    """Return the name of the tree without files, whatever hash the repository uses."""
    return repository.ask("hash-object", "-t", "tree", "--stdin").decode().strip()


def _is_here(repository: Repository, name: str) -> bool:
    return repository.call("cat-file", "-e", f"{name}^{{commit}}").status == 0


def _without_commit(repository: Repository, name: str) -> list[Entry]:
    """Return the files of a tag that leads to no commit: to a tree or a single blob."""
    kind = repository.ask("cat-file", "-t", f"{name}^{{}}").decode().strip()
    if kind == "blob":
        blob = repository.ask("rev-parse", f"{name}^{{}}").decode().strip()
        return [Entry(path="(a tag of a file)", blob=blob)]
    if kind != "tree":
        raise RefusedError(f"git has no commit {name}.", hint="Push a branch or a tag of one.")
    listed = repository.ask("ls-tree", "-r", "-z", f"{name}^{{}}")
    found = []
    for record in listed.split(b"\0")[:-1]:
        facts, _, path = record.partition(b"\t")
        mode, _, blob = facts.decode().split(" ")
        found.append(Entry(path=_text(path), blob="" if mode == _SUBMODULE else blob))
    return found


def _entries(listed: bytes) -> Iterator[Entry]:
    """Give the files of ``--raw -z`` output, deletions left out; a line without a colon names the commit."""
    parts = iter(listed.split(b"\0"))
    commit = ""
    for part in parts:
        if not part:
            continue
        if not part.startswith(b":"):
            commit = part.decode()
            continue
        path = next(parts)
        # A colon, a mode and an object for each parent, and one of each for what comes in.
        words = part.lstrip(b":").decode().split(" ")
        parents = len(part) - len(part.lstrip(b":"))
        mode, blob = words[parents], words[2 * parents + 1]
        if not is_nothing(blob):
            yield Entry(path=_text(path), blob="" if mode == _SUBMODULE else blob, commit=commit)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
