"""One git repository, asked by git itself.

Nothing here runs what a repository brings with it: no hooks, no file system monitor, no external diff, no
text conversion, no pager. Output is bytes, names end with NUL: a name may hold whatever a name can hold.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babysitter.model.errors import MissingToolError, RefusedError
from babysitter.model.git_environment import OBEYING_NOTHING, READING, WITHOUT_THEM
from babysitter.model.runner import Called, Programs

_OPTIONS = (*OBEYING_NOTHING, "-c", "core.quotePath=false")
_NOT_FOUND = 127
"""What ``env`` ends with when it finds no program of the name."""
_BATCH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Git, started in a folder.

    inside_hook: git started us, and its variables say which repository and which index it means.
    timeout_s: for one call of git.
    """

    programs: Programs
    folder: Path
    inside_hook: bool = False
    timeout_s: float = 60.0

    def call(self, *arguments: str, stdin: bytes = b"", safe: bool = True) -> Called:
        """Start git and return how it ended. ``safe=False``: with the user's own settings about hooks.

        Raises:
            MissingToolError: there is no git. ProgramTimeoutError: it took too long.
        """
        options = _OPTIONS if safe else ("--no-pager",)
        # Inside a hook git's variables count: they name the index that is about to be committed.
        before = () if self.inside_hook else WITHOUT_THEM
        called = self.programs.call(
            (*before, "git", *options, *arguments),
            stdin=stdin,
            cwd=str(self.folder),
            env=READING,
            timeout_s=self.timeout_s,
        )
        if before and called.status == _NOT_FOUND:
            raise MissingToolError("git is not on this machine.", hint="Install git, or put it on the PATH.")
        return called

    def ask(self, *arguments: str, stdin: bytes = b"", safe: bool = True) -> bytes:
        """Return what git says.

        Raises:
            RefusedError: it failed; the text is git's own last line.
        """
        called = self.call(*arguments, stdin=stdin, safe=safe)
        if called.status != 0:
            said = called.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            verb = next((word for word in arguments if word[:1] != "-"), "")
            raise RefusedError(
                f"git {verb} failed: {said[0]}", hint="Run it by hand in the same folder to see more."
            )
        return called.stdout

    def contents(self, objects: Iterable[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
        """Give each object's bytes, a bounded number of them in memory at once.

        Args:
            objects: names and sizes, as ``sizes`` gives them.
        """
        batch: list[str] = []
        total = 0
        for name, size in objects:
            if batch and total + size > _BATCH_BYTES:
                yield from self._batch(batch)
                batch, total = [], 0
            batch.append(name)
            total += size
        if batch:
            yield from self._batch(batch)

    def sizes(self, objects: Iterable[str]) -> list[tuple[str, int]]:
        """Return each blob's name and size.

        Raises:
            RefusedError: one is not here, so nobody can say what is in it.
        """
        asked = "".join(f"{name}\n" for name in objects)
        if not asked:
            return []
        found = []
        for line in self.ask("cat-file", "--batch-check", stdin=asked.encode()).decode().splitlines():
            words = line.split()
            if len(words) != 3:
                raise RefusedError(f"git has no object {words[0]}.", hint="Fetch it: git fetch --refetch")
            found.append((words[0], int(words[2])))
        return found

    def _batch(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        data = self.ask("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode())
        place = 0
        for _ in names:
            end = data.index(b"\n", place)
            name, _, size = data[place:end].decode().split()
            yield name, data[end + 1 : end + 1 + int(size)]
            place = end + 2 + int(size)


def texts(listed: bytes) -> list[str]:
    """Return names that end with NUL; bytes that are no UTF-8 as surrogates, as ``os.fsdecode`` has them."""
    return [name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name]
