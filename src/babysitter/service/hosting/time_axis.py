"""Where moments of a run stand on a line, and what its time went by with. Pure: numbers in, numbers out.

A run may work for a second and wait for a night. Long idle stretches are drawn with a small fixed width,
so that the work stays visible; the order of moments stays as it was.

Invariants, each with a test in tests/unit/service/hosting/test_time_axis.py:
    - places grow with moments, and all lie in [0, 100];
    - each moment of a run is counted for exactly one thing, so the parts add up to the whole.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Interval = tuple[int, int]

NS = 1_000_000_000
GAP_NS_MIN = 10 * NS
"""What is idle for less is drawn as long as it was."""
GAP_OF_BUSY_MIN = 1 / 20
"""So is what is idle for less than this part of the time that is not: collapsed, it would look longer."""
GAPS_MAX = 12
_GAP_WIDTH = 4.0
_GAPS_WIDTH_MAX = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A line from 0 to 100. ``gaps``: the idle stretches that were collapsed, in order.

    stops, places: moments in ns and where they stand; between them the line is straight.
    """

    gaps: tuple[Interval, ...]
    stops: tuple[int, ...]
    places: tuple[float, ...]

    def place(self, at_ns: int) -> float:
        """Return where a moment stands."""
        if at_ns <= self.stops[0]:
            return 0.0
        if at_ns >= self.stops[-1]:
            return 100.0
        index = bisect_right(self.stops, at_ns) - 1
        begin, end = self.stops[index], self.stops[index + 1]
        left, right = self.places[index], self.places[index + 1]
        return left + (right - left) * (at_ns - begin) / (end - begin)


def axis_of(begin_ns: int, end_ns: int, busy: Iterable[Interval]) -> Axis:
    """Return the line of a run that was at work in these intervals, which may overlap."""
    end_ns = max(end_ns, begin_ns + 1)
    united = union(busy, begin_ns, end_ns)
    gaps = _gaps(begin_ns, end_ns, united)
    rest_ns = end_ns - begin_ns - sum(end - begin for begin, end in gaps)
    gap_width = min(_GAP_WIDTH, _GAPS_WIDTH_MAX / len(gaps)) if gaps else 0.0
    if rest_ns <= 0:
        gap_width = 100.0 / len(gaps)
    rest_width = 100.0 - gap_width * len(gaps)
    stops, places = [begin_ns], [0.0]
    for begin, end in (*gaps, (end_ns, end_ns)):
        if begin > stops[-1]:
            places.append(min(100.0, places[-1] + rest_width * (begin - stops[-1]) / max(1, rest_ns)))
            stops.append(begin)
        if end > begin:
            places.append(min(100.0, places[-1] + gap_width))
            stops.append(end)
    places[-1] = 100.0
    return Axis(gaps=tuple(gaps), stops=tuple(stops), places=tuple(places))


def union(intervals: Iterable[Interval], begin_ns: int, end_ns: int) -> list[Interval]:
    """Return what the intervals cover of a stretch, in order, without overlaps."""
    found: list[Interval] = []
    for begin, end in sorted((max(begin, begin_ns), min(end, end_ns)) for begin, end in intervals):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def spent(begin_ns: int, end_ns: int, kinds: Mapping[str, Sequence[Interval]]) -> dict[str, int]:
    """Return how many ns went by with each kind; where several did, the first kind has it; else ``other``."""
    names = list(kinds)
    moments: list[tuple[int, int, int]] = []
    for number, intervals in enumerate(kinds.values()):
        for begin, end in union(intervals, begin_ns, end_ns):
            moments += [(begin, number, 1), (end, number, -1)]
    moments.sort()
    found = dict.fromkeys([*names, "other"], 0)
    under_way = [0] * len(names)
    since = begin_ns
    for at_ns, number, step in [*moments, (end_ns, 0, 0)]:
        which = next((name for name, count in zip(names, under_way, strict=True) if count), "other")
        found[which] += max(0, at_ns - since)
        since = max(since, at_ns)
        if step:
            under_way[number] += step
    return found


def _gaps(begin_ns: int, end_ns: int, united: Sequence[Interval]) -> list[Interval]:
    """Return the idle stretches that are worth collapsing, in order."""
    edges = [begin_ns, *(edge for interval in united for edge in interval), end_ns]
    idle = list(zip(edges[::2], edges[1::2], strict=True))
    busy_ns = sum(end - begin for begin, end in united)
    long = [each for each in idle if each[1] - each[0] >= max(GAP_NS_MIN, busy_ns * GAP_OF_BUSY_MIN)]
    if not united:
        # Nothing but waiting: there is nothing that a collapsed stretch would make room for.
        return []
    return sorted(sorted(long, key=lambda each: each[0] - each[1])[:GAPS_MAX])
