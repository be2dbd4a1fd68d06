"""The code that was trusted when the run was opened, for tasks: they get those bytes, whatever stands on disk by then.

Python tasks are handed their modules as compiled code. Node reads its scripts itself, so they are compared first;
between that and Node's reading a moment remains.
"""

import base64
import marshal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from babysitter.model.errors import UntrustedProcessError


class ReviewedCode:
    """The files of a process's closure: path relative to the workspace to content."""

    def __init__(self, files: Mapping[str, bytes], workspace: Path) -> None:
        self._files = files
        self._workspace = workspace
        self._compiled: dict[str, str] | None = None

    def compiled(self) -> dict[str, str]:
        """Return each Python file as marshalled code in base64, for a child of this very interpreter."""
        if self._compiled is None:
            found = {}
            for path, content in self._files.items():
                if path.endswith(".py"):
                    # What does not compile does not load either, and the child says where.
                    with suppress(SyntaxError, ValueError):
                        code = compile(content, str(self._workspace / path), "exec", dont_inherit=True)
                        found[path] = base64.b64encode(marshal.dumps(code)).decode()
            self._compiled = found
        return self._compiled

    def check_scripts(self) -> None:
        """Return when every file that is not Python still is what was trusted.

        Raises:
            UntrustedProcessError: one has changed.
        """
        for path, content in self._files.items():
            if not path.endswith(".py") and self._on_disk(path) != content:
                raise UntrustedProcessError(
                    f"{path} has changed since the run was opened, and nobody has trusted it as it is now.",
                    hint="Put it back, or trust the process again and resume: babysitter process trust ENTRY",
                    entry=path,
                    digest="",
                    reason="unknown",
                )

    def _on_disk(self, path: str) -> bytes | None:
        try:
            return (self._workspace / path).read_bytes()
        except OSError:
            return None
