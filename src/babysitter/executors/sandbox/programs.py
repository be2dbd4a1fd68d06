"""Start stock programs of this machine for the person at work: ``ssh-keygen``, ``git``.

Not confined, on purpose: they need the person's keys, agent and terminal. The program is
found on the PATH before it is started, and gets a list of arguments, never a shell's text. Of the PATH only
absolute folders count, for the program and for those that it starts: any other is one of whatever folder we
are in, and a program there comes with the code.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping

from babysitter.model.errors import MissingToolError, ProgramTimeoutError
from babysitter.model.runner import Called


class LocalPrograms:
    """See model.runner.Programs."""

    def call(
        self,
        argv: tuple[str, ...],
        *,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = 60.0,
    ) -> Called:
        """See Programs."""
        given = {**os.environ, **(env or {})}
        folders = os.pathsep.join(each for each in _folders(given) if os.path.isabs(each))
        path = shutil.which(argv[0], path=folders)
        if path is None:
            raise MissingToolError(
                f"{argv[0]} is not on this machine.", hint=f"Install {argv[0]}, or put it on the PATH."
            )
        try:
            done = subprocess.run(
                [path, *argv[1:]],
                input=stdin,
                capture_output=True,
                check=False,
                cwd=cwd,
                env={**given, "PATH": folders},
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise ProgramTimeoutError(
                f"{argv[0]} did not end within {timeout_s:g} seconds and was killed.",
                hint="Try again; a security key may be waiting for a touch.",
            ) from None
        return Called(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def _folders(env: Mapping[str, str]) -> list[str]:
    return env.get("PATH", os.defpath).split(os.pathsep)
