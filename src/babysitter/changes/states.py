"""States of a workspace, each kept as a git tree in a repository of our own beside the runs.

Nothing of the user's repository is written or trusted: its index could say that a changed file is unchanged,
its attributes could rewrite contents, its configuration could start programs. Ours hold the files as they
are, byte for byte: all that ``.gitignore`` does not name, files that are in version control though ignored,
files of repositories inside the workspace, and never our own run data.

Invariants, each with a test in tests/unit/changes/test_states.py:
    - the same files give the same tree, whoever takes it, whatever else is running;
    - a file that was there at the beginning stays part of it, though it is ignored later;
    - the user's repository has the same bytes afterwards.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from babysitter.changes.git import Git
from babysitter.model.errors import ReviewError
from babysitter.model.runner import Called, Programs

NAMES_MAX = 20
"""So many names of what is left out are told; the rest is a number."""
_LEFT_OUT = b"Ignoring path"
"""How git says, with status 0, that it takes no file of such a name."""
_ATTRIBUTES = "* -text -crlf !eol -ident -filter -working-tree-encoding !diff !merge !whitespace\n"
"""Above all .gitattributes: contents are kept as they are, and git decides by them alone what is binary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What ``.gitignore`` keeps out: how many files and folders, and the names of the first."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The states of one workspace.

    root: the workspace's folder. folder: our repository, made when missing.
    hidden: folders below the root that are never part of a state, with ``/`` at their end.
    kept_out: patterns as in ``.gitignore`` of what is never copied, whether the workspace ignores it or not.
    object_format: ``sha256``, or that of the repository whose objects are borrowed.
    borrowed: a folder of objects of another repository; they are read, never written.
    token: a name that nobody else uses, for files at work.
    """

    programs: Programs
    root: Path
    folder: Path
    hidden: tuple[str, ...]
    kept_out: tuple[str, ...]
    token: Callable[[], str]
    object_format: str = "sha256"
    borrowed: str = ""

    def begin(self, tracked: Iterable[bytes]) -> str:
        """Keep the state as the beginning of a run, and return its tree.

        Args:
            tracked: files in version control that ``.gitignore`` names all the same.
        """
        index = self._index()
        try:
            git = self._git(index)
            wanted = self._own(tracked)
            stale = set(git.names("ls-files", "-z", "-c", "-i", "--exclude-standard")) - set(wanted)
            self._forget(git, sorted(stale))
            tree = self._tree(git, wanted)
            # Not by the run's name: two runs may be given one, and some names are none for git.
            git.run("update-ref", f"refs/begun/{tree}", tree)
            self._keep(index)
        finally:
            index.unlink(missing_ok=True)
        return tree

    def now(self, since: str = "", tracked: Iterable[bytes] = ()) -> str:
        """Return the tree of the state as it is. What is part of the tree ``since`` stays part of it."""
        index = self._index()
        try:
            git = self._git(index)
            if since:
                self.must_have(since)
                git.run("read-tree", "--reset", "-i", since)
                self._forget(git, self._links(since))
            tree = self._tree(git, self._own(tracked))
            self._keep(index)
        finally:
            index.unlink(missing_ok=True)
        return tree

    def must_have(self, tree: str) -> None:
        """Return when the tree is here.

        Raises:
            ReviewError: it is not, so nobody can say what has changed since.
        """
        self._prepare()
        if self._git(None).ask("cat-file", "-e", f"{tree}^{{tree}}").status != 0:
            raise ReviewError(
                f"the state of the workspace before its changes ({tree[:12]}…) is not in {self.folder}.",
                hint="Put that folder back, or cancel the run and begin anew.",
            )

    def left_out(self) -> LeftOut:
        """Return what ``.gitignore`` and ``kept_out`` name, without our own run data."""
        self._prepare()
        git = self._git(self.folder / "nothing")
        found = git.names("ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory")
        names = [name for name in found if not self._is_hidden(name)]
        shown = tuple(name.decode("utf-8", "backslashreplace") for name in sorted(names)[:NAMES_MAX])
        return LeftOut(count=len(names), names=shown)

    def files(self, tree: str) -> tuple[str, ...]:
        """Return the paths of a tree's regular files."""
        listed = self._git(None).names("ls-tree", "-r", "-z", "--full-tree", tree)
        return tuple(
            entry.partition(b"\t")[2].decode("utf-8", "surrogateescape")
            for entry in listed
            if entry.startswith(b"100")
        )

    def _links(self, tree: str) -> list[bytes]:
        """Return the links to other repositories in a tree: of those, the files are looked at themselves."""
        listed = self._git(None).names("ls-tree", "-r", "-z", "--full-tree", tree)
        return [entry.partition(b"\t")[2] for entry in listed if entry.startswith(b"160000")]

    @property
    def git(self) -> Git:
        """Git on our repository, for reading what it has."""
        return self._git(None)

    def _prepare(self) -> None:
        """Make our repository when it is missing, and see that its own files say what they must."""
        if not (self.folder / "HEAD").exists():
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            git = Git(programs=self.programs, cwd=str(self.root))
            git.run(
                *("init", "--quiet", "--bare", "--template=", f"--object-format={self.object_format}"),
                *("--", str(self.folder)),
            )
            self.folder.chmod(0o700)
        excluded = [*(f"/{name}" for name in self.hidden), *self.kept_out]
        self._write("info/exclude", "".join(f"{line}\n" for line in excluded))
        self._write("info/attributes", _ATTRIBUTES)
        self._write("objects/info/alternates", f"{self.borrowed}\n" if self.borrowed else "")

    def _write(self, name: str, text: str) -> None:
        place = self.folder / name
        if place.exists() and place.read_text(encoding="utf-8") == text:
            return
        place.parent.mkdir(exist_ok=True)
        part = place.with_name(f"{place.name}.{self.token()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(place)

    def _git(self, index: Path | None) -> Git:
        return Git(
            programs=self.programs,
            cwd=str(self.root),
            place=("--git-dir", str(self.folder), "--work-tree", str(self.root)),
            env={"GIT_INDEX_FILE": str(index)} if index is not None else None,
        )

    def _index(self) -> Path:
        """Return an index to work on, as the last state left it: it knows which files are as they were."""
        self._prepare()
        index, last = self.folder / f"index.{self.token()}", self.folder / "index"
        if last.exists():
            # With its time: files that changed at the very moment it was written are told by that.
            shutil.copy2(last, index)
        return index

    def _keep(self, index: Path) -> None:
        # There is none where the workspace has no files.
        if index.exists():
            index.replace(self.folder / "index")

    def _tree(self, git: Git, tracked: list[bytes]) -> str:
        """Bring an index up to date with the files, and return its tree."""
        changed, gone = _changed(
            git.run("diff-files", "--raw", "-z", "--no-renames", "--ignore-submodules=all")
        )
        here = [name for name in tracked if _is_file(self.root, name)]
        found = {*self._new(git, b""), *here}
        self._forget(git, gone)
        names = sorted({*changed, *found})
        if names:
            listed = b"".join(name + b"\0" for name in names)
            _check(git.ask("update-index", "-z", "--add", "--remove", "--replace", "--stdin", stdin=listed))
        return git.object_name("write-tree")

    def _new(self, git: Git, below: bytes) -> Iterable[bytes]:
        """Yield the files that no state has had; those of a repository in the workspace too."""
        for name in git.names("ls-files", "-z", "-o", "--exclude-standard"):
            path = below + name
            if self._is_hidden(path):
                continue
            if name.endswith(b"/"):
                folder = os.fsdecode(path)
                inner = Git(
                    programs=self.programs,
                    cwd=str(self.root / folder),
                    place=("--git-dir", str(self.folder), "--work-tree", str(self.root / folder)),
                    env={"GIT_INDEX_FILE": str(self.folder / "nothing")},
                )
                yield from self._new(inner, path)
            else:
                yield path

    def _forget(self, git: Git, names: list[bytes]) -> None:
        if names:
            listed = b"".join(name + b"\0" for name in names)
            git.run("update-index", "-z", "--force-remove", "--stdin", stdin=listed)

    def _own(self, tracked: Iterable[bytes]) -> list[bytes]:
        return [name for name in tracked if not self._is_hidden(name)]

    def _is_hidden(self, name: bytes) -> bool:
        return any((name + b"/").startswith(os.fsencode(folder)) for folder in self.hidden)


def _changed(raw: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the files of ``diff-files --raw -z`` that differ, and those that are gone."""
    parts = raw.split(b"\0")
    changed: list[bytes] = []
    gone: list[bytes] = []
    for facts, name in zip(parts[0::2], parts[1::2], strict=False):
        (gone if facts.endswith(b"D") else changed).append(name)
    return changed, gone


def _check(called: Called) -> None:
    """Return when every file that was named is in the index; git leaves some names out with a mere word.

    Raises:
        ReviewError: one is not.
    """
    if called.status == 0 and _LEFT_OUT not in called.stderr:
        return
    lines = called.stderr.decode("utf-8", "backslashreplace").splitlines()
    said = next((line for line in lines if line.startswith(_LEFT_OUT.decode())), " ".join(lines))
    shown = "".join(each if each.isprintable() else "?" for each in said[:400])
    raise ReviewError(
        f"what changed can't be told: git update-index says: {shown or f'status {called.status}'}",
        hint="Rename that file (git takes no path with .git in it, however it is spelt, and no link that is "
        "called .gitmodules), or have .gitignore name it, and drive the run again.",
    )


def _is_file(root: Path, name: bytes) -> bool:
    try:
        mode = (root / os.fsdecode(name)).lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)
