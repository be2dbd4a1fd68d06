"""``osv``: lock files against the advisory database of ``[scan] osv``. Ours, in-process, without a network.

A lock file that can't be read, that holds no package, or one that has no version, is a problem; so is an
advisory that can't be read. Its version is the day of the newest advisory: an old database knows nothing
new.
"""

import zipfile

from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.osv.advisories import Database, read_database
from babysitter.scanners.osv.lock_files import READERS, read_lock_file
from babysitter.scanners.osv.matching import Match, match_packages
from babysitter.scanners.osv.packages import Locked, LockFileError
from babysitter.scanners.toolbox import ScannerError, Toolbox

_FIX = (
    "Give the folder of an OSV export in [scan] osv; docs/how-to/scan-before-approval.md says how to get one."
)


class Advisories:
    """See interface.Scanner."""

    name = "osv"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        database = _database(ground, tools.settings.osv)
        compared = 0
        seen: list[Seen] = []
        problems: list[str] = [f"the advisory {where} can't be read." for where in database.unreadable]
        for file in ground.named(*READERS):
            locked = _locked(ground, file, problems)
            found = match_packages(locked.packages, database)
            compared += found.compared
            problems += [f"{file}: {problem}" for problem in found.problems]
            problems += [f"{file}: {problem}." for problem in locked.problems]
            seen += [_seen(file, match) for match in found.matches]
        return Report(
            version=database.newest[:10],
            examined=compared,
            unit="packages",
            seen=tuple(seen),
            problems=tuple(problems),
        )


def _database(ground: Ground, place: str) -> Database:
    if not place:
        raise ScannerError("missing", "there is no advisory database.", _FIX)
    try:
        database = read_database(ground.root / place)
    except (OSError, zipfile.BadZipFile) as error:
        raise ScannerError(
            "missing", f"the advisory database {place} can't be read: {error}.", _FIX
        ) from None
    if not database.count:
        raise ScannerError("missing", f"the advisory database {place} holds no advisory.", _FIX)
    return database


def _locked(ground: Ground, file: str, problems: list[str]) -> Locked:
    try:
        locked = read_lock_file(file, (ground.root / file).read_bytes())
    except (OSError, LockFileError) as error:
        problems.append(f"{file} can't be read: {error}.")
        return Locked(())
    if not locked.packages:
        problems.append(f"{file} holds no package.")
    return locked


def _seen(file: str, match: Match) -> Seen:
    package, advisory = match.package, match.advisory
    summary = advisory.summary or advisory.details.partition("\n")[0] or advisory.id
    note = "" if match.has_severity else " (no severity given; taken as medium)"
    return Seen(
        rule=advisory.id,
        category="dependency",
        severity=match.severity,
        path=file,
        message=f"{package.name} {package.version}: {summary}{note}",
        fix=f"Take {package.name} {' or '.join(match.fixed)}." if match.fixed else "",
        help_uri=f"https://osv.dev/vulnerability/{advisory.id}",
        text=f"{package.name} {package.version}",
        package=package.name,
        names=match.names,
    )
