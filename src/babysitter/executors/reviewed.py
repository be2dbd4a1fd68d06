"""The code that was trusted when the run was opened, for tasks: they get it, whatever stands on disk by then.

Python tasks are handed their modules' sources. Node reads its scripts itself, so they are compared first;
between that and Node's reading a moment remains.
"""

import base64
from collections.abc import Mapping
from pathlib import Path

from babysitter.model.errors import UntrustedProcessError


class ReviewedCode:
    """The files of a process's closure: path relative to the workspace to content."""

    def __init__(self, files: Mapping[str, bytes], workspace: Path) -> None:
        self._files = files
        self._workspace = workspace
        self._modules: dict[str, str] | None = None

    def modules(self) -> dict[str, str]:
        """Return the bytes of each Python file in base64."""
        if self._modules is None:
            self._modules = {
                path: base64.b64encode(content).decode()
                for path, content in self._files.items()
                if path.endswith(".py")
            }
        return self._modules

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
