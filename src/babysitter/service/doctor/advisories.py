"""Looks installed packages up in the advisory database of ``[scan] osv``: in-process, without a network.

What it can't compare is left out of the answer, so that nobody takes it for clean; and a database
that says nothing about any package of Python knows nothing about ours.
"""

import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from babysitter.model.errors import RefusedError
from babysitter.scanners.osv.advisories import Database, read_database
from babysitter.scanners.osv.matching import match_packages
from babysitter.scanners.osv.packages import Package
from babysitter.service.doctor.installed import OURS
from babysitter.service.doctor.ports import AskAdvisories
from babysitter.service.wiring import Workspace

_ECOSYSTEM = "PyPI"
_HINT = (
    "Give the folder of an OSV export in [scan] osv; docs/how-to/scan-before-approval.md says how to get one."
)


def advisories_of(workspace: Workspace) -> AskAdvisories | None:
    """Return what asks the database that the settings name; None where they name none."""
    place = workspace.place.settings.scan.osv
    return partial(look_up, workspace.root / place) if place else None


def look_up(folder: Path, installed: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Return the known flaws of each package; see ports.AskAdvisories.

    Raises:
        RefusedError: the database can't be read, or is about other things than Python's packages.
    """
    database = _read(folder)
    flaws: dict[str, Sequence[str]] = {}
    for name, version in installed.items():
        if name == OURS:
            continue
        found = match_packages([Package(ecosystem=_ECOSYSTEM, name=name, version=version)], database)
        if found.compared:
            flaws[name] = [match.advisory.id for match in found.matches]
    return flaws


def _read(folder: Path) -> Database:
    try:
        database = read_database(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise RefusedError(f"the advisory database {folder} can't be read: {error}.", hint=_HINT) from None
    if database.unreadable:
        raise RefusedError(
            f"{len(database.unreadable)} advisories of {folder} can't be read: {database.unreadable[0]}.",
            hint=_HINT,
        )
    if not database.is_about(_ECOSYSTEM):
        raise RefusedError(f"{folder} has no advisory about a package of {_ECOSYSTEM}.", hint=_HINT)
    return database
