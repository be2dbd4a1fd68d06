"""Git, started so that no repository's configuration runs code and nothing of a repository is changed.

A repository may come from anybody. Its configuration can name programs (``core.fsmonitor``, filters,
``diff.external``, ``textconv``, hooks, a partial clone's ``uploadpack``). States of the workspace are
therefore kept in a repository of our own (states.py), and what is asked of somebody else's is only what
reads: names of commits, and the list of files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from babysitter.model.errors import MissingToolError, ProgramTimeoutError, ReviewError
from babysitter.model.git_environment import OBEYING_NOTHING, READING, WITHOUT_SETTINGS, WITHOUT_THEM
from babysitter.model.runner import Called, Programs

TIMEOUT_S = 300.0
_ENVIRONMENT = {**READING, **WITHOUT_SETTINGS, "GIT_ATTR_NOSYSTEM": "1"}
_OPTIONS = (
    *OBEYING_NOTHING,
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.excludesFile=/dev/null"),
    *("-c", "core.pager=cat"),
    *("-c", "core.fileMode=true"),
    *("-c", "core.symlinks=true"),
    *("-c", "core.ignoreCase=false"),
    # Names that only other systems take for git's own folder are names here, and what is there is shown.
    *("-c", "core.protectNTFS=false"),
    *("-c", "core.protectHFS=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "core.trustctime=true"),
    *("-c", "core.fsyncMethod=batch"),
    *("-c", "core.fsync=loose-object,reference"),
    *("-c", "core.looseCompression=1"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "diff.ignoreSubmodules=all"),
)
_OBJECT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Starts git in one folder. ``place``: options before the command, such as ``--git-dir``."""

    programs: Programs
    cwd: str
    place: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None

    def ask(self, *arguments: str, stdin: bytes = b"") -> Called:
        """Return how git ended and what it said.

        Raises:
            ReviewError: git is not on this machine, or does not end.
        """
        # After what a caller's hook has set is gone, not before.
        own = tuple(f"{name}={value}" for name, value in (self.env or {}).items())
        argv = (*WITHOUT_THEM, *own, "git", *_OPTIONS, *self.place, *arguments)
        try:
            called = self.programs.call(
                argv, stdin=stdin, cwd=self.cwd, env=_ENVIRONMENT, timeout_s=TIMEOUT_S
            )
        except MissingToolError as missing:
            raise ReviewError(f"what changed can't be told: {missing.message}", hint=missing.hint) from None
        except ProgramTimeoutError:
            raise ReviewError(
                f"what changed can't be told: git {arguments[0]} did not end within {TIMEOUT_S:g} seconds.",
                hint="Have .gitignore name large folders that are no source, and drive the run again.",
            ) from None
        if called.status == 127:
            raise ReviewError(
                "what changed can't be told: git is not on this machine.",
                hint="Install git (2.35 or newer), and drive the run again.",
            )
        return called

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Return what git wrote, when it ended well.

        Raises:
            ReviewError: it did not.
        """
        called = self.ask(*arguments, stdin=stdin)
        if called.status != 0:
            said = called.stderr.decode("utf-8", "backslashreplace").strip() or f"status {called.status}"
            raise ReviewError(
                f"what changed can't be told: git {arguments[0]} says: {_plain(said)}",
                hint="Mend that, or have .gitignore name the file, and drive the run again.",
            )
        return called.stdout

    def names(self, *arguments: str) -> list[bytes]:
        """Return what git listed, one name for each NUL."""
        return [name for name in self.run(*arguments).split(b"\0") if name]

    def object_name(self, *arguments: str) -> str:
        """Return the name of the object that git wrote."""
        name = self.run(*arguments).decode("ascii", "replace").strip()
        if not _OBJECT.fullmatch(name):
            raise ReviewError(
                "what changed can't be told: git named no object.", hint="Look at git's version."
            )
        return name


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:400])
