"""Where the states of a workspace are kept, and what is never part of one."""

import os
from pathlib import Path

from babysitter.changes.workspace import WorkspaceChanges
from babysitter.config import RUN_DATA, Place
from babysitter.model.clock import Dice
from babysitter.model.runner import Programs
from babysitter.service.founding import IGNORE_LINES

KEPT_OUT = (*(line for _, lines in IGNORE_LINES for line in lines), "__pycache__/")
"""Never copied: what the guide wants ignored. Python writes its caches while a process is loaded."""


def changes_of(place: Place, log_folder: Path, programs: Programs, dice: Dice) -> WorkspaceChanges:
    """Return what tells how a workspace has changed; its states are kept beside the log."""
    data = {RUN_DATA}
    if place.runs_dir.is_relative_to(place.root) and place.runs_dir != place.root:
        data.add(place.runs_dir.relative_to(place.root).as_posix())
    return WorkspaceChanges(
        programs=programs,
        root=place.root,
        folder=log_folder.with_name(log_folder.name.replace("log", "states")),
        hidden=tuple(f"{name}/" for name in sorted(data)),
        kept_out=KEPT_OUT,
        token=lambda: f"{os.getpid()}-{dice.bits(64):016x}",
    )
