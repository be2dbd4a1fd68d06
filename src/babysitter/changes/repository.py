"""What is asked of the repository that a workspace is in: the names of commits, and which files it has."""

from dataclasses import dataclass
from pathlib import Path

from babysitter.changes.git import Git
from babysitter.model.errors import ReviewError
from babysitter.model.runner import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The repository around a workspace, if there is one."""

    programs: Programs
    root: Path

    def _git(self) -> Git:
        return Git(programs=self.programs, cwd=str(self.root))

    def is_there(self) -> bool:
        """Tell whether the workspace is in a repository.

        Raises:
            ReviewError: it is, and git will not read it.
        """
        asked = self._git().ask("rev-parse", "--git-dir")
        if asked.status != 0 and b"not a git repository" not in asked.stderr:
            said = asked.stderr.decode("utf-8", "backslashreplace").strip()
            raise ReviewError(
                f"git will not read the repository of {self.root}: {said[:300]}", hint="Do what git says."
            )
        return asked.status == 0

    def tracked_though_ignored(self) -> list[bytes]:
        """Return the files below the root that are in version control and that ``.gitignore`` names."""
        if not self.is_there():
            return []
        return self._git().names("ls-files", "-z", "-c", "-i", "--exclude-standard")

    def objects(self) -> str:
        """Return the folder of its objects."""
        return self._one("rev-parse", "--path-format=absolute", "--git-path", "objects")

    def object_format(self) -> str:
        """Return how it names objects: ``sha1`` or ``sha256``."""
        return self._one("rev-parse", "--show-object-format")

    def prefix(self) -> str:
        """Return where the workspace stands in it: empty at its top, else a path with ``/`` at its end."""
        return self._one("rev-parse", "--show-prefix")

    def commit(self, name: str) -> str:
        """Return the commit that a name stands for.

        Raises:
            ReviewError: there is none.
        """
        asked = self._git().ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if asked.status != 0:
            raise ReviewError(
                f"the repository of {self.root} has no commit {name}, so nobody can say what changed since.",
                hint='Fetch it, or name another: diff="main.." in ctx.breakpoint.',
            )
        return asked.stdout.decode("ascii", "replace").strip()

    def _one(self, *arguments: str) -> str:
        return self._git().run(*arguments).decode("utf-8", "surrogateescape").rstrip("\n")
