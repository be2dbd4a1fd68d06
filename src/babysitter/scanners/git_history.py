"""The files of a git history, each version once: what a range of commits brought, to be scanned.

Git is started with no configuration of the user's or the system's, no hooks and no prompts, and asked
for objects alone: nothing of the repository's is run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from babysitter.model.errors import RefusedError, UsageError
from babysitter.model.git_environment import OBEYING_NOTHING, READING, WITHOUT_SETTINGS, WITHOUT_THEM
from babysitter.model.runner import Programs

_RANGE = re.compile(r"[^\s\x00-\x1f-][^\x00-\x1f]*")
_BATCH_BYTES = 32 << 20
_BATCH_OBJECTS = 500
_HEADER = re.compile(rb"([0-9a-f]{40,64}) (\w+) ([0-9]+)\n")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one file."""

    oid: str
    path: str
    size: int


class GitHistory:
    """The commits of a range in the repository at ``folder``."""

    def __init__(self, programs: Programs, folder: str, commits: str) -> None:
        if not _RANGE.fullmatch(commits):
            raise UsageError(
                f"{commits!r} is no range of commits.",
                hint="Write it as git does: main..HEAD, or HEAD for all.",
            )
        self._programs = programs
        self._folder = folder
        self._commits = commits

    def versions(self) -> list[Version]:
        """Return the versions of files that the range brought, each once.

        Raises:
            MissingToolError: git is not on this machine.
            RefusedError: git says no: no repository, no such commits, or one that is not here.
        """
        arguments = ("rev-list", "--objects", "--end-of-options", *self._commits.split())
        listed = self._git(arguments).decode("utf-8", "surrogateescape")
        named = dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
        asked = "".join(f"{oid}\n" for oid in named).encode()
        sizes = self._git(("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"), asked)
        found = []
        for line in sizes.decode().splitlines():
            oid, kind, size = line.split(" ")
            if kind == "blob":
                found.append(Version(oid, named[oid], int(size)))
        return found

    def contents(self, versions: list[Version]) -> Iterator[tuple[Version, bytes]]:
        """Yield the bytes of each, so many at once as fit into a batch."""
        waiting = iter(versions)
        held: Version | None = next(waiting, None)
        while held is not None:
            batch, size = [held], held.size
            held = None
            for version in islice(waiting, _BATCH_OBJECTS):
                if size + version.size > _BATCH_BYTES:
                    held = version
                    break
                batch.append(version)
                size += version.size
            else:
                held = next(waiting, None)
            yield from self._batch(batch)

    def commit_of(self, version: Version) -> str:
        """Return the first commit of the range that has the version; "" when git does not say."""
        arguments = (
            "log",
            "--format=%H",
            f"--find-object={version.oid}",
            "--end-of-options",
            *self._commits.split(),
        )
        found = self._git(arguments).decode().split()
        return found[-1] if found else ""

    def _batch(self, batch: list[Version]) -> Iterator[tuple[Version, bytes]]:
        data = self._git(("cat-file", "--batch"), "".join(f"{version.oid}\n" for version in batch).encode())
        position = 0
        for version in batch:
            header = _HEADER.match(data, position)
            if header is None or header[1].decode() != version.oid:
                raise RefusedError(
                    f"git gave no object {version.oid} ({version.path}).", hint="Check it with: git fsck"
                )
            end = header.end() + int(header[3])
            yield version, data[header.end() : end]
            position = end + 1

    def _git(self, arguments: tuple[str, ...], stdin: bytes = b"") -> bytes:
        argv = (*WITHOUT_THEM, "git", *OBEYING_NOTHING, *arguments)
        env = {**READING, **WITHOUT_SETTINGS}
        done = self._programs.call(argv, stdin=stdin, cwd=self._folder, env=env, timeout_s=600.0)
        if done.status:
            said = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.status}"]
            raise RefusedError(
                f"git can't say what is in {self._commits} of {self._folder}: {said[-1]}",
                hint="Name a range of commits that is here, as git does: main..HEAD",
            )
        return done.stdout
