"""What is installed of ours: this distribution, and everything that it requires here."""

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "babysitter"


def closure(name: str = OURS) -> dict[str, str]:
    """Return name and version of a distribution and of all that it requires on this platform, extras too.

    A requirement that is not installed is left out: what is not there has no flaw.
    """
    found: dict[str, str] = {}
    waiting = [(canonicalize_name(name), _extras(name))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        this = waiting.pop()
        if this in seen:
            continue
        seen.add(this)
        try:
            known = distribution(this[0])
        except PackageNotFoundError:
            continue
        found[this[0]] = known.version
        waiting += [
            (canonicalize_name(each.name), frozenset(each.extras)) for each in _required(known, this[1])
        ]
    return dict(sorted(found.items()))


def _extras(name: str) -> frozenset[str]:
    """Return the extras that a distribution offers; whether they are installed is seen one by one."""
    try:
        return frozenset(distribution(name).metadata.get_all("Provides-Extra") or ())
    except PackageNotFoundError:
        return frozenset()


def comes_from_index(name: str = OURS) -> bool:
    """Tell whether it was installed from a package index, not from a folder or a repository (PEP 610)."""
    try:
        return distribution(name).read_text("direct_url.json") is None
    except PackageNotFoundError:
        return False


def _required(known: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    """Give what a distribution requires on this platform, with these extras of it."""
    for line in known.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement
