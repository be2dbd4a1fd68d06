"""One finding for one weakness, whoever reports it.

Two reports are of the same weakness when they have the same category, file and first line; for
dependencies, when they are of the same package in the same file and share a name of the advisory. Category
``other`` says too little to tell: there only rules that are the same by name are one (bandit's, which Ruff
has too). The worst report is the finding, the rest stand in its ``also``. Why:
docs/adr/0036-one-finding-a-weakness.md.
"""

from collections.abc import Iterable

from msgspec import structs

from babysitter.model.findings import SEVERITIES, Finding, Same, in_order
from babysitter.scanners.interface import Seen

Pair = tuple[Finding, Seen]


def merged(pairs: Iterable[Pair]) -> tuple[Finding, ...]:
    """Return the findings, each weakness once, the worst first."""
    groups: list[list[Pair]] = []
    where: dict[tuple[object, ...], list[Pair]] = {}
    for pair in sorted(pairs, key=_worst_first):
        keys = _keys(pair)
        group = next((where[key] for key in keys if key in where), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(pair)
        for key in keys:
            where[key] = group
    return in_order(_one(group) for group in groups)


def _worst_first(pair: Pair) -> tuple[int, str, str, str]:
    finding = pair[0]
    return (SEVERITIES.index(finding.severity), finding.tool, finding.rule, finding.fingerprint)


def _keys(pair: Pair) -> list[tuple[object, ...]]:
    """Return what this report has in common with each other report of the same weakness."""
    finding, seen = pair
    if finding.category == "dependency" and seen.names:
        return [("dependency", finding.path, seen.package.lower(), name) for name in sorted(seen.names)]
    if finding.span is None or (finding.category == "other" and not seen.names):
        return [("alone", finding.tool, finding.fingerprint)]
    place = (finding.category, finding.path, finding.span.line)
    return [(*place, name) for name in sorted(seen.names)] if finding.category == "other" else [place]


def _one(group: list[Pair]) -> Finding:
    worst, *rest = (finding for finding, _ in group)
    also = tuple(
        Same(tool=each.tool, rule=each.rule, fingerprint=each.fingerprint)
        for each in rest
        if (each.tool, each.fingerprint) != (worst.tool, worst.fingerprint)
    )
    return structs.replace(worst, also=also)
