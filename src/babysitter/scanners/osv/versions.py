"""Whether a version is one of those that an advisory names: by its list, or by its ranges.

Versions of PyPI are compared as PEP 440 says (``packaging``), those of npm as Semantic Versioning 2.0.0
says (``semver``). What can't be compared is an error, never "not affected".

Source: the evaluation algorithm of the OSV format, version 1.7. Ranges of type ``GIT`` are about commits
and say nothing of a version.
"""

from collections.abc import Callable
from typing import Any, Final

import semver
from packaging.version import InvalidVersion, Version

from babysitter.scanners.osv.advisories import Affected, Event, Range

Comparable = Any
"""A version as its ecosystem orders it."""
Order = Callable[[str], Comparable]


class IncomparableError(Exception):
    """A version that the ecosystem's order has no place for."""


def _pep440(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise IncomparableError(text) from None


def _semver(text: str) -> semver.Version:
    try:
        return semver.Version.parse(text.removeprefix("v"), optional_minor_and_patch=True)
    except ValueError:
        raise IncomparableError(text) from None


ORDERS: Final[dict[str, Order]] = {"PyPI": _pep440, "npm": _semver}


def is_affected(ecosystem: str, version: str, affected: Affected) -> bool:
    """Tell whether the advisory is about the version.

    Raises:
        IncomparableError: it can't be told.
    """
    order = ORDERS[ecosystem]
    if version in affected.versions or any(_same(order, version, each) for each in affected.versions):
        return True
    comparable = [each for each in affected.ranges if each.type != "GIT"]
    return any(_in_range(order, version, each) for each in comparable)


def _same(order: Order, version: str, other: str) -> bool:
    try:
        return bool(order(version) == order(other))
    except IncomparableError:
        # A list may name versions of before there was an order; those are told by their text.
        return False


def _in_range(order: Order, version: str, range_: Range) -> bool:
    here = order(version)
    if not _before_limits(order, here, range_.events):
        return False
    inside = False
    for event in sorted(range_.events, key=lambda event: _sorting(order, event)):
        if event.introduced and (event.introduced == "0" or here >= order(event.introduced)):
            inside = True
        elif (event.fixed and here >= order(event.fixed)) or (
            event.last_affected and here > order(event.last_affected)
        ):
            inside = False
    return inside


def _before_limits(order: Order, here: Comparable, events: tuple[Event, ...]) -> bool:
    limits = [event.limit for event in events if event.limit]
    return not limits or any(limit == "*" or here < order(limit) for limit in limits)


class _First:
    """Stands before every version: ``introduced`` at 0."""

    def __lt__(self, other: object) -> bool:
        return not isinstance(other, _First)

    def __gt__(self, other: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _First)

    def __hash__(self) -> int:
        return 0


def _sorting(order: Order, event: Event) -> tuple[Any, int]:
    text = event.introduced or event.fixed or event.last_affected
    place = _First() if not text or text == "0" else order(text)
    return (place, 0 if event.introduced else 1)
