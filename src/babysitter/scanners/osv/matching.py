"""Holds packages against an advisory database, each weakness once, whatever its advisories are called.

Used by the scanner ``osv``, and by whoever wants to know about installed packages.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from babysitter.model.rules import Severity
from babysitter.scanners.osv.advisories import Advisory, Affected, Database
from babysitter.scanners.osv.packages import Package
from babysitter.scanners.osv.severity import severity_of
from babysitter.scanners.osv.versions import ORDERS, IncomparableError, is_affected


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A package, and an advisory that is about its version.

    names: the advisory's id and aliases, and those of others that share one.
    has_severity: the advisory gives one; otherwise it is taken as medium.
    """

    package: Package
    advisory: Advisory
    names: frozenset[str]
    severity: Severity
    has_severity: bool
    fixed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found, how many packages were compared, and those of which it can't be told."""

    matches: list[Match] = field(default_factory=list)
    compared: int = 0
    problems: list[str] = field(default_factory=list)


def match_packages(packages: Iterable[Package], database: Database) -> Matched:
    """Return which packages the advisories are about."""
    matches: list[Match] = []
    problems: list[str] = []
    compared = 0
    for package in packages:
        if package.ecosystem not in ORDERS:
            problems.append(f"versions of {package.ecosystem} can't be compared: {package.name}.")
            continue
        found, problem = _about(package, database)
        matches += found
        if problem:
            problems.append(problem)
        else:
            compared += 1
    return Matched(matches, compared, problems)


def _about(package: Package, database: Database) -> tuple[list[Match], str]:
    hits: list[tuple[Advisory, Affected]] = []
    problem = ""
    for advisory, affected in database.about(package.ecosystem, package.name):
        try:
            if is_affected(package.ecosystem, package.version, affected):
                hits.append((advisory, affected))
        except IncomparableError as error:
            problem = (
                f"{package.name} {package.version} can't be held against {advisory.id}: "
                f"{error} is no version of {package.ecosystem}."
            )
    return [_match(package, group) for group in _grouped(hits)], problem


def _grouped(hits: list[tuple[Advisory, Affected]]) -> list[list[tuple[Advisory, Affected]]]:
    """Return the advisories of one weakness together: those that share a name, directly or by others."""
    groups: list[tuple[set[str], list[tuple[Advisory, Affected]]]] = []
    for hit in sorted(hits, key=lambda hit: hit[0].id):
        names, members = {hit[0].id, *hit[0].aliases}, [hit]
        apart = []
        for other_names, other_members in groups:
            if names & other_names:
                names |= other_names
                members = [*other_members, *members]
            else:
                apart.append((other_names, other_members))
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _match(package: Package, group: list[tuple[Advisory, Affected]]) -> Match:
    rated = [(severity_of(advisory, affected), advisory) for advisory, affected in group]
    # One that gives a severity says more than one that does not; of these the worst.
    (severity, has_severity), advisory = min(
        rated, key=lambda each: (not each[0][1], ("critical", "high", "medium", "low").index(each[0][0]))
    )
    fixed = {
        event.fixed
        for _, affected in group
        for range_ in affected.ranges
        if range_.type != "GIT"
        for event in range_.events
        if event.fixed
    }
    return Match(
        package=package,
        advisory=advisory,
        names=frozenset(name for each, _ in group for name in (each.id, *each.aliases)),
        severity=severity,
        has_severity=has_severity,
        fixed=tuple(sorted(fixed)),
    )
