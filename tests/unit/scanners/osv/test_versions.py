"""Which versions an advisory is about: the order of PEP 440 and of Semantic Versioning, and OSV's ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.scanners.osv.advisories import Affected, Event, Range
from babysitter.scanners.osv.versions import IncomparableError, is_affected


def ranged(kind: str, *events: Event) -> Affected:
    """Return an advisory's part with one range."""
    return Affected(ranges=(Range(type=kind, events=events),))


def at(introduced: str = "", fixed: str = "", last: str = "", limit: str = "") -> Event:
    """Return an event."""
    return Event(introduced=introduced, fixed=fixed, last_affected=last, limit=limit)


PYPI = ranged("ECOSYSTEM", at("1.0"), at(fixed="1.5"), at("2.0rc1"), at(fixed="2.1"))
NPM = ranged("SEMVER", at("1.0.0"), at(last="1.9.3"))
LIMITED = ranged("SEMVER", at("0"), at(fixed="3.0.0-beta.2"), at(limit="2.5.0"))


@pytest.mark.parametrize(
    ("ecosystem", "affected", "version", "is_in"),
    [
        ("PyPI", PYPI, "0.9", False),
        ("PyPI", PYPI, "1.0", True),
        ("PyPI", PYPI, "1.0.0", True),
        ("PyPI", PYPI, "1.0rc1", False),
        ("PyPI", PYPI, "1.10", False),
        ("PyPI", PYPI, "1.5", False),
        ("PyPI", PYPI, "1.5.dev1", True),
        ("PyPI", PYPI, "2.0rc1", True),
        ("PyPI", PYPI, "2.0.post1", True),
        ("PyPI", PYPI, "2.1", False),
        ("npm", NPM, "0.9.9", False),
        ("npm", NPM, "1.9.3", True),
        ("npm", NPM, "1.9.3+build.7", True),
        ("npm", NPM, "1.9.4-alpha", False),
        ("npm", NPM, "1.10.0", False),
        ("npm", LIMITED, "2.4.9", True),
        ("npm", LIMITED, "2.5.0", False),
        ("npm", LIMITED, "2.9.0", False),
    ],
)
def test_a_version_is_in_a_range_as_its_ecosystem_orders(
    ecosystem: str, affected: Affected, version: str, is_in: bool
) -> None:
    assert is_affected(ecosystem, version, affected) is is_in


def test_events_may_stand_in_any_order() -> None:
    mixed = ranged("ECOSYSTEM", at(fixed="2.1"), at("2.0rc1"), at(fixed="1.5"), at("1.0"))

    assert [is_affected("PyPI", v, mixed) for v in ("1.4", "1.6", "2.0", "3")] == [True, False, True, False]


def test_introduced_at_0_is_before_every_version() -> None:
    from_start = ranged("ECOSYSTEM", at("0"), at(fixed="1.0"))

    assert is_affected("PyPI", "0.0.1.dev0", from_start)


def test_a_listed_version_is_affected_however_it_is_written() -> None:
    listed = Affected(versions=("1.0.post1", "2004a-odd"))

    assert is_affected("PyPI", "1.0-1", listed)
    assert is_affected("PyPI", "2004a-odd", listed)
    assert not is_affected("PyPI", "1.0", listed)


def test_ranges_of_commits_say_nothing_of_a_version() -> None:
    assert not is_affected("PyPI", "1.0", ranged("GIT", at("0"), at(fixed="abcdef")))


@pytest.mark.parametrize("version", ["2004a-odd", "", "latest"])
def test_what_has_no_place_in_the_order_is_an_error_and_not_unaffected(version: str) -> None:
    with pytest.raises(IncomparableError):
        is_affected("PyPI", version, PYPI)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_range_holds_from_where_it_begins_to_before_where_it_was_mended(
    begin: int, length: int, version: int
) -> None:
    end = begin + length
    affected = ranged("SEMVER", at(f"{begin}.0.0"), at(fixed=f"{end}.0.0"))

    assert is_affected("npm", f"{version}.0.0", affected) is (begin <= version < end)
