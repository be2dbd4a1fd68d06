"""Windows and freezes: the clocks of a named zone, over midnight and on the days when they change."""

import pytest

from babysitter.model.clock import parse_time
from babysitter.model.errors import SettingsError
from babysitter.model.rules import Freeze, Rule, Window
from babysitter.policy.windows import check_times, freeze_at, is_open
from tests.unit.policy.people import rule

DAYTIME = Window(days=("mon", "tue", "wed", "thu"), from_="09:00", to="16:00", tz="Europe/Berlin")
NIGHT = Window(days=("fri",), from_="22:00", to="02:00", tz="UTC")
ALL_DAY = Window(days=("sun",), from_="00:00", to="24:00", tz="UTC")
ROUND = Window(days=("sun",), from_="09:00", to="09:00", tz="UTC")
SPRING = Window(days=("sun",), from_="02:00", to="03:00", tz="Europe/Berlin")
AUTUMN = Window(days=("sun",), from_="02:30", to="02:45", tz="Europe/Berlin")
KATHMANDU = Window(days=("tue",), from_="00:00", to="01:00", tz="Asia/Kathmandu")


@pytest.mark.parametrize(
    ("window", "now", "opened"),
    [
        (DAYTIME, "2026-03-02T08:00:00Z", True),  # a Monday, 09:00 in Berlin
        (DAYTIME, "2026-03-02T07:59:59Z", False),
        (DAYTIME, "2026-03-02T14:59:59Z", True),
        (DAYTIME, "2026-03-02T15:00:00Z", False),
        (DAYTIME, "2026-03-06T10:00:00Z", False),  # a Friday
        (DAYTIME, "2026-03-30T07:00:00Z", True),  # summer time since yesterday: 09:00 comes an hour earlier
        (DAYTIME, "2026-03-30T06:59:59Z", False),
        (DAYTIME, "2026-03-30T14:00:00Z", False),
        (NIGHT, "2026-03-06T22:00:00Z", True),
        (NIGHT, "2026-03-07T01:59:59Z", True),  # Saturday, but of Friday's window
        (NIGHT, "2026-03-07T02:00:00Z", False),
        (NIGHT, "2026-03-07T22:30:00Z", False),
        (NIGHT, "2026-03-06T01:00:00Z", False),  # Friday, but of Thursday's night
        (ALL_DAY, "2026-03-01T23:59:59Z", True),
        (ALL_DAY, "2026-03-02T00:00:00Z", False),
        (ROUND, "2026-03-01T09:00:00Z", True),
        (ROUND, "2026-03-02T08:59:59Z", True),
        (ROUND, "2026-03-02T09:00:00Z", False),
        (SPRING, "2026-03-29T00:59:59Z", False),  # 01:59:59, and a second later it is 03:00: never open
        (SPRING, "2026-03-29T01:00:00Z", False),
        (AUTUMN, "2026-10-25T00:35:00Z", True),  # 02:35 comes twice, and is open twice
        (AUTUMN, "2026-10-25T01:35:00Z", True),
        (AUTUMN, "2026-10-25T01:00:00Z", False),
        (KATHMANDU, "2026-03-02T18:15:00Z", True),  # +05:45
        (KATHMANDU, "2026-03-02T18:14:59Z", False),
    ],
)
def test_a_window_is_open_by_the_clocks_of_its_zone(window: Window, now: str, opened: bool) -> None:
    assert is_open(rule(windows=(window,)), parse_time(now)) == opened


def test_a_rule_without_windows_is_always_open_and_with_several_when_one_is() -> None:
    now_ns = parse_time("2026-03-01T12:00:00Z")

    assert is_open(rule(), now_ns)
    assert is_open(rule(windows=(DAYTIME, ALL_DAY)), now_ns)
    assert not is_open(rule(windows=(DAYTIME, NIGHT)), now_ns)


@pytest.mark.parametrize(
    ("now", "frozen"),
    [
        ("2026-12-19T22:59:59Z", False),
        ("2026-12-19T23:00:00Z", True),
        ("2027-01-03T22:59:59Z", True),
        ("2027-01-03T23:00:00Z", False),
    ],
)
def test_a_freeze_begins_and_ends_by_the_clocks_of_its_zone(now: str, frozen: bool) -> None:
    freeze = Freeze(from_="2026-12-20T00:00", to="2027-01-04T00:00", tz="Europe/Berlin", reason="holidays")

    assert (freeze_at(rule(freezes=(freeze,)), parse_time(now)) is not None) == frozen


@pytest.mark.parametrize(
    "wrong",
    [
        rule(windows=(Window(from_="09:00", to="10:00", tz="Europe/Berlim"),)),
        rule(windows=(Window(from_="09:00", to="10:00", tz=""),)),
        rule(windows=(Window(from_="09:00", to="10:00", tz="../../etc/localtime"),)),
        rule(windows=(Window(from_="09:00", to="10:00", tz="/etc/localtime"),)),
        rule(freezes=(Freeze(from_="tomorrow", to="2027-01-04T00:00", tz="UTC"),)),
        rule(freezes=(Freeze(from_="2027-01-04T00:00", to="2027-01-04T00:00", tz="UTC"),)),
        rule(freezes=(Freeze(from_="2027-01-04T00:00Z", to="2027-01-05T00:00", tz="UTC"),)),
        rule(freezes=(Freeze(from_="2027-01-04T00:00", to="2027-01-05T00:00+01:00", tz="UTC"),)),
    ],
)
def test_a_time_that_can_not_be_read_is_refused_with_the_rules_name(wrong: Rule) -> None:
    with pytest.raises(SettingsError, match="production"):
        check_times(wrong)
