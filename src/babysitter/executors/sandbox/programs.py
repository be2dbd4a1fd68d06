"""Start stock programs of this machine for the person at work: ``ssh-keygen``, ``git``.

Not confined, on purpose: they need the person's keys, agent and terminal. The program is
found on the PATH before it is started, and gets a list of arguments, never a shell's text.
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
        path = shutil.which(argv[0])
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
                env={**os.environ, **(env or {})},
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise ProgramTimeoutError(
                f"{argv[0]} did not end within {timeout_s:g} seconds and was killed.",
                hint="Try again; a security key may be waiting for a touch.",
            ) from None
        return Called(status=done.returncode, stdout=done.stdout, stderr=done.stderr)
