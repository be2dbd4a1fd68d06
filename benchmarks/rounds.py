"""Take turns: what is compared runs back to back, between two bare loops that say whether the disk changed.

A shared disk was seen to go from 4,900 to 300 syncs/s within minutes. Two rates taken minutes apart then make
any ratio one likes, so no rate is kept from one comparison to the next, and a round during which the disk
changed counts for nothing. Which rounds count is decided by the bare loops alone, never by what was measured
in them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.child import measure
from benchmarks.disk import NOT_A_DISK_SYNCS_PER_S
from benchmarks.figures import STEADY_FACTOR_MAX, Figure, Goal, Verdict, is_steady

PROBE_LINES = 300
PROBE_BYTES = 1000

SPREAD_FACTOR_MAX = 1.25
"""Ratios closer together than this are one answer: the median decides, on whichever side others lie."""

Printed = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of everything that is compared. ``bare``: syncs/s of the bare loop before and after."""

    bare: tuple[float, float]
    taken: Mapping[str, Printed]

    @property
    def counts(self) -> bool:
        """True when the disk stayed the same."""
        return is_steady(self.bare)


def probe(folder: Path) -> float:
    """Return the bare loop's syncs/s now."""
    printed = measure(
        "benchmarks.disk", "one", "--bytes", PROBE_BYTES, "--count", PROBE_LINES, "--dir", folder
    )
    return float(printed["perS"])


def take_turns(folder: Path, count: int, calls: Mapping[str, Callable[[], Printed]]) -> list[Round]:
    """Return ``count`` rounds, each with all the calls in their order.

    Raises:
        MeasurementError: a call failed.
    """
    rounds = []
    before = probe(folder)
    for _ in range(count):
        taken = {name: call() for name, call in calls.items()}
        after = probe(folder)
        rounds.append(Round(bare=(before, after), taken=taken))
        before = after
    return rounds


def figure_of(
    name: str,
    goal: Goal,
    rounds: list[Round],
    ratio: Callable[[Mapping[str, Printed]], float],
    **parts: object,
) -> Figure:
    """Return the figure that the rounds make: the median ratio of those that count.

    It is ``unsteady`` when fewer than half of the rounds count (the value is then that of all, for what it is
    worth), when their ratios are so far apart that they lie on both sides of the goal, and when a single
    round counts and is no further from the goal than the disk may have changed in it: neither ok nor missed
    is known then.
    """
    steady = [taken for taken in rounds if taken.counts]
    is_enough = 2 * len(steady) >= len(rounds)
    used = steady if is_enough else rounds
    ratios = sorted(ratio(taken.taken) for taken in used)
    value = median(ratios)
    bare = [rate for taken in rounds for rate in taken.bare]
    verdict: Verdict = "ok" if goal.is_met_by(value) else "missed"
    if goal.needs_a_disk and median(bare) > NOT_A_DISK_SYNCS_PER_S:
        verdict = "invalid: not a disk"
    elif not is_enough or _says_both(goal, ratios) or (len(ratios) == 1 and _is_close(goal, value)):
        verdict = "unsteady"
    return Figure(
        name=name,
        goal=goal,
        verdict=verdict,
        value=value,
        parts={
            **parts,
            "spread": f"{ratios[0]:.2f}-{ratios[-1]:.2f}",
            "steady_rounds": f"{len(steady)}/{len(rounds)}",
            "bare_syncs_per_s": f"{min(bare):,.0f}-{max(bare):,.0f}",
        },
    )


def _says_both(goal: Goal, ratios: list[float]) -> bool:
    """Tell whether the sorted ratios contradict each other about the goal by more than a few percent."""
    low, high = ratios[0], ratios[-1]
    return high > SPREAD_FACTOR_MAX * low and goal.is_met_by(low) != goal.is_met_by(high)


def _is_close(goal: Goal, value: float) -> bool:
    """Tell whether a disk that changed as much as a round may hide would turn the verdict."""
    return goal.is_met_by(value * STEADY_FACTOR_MAX) != goal.is_met_by(value / STEADY_FACTOR_MAX)


def middle(rounds: list[Round], call: str, key: str) -> float:
    """Return the median of what a call printed under a key in the rounds that count; in all if none does."""
    used = [taken for taken in rounds if taken.counts] or rounds
    return float(median(taken.taken[call][key] for taken in used))
