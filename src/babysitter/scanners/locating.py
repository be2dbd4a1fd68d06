"""Where a scanner is on this machine, and what else of the machine it needs to see in its sandbox.

Looked for in the folders that the settings name, then in those of PATH. A folder of the workspace counts
only when the settings name it: else the code that is scanned could bring the scanner that praises it.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from babysitter.scanners.interpreters import base_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A program: its real path, and the folders that it needs to see besides the system's."""

    program: Path
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Locator:
    """Finds programs.

    named: the folders that the settings name. path: PATH. workspace: resolved.
    """

    named: tuple[Path, ...]
    path: str
    workspace: Path

    def find(self, name: str) -> Found | None:
        """Return the program, or None when it is nowhere."""
        for folder in (*self.named, *self._others()):
            if (place := shutil.which(name, path=str(folder))) is not None:
                program = Path(place).resolve()
                return Found(program=program, folders=_surroundings(program))
        return None

    def folders(self) -> str:
        """Return where programs are looked for, for people."""
        return ", ".join(str(folder) for folder in (*self.named, *self._others())) or "no folder"

    def _others(self) -> tuple[Path, ...]:
        folders = dict.fromkeys(Path(part) for part in self.path.split(os.pathsep) if part.startswith("/"))
        return tuple(f for f in folders if not f.resolve().is_relative_to(self.workspace))


def _surroundings(program: Path) -> tuple[str, ...]:
    if "node_modules" in program.parts:
        outermost = program.parts.index("node_modules") + 1
        return (str(Path(*program.parts[:outermost])),)
    for folder in program.parents[1:3]:
        settings = folder / "pyvenv.cfg"
        if settings.is_file():
            return (str(folder), *base_of(settings))
    return (str(program.parent),)
