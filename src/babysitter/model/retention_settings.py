"""How long ended runs are kept, and which are kept whatever comes: ``[retention]`` of ``babysitter.toml``.

A rule that would remove something says so in full: which processes it is for, after how many days, and what
is to happen have no default.

Reference: docs/reference/retention.md.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from babysitter.model.rules import Id
from babysitter.model.toml_lines import WrongBelowError

EndStatus = Literal["completed", "failed", "cancelled"]
ENDED: tuple[EndStatus, ...] = ("completed", "failed", "cancelled")
DAYS_MAX = 36_500
_KEEP_MAX = 1_000_000
ProcessGlob = Annotated[str, Meta(min_length=1, pattern=r"^\S+$")]
RunName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")]
Text = Annotated[str, Meta(min_length=1, pattern=r"\S")]


class RetentionSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class RetentionRule(RetentionSetting, frozen=True, kw_only=True):
    """``[[retention.rules]]``: what becomes of ended runs, and when.

    processes: globs over the ids of processes; any of them. status: how the runs ended; any of these.
    after_days: so many days of 24 hours after a run's end it is due.
    keep: so many of the rule's runs, those that ended last, are never due by it.
    action: ``delete``: the run's folder.
    """

    id: Id
    processes: Annotated[tuple[ProcessGlob, ...], Meta(min_length=1)]
    status: Annotated[tuple[EndStatus, ...], Meta(min_length=1)] = ENDED
    after_days: Annotated[int, Meta(ge=1, le=DAYS_MAX)]
    keep: Annotated[int, Meta(ge=0, le=_KEEP_MAX)] = 0
    action: Literal["delete"]


class RetentionHold(RetentionSetting, frozen=True, kw_only=True):
    """``[[retention.holds]]``: what is not removed, whatever the rules say, until the table is taken out.

    runs: ids of runs, in full. processes: globs over the ids of processes.
    reason, by: why, and who answers for it; shown to whoever asks.
    """

    id: Id
    runs: tuple[RunName, ...] = ()
    processes: tuple[ProcessGlob, ...] = ()
    reason: Text
    by: Text

    def __post_init__(self) -> None:
        """Refuse a hold that holds nothing.

        Raises:
            ValueError: which msgspec turns into an error with the key's place.
        """
        if not (self.runs or self.processes):
            raise ValueError("a hold names runs or processes, else it holds nothing")


class RetentionTable(RetentionSetting, frozen=True, kw_only=True):
    """``[retention]``. ``rules``: the first that is for a run decides about it."""

    rules: tuple[RetentionRule, ...] = ()
    holds: tuple[RetentionHold, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two rules, or two holds, of one id.

        Raises:
            WrongBelowError: with the place of the second.
        """
        _refuse_twice("rules", [rule.id for rule in self.rules])
        _refuse_twice("holds", [hold.id for hold in self.holds])


def _refuse_twice(key: str, ids: Sequence[str]) -> None:
    for place, each in enumerate(ids):
        if each in ids[:place]:
            raise WrongBelowError(f"two of the {key} are called {each}", (key, str(place), "id"))
