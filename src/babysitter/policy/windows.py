"""Whether a moment lies in a rule's windows, and in none of its freezes: wall-clock time of named zones.

A zone decides what its clocks show, so a window is right on the days when they change too.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babysitter.model.errors import SettingsError
from babysitter.model.rules import Freeze, Rule, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_open(rule: Rule, now_ns: int) -> bool:
    """Tell whether one of the rule's windows is open; a rule without windows always is."""
    return not rule.windows or any(_contains(window, now_ns) for window in rule.windows)


def freeze_at(rule: Rule, now_ns: int) -> Freeze | None:
    """Return the freeze that a moment lies in; None when it lies in none."""
    for freeze in rule.freezes:
        now = _local(now_ns, freeze.tz).replace(tzinfo=None)
        if _moment(freeze.from_) <= now < _moment(freeze.to):
            return freeze
    return None


def check_times(rule: Rule) -> None:
    """Return when every zone and time of a rule can be read.

    Raises:
        SettingsError: naming the rule.
    """
    try:
        for zone in (*(each.tz for each in rule.windows), *(each.tz for each in rule.freezes)):
            ZoneInfo(zone)
        for freeze in rule.freezes:
            if _moment(freeze.from_) >= _moment(freeze.to):
                raise ValueError(f"the freeze from {freeze.from_} ends before it begins")
    except (ValueError, OSError, LookupError) as error:
        raise SettingsError(
            f"the rule {rule.id} has a time that can't be read: {error}.",
            hint="Write zones as Europe/Berlin, and the times of a freeze as 2026-12-20T00:00.",
        ) from None


def _contains(window: Window, now_ns: int) -> bool:
    now = _local(now_ns, window.tz)
    clock = now.strftime("%H:%M")
    today, yesterday = _DAYS[now.weekday()], _DAYS[(now - timedelta(days=1)).weekday()]
    if window.from_ < window.to:
        return today in window.days and window.from_ <= clock < window.to
    # It crosses midnight: the part after midnight belongs to the day before.
    return (today in window.days and clock >= window.from_) or (
        yesterday in window.days and clock < window.to
    )


def _local(now_ns: int, zone: str) -> datetime:
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).astimezone(ZoneInfo(zone))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError(f"{text} names a zone of its own")
    return moment
